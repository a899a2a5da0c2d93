"""What a run notes for `status`: both go by one plan and pace, and by what has ended until then."""

from __future__ import annotations

import json
import platform
import re
import time
from pathlib import Path

import pytest

from pipeline.configuration.loading import load_params
from pipeline.operations import status
from pipeline.operations.following.display import heading, standing
from pipeline.operations.following.note import NOTE, followed, forget, noted
from pipeline.operations.following.progress import RunProgress
from pipeline.operations.planning.expansion import stages_of
from pipeline.operations.planning.forecast import StageForecast
from pipeline.operations.planning.plan import Plan, PlannedStage, State


def planned(name: str, seconds: float, state: State = "changed") -> PlannedStage:
    stage = {stage.name: stage for stage in stages_of(load_params())}[name]
    return PlannedStage(StageForecast(stage, seconds, seconds / 2, 2 * seconds, 0.0, 0.0, "ran"), state)


@pytest.fixture
def progress(checkout: Path) -> RunProgress:
    due = [
        planned("baseline@svm_hog", 60),
        planned("evaluate-classical@svm_hog", 30),
        planned("evaluate-classical@majority", 30, "cached"),
        planned("finetune@vgg16-full", 600),
    ]
    begun = time.monotonic() - 605
    progress = RunProgress(Plan(due, ["prepare"]), begun)
    progress.read("Stage 'prepare' didn't change, skipping", begun)
    progress.read("Running stage 'baseline@svm_hog':", begun)
    progress.read("Stage 'evaluate-classical@majority' is cached - skipping run, checking out outputs", begun + 600)
    progress.read("Running stage 'evaluate-classical@svm_hog':", begun + 600)
    return progress


def test_status_says_what_the_run_itself_says(progress: RunProgress, capsys: pytest.CaptureFixture[str]) -> None:
    with noted(progress):
        assert status.run() == 0
        first, second = capsys.readouterr().out.splitlines()
        name, now = "evaluate-classical@svm_hog", time.monotonic()
        assert progress.ended.keys() == {"baseline@svm_hog"} and progress.pace > 4
        assert first.startswith(f"{heading(progress, name)}; it has run for ") and first.startswith("[3/4] ")
        assert second == standing(progress, now)
        assert status.run(as_json=True) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["running"], told["position"], told["of"]) == (name, 3, 4)
        assert told["remaining"] == pytest.approx(progress.remaining(now)[0], rel=0.05)
    assert not NOTE.exists()


def test_a_run_of_another_machine_in_a_shared_folder_is_told_by_its_name(
    progress: RunProgress, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with noted(progress):
        monkeypatch.setattr(platform, "node", lambda: "another")
        assert status.run() == 0
        assert capsys.readouterr().out.startswith("As a run on ")


def test_what_has_ended_since_is_noted_when_the_run_says_so(progress: RunProgress) -> None:
    with noted(progress) as note:
        stages = stages_of(load_params())
        progress.read("Running stage 'finetune@vgg16-full':", time.monotonic())
        before = followed(stages)
        note()
        after = followed(stages)
    assert before and after and before.progress.running and after.progress.running
    assert before.progress.running[0] == "evaluate-classical@svm_hog"
    assert after.progress.running[0] == "finetune@vgg16-full" and "evaluate-classical@svm_hog" in after.progress.ended
    assert after.progress.running[1] == pytest.approx(time.time(), abs=60)


def test_before_the_first_stage_the_run_is_named(progress: RunProgress, capsys: pytest.CaptureFixture[str]) -> None:
    progress.running = None
    with noted(progress):
        assert status.run() == 0
    first, second = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"A run goes on \(process \d+\), and DVC looks at the graph\.", first)
    assert " so far, about " in second


def test_a_disk_without_room_does_not_end_the_run(progress: RunProgress) -> None:
    Path(".kiyas").write_text("a file in place of the folder", encoding="utf-8")
    with noted(progress) as note:
        note()
        assert followed(stages_of(load_params())) is None


@pytest.mark.parametrize("left", ["by a process that is gone", "cut off", "of another form"])
def test_what_a_killed_run_left_says_nothing(progress: RunProgress, left: str) -> None:
    with noted(progress):
        content = NOTE.read_text(encoding="utf-8")
    stages = stages_of(load_params())
    changed = json.loads(content)
    changed["process_since"] -= 60
    NOTE.write_text({"cut off": content[:40], "of another form": "[]"}.get(left, json.dumps(changed)), encoding="utf-8")
    assert followed(stages) is None
    forget()
    assert not NOTE.exists()
    forget()
