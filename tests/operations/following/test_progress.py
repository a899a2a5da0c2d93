"""How far a run has come, from lines as DVC prints them."""

from __future__ import annotations

import pytest

from pipeline.operations.following.display import heading, standing
from pipeline.operations.following.progress import CHATTER, RunProgress
from pipeline.operations.planning.expansion import Stage
from pipeline.operations.planning.forecast import StageForecast
from pipeline.operations.planning.plan import Plan, PlannedStage
from pipeline.params.training.candidates import Candidate

SVM = Candidate("classical", "svm_hog")
FULL = Candidate("finetune", "vgg16-full", "vgg16", "full")
LINES = """Stage 'prepare' didn't change, skipping
Running stage 'baseline@svm_hog':
> python -m pipeline baseline --model svm_hog
classical-svm_hog  seed 0  C 10  train 1.000  val 0.875
Updating lock file 'dvc.lock'

Stage 'evaluate-classical@svm_hog' is cached - skipping run, checking out outputs
Updating lock file 'dvc.lock'

Running stage 'finetune@vgg16-full':
> python -m pipeline finetune --backbone vgg16 --strategy full"""


def planned(name: str, part: str, candidate: Candidate, seconds: float, state: str = "changed") -> PlannedStage:
    stage = Stage(name, part, candidate)  # type: ignore[arg-type]
    return PlannedStage(StageForecast(stage, seconds, seconds / 2, 2 * seconds, 1e9, 1e6, "usual"), state)  # type: ignore[arg-type]


@pytest.fixture
def plan() -> Plan:
    return Plan(
        [
            planned("baseline@svm_hog", "train", SVM, 60),
            planned("evaluate-classical@svm_hog", "evaluate", SVM, 30),
            planned("finetune@vgg16-full", "train", FULL, 600),
            planned("evaluate-finetune@vgg16-full", "evaluate", FULL, 120),
        ],
        ["prepare"],
    )


def read(progress: RunProgress, upto: str, each: float = 0.0) -> float:
    """Feed the lines, the last of them included; `each` seconds pass before each stage."""
    now = 0.0
    for line in LINES.splitlines():
        now += each if line.startswith(("Running", "Stage 'evaluate")) else 0.0
        progress.read(line, now)
        if line.startswith(upto):
            break
    return now


def test_the_place_in_the_run_counts_what_is_due_alone(plan: Plan) -> None:
    progress = RunProgress(plan, 0.0)
    assert (progress.position, progress.total) == (0, 4)
    read(progress, "Running stage 'baseline")
    assert heading(progress, "baseline@svm_hog") == "[1/4] baseline@svm_hog: train, about 1 min"
    read(progress, "> python -m pipeline finetune")
    assert (progress.position, progress.total) == (3, 4)
    assert progress.restored == ["evaluate-classical@svm_hog"]


def test_what_remains_is_the_rest_of_this_stage_and_those_to_come(plan: Plan) -> None:
    progress = RunProgress(plan, 0.0)
    now = read(progress, "> python -m pipeline finetune", each=60)  # the first stage took as long as was forecast
    assert progress.remaining(now) == pytest.approx((720, 360, 1440))
    assert progress.remaining(now + 100) == pytest.approx((620, 260, 1340))
    assert standing(progress, now + 100) == "5 min so far, about 10 min to go (4 to 22 min)"


def test_a_machine_that_turns_out_slow_lengthens_the_rest(plan: Plan) -> None:
    progress = RunProgress(plan, 0.0)
    now = read(progress, "> python -m pipeline finetune", each=240)  # four times as long as was forecast
    trust = 0.1 * (60 + 30 + 600 + 120)
    assert progress.pace == pytest.approx((240 + trust) / (60 + trust))
    assert progress.remaining(now)[0] == pytest.approx(720 * progress.pace)


def test_a_quick_download_does_not_shorten_the_training(plan: Plan) -> None:
    fetched = Plan([planned("fetch@groceries", "fetch", SVM, 300), *plan.due], ["prepare"])
    progress = RunProgress(fetched, 0.0)
    progress.read("Running stage 'fetch@groceries':", 0.0)
    progress.read("Running stage 'baseline@svm_hog':", 5.0)
    assert progress.remaining(5.0)[0] == pytest.approx(60 + 30 + 600 + 120)


def test_a_stage_that_takes_longer_than_forecast_still_has_something_to_go(plan: Plan) -> None:
    progress = RunProgress(plan, 0.0)
    progress.read("Running stage 'evaluate-finetune@vgg16-full':", 0.0)
    assert progress.remaining(10_000.0)[0] == pytest.approx(60 + 30 + 600 + 0.05 * 120)


def test_a_planned_stage_that_dvc_finds_unchanged_is_done(plan: Plan) -> None:
    progress = RunProgress(plan, 0.0)
    progress.read("Stage 'finetune@vgg16-full' didn't change, skipping", 0.0)
    assert progress.remaining(0.0)[0] == pytest.approx(60 + 30 + 120)


def test_failures_are_no_chatter() -> None:
    kept = [line for line in LINES.splitlines() if not CHATTER.match(line)]
    assert len(kept) == 6
    assert not CHATTER.match(
        "ERROR: failed to reproduce 'prepare': failed to run: python -m pipeline prepare, exited with 1"
    )
