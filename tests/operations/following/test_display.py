"""Progress as it is shown: a bar on a terminal, lines in a log."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from pipeline.operations.following.display import _Bar, shown
from pipeline.operations.following.progress import RunProgress
from pipeline.operations.planning.expansion import Stage
from pipeline.operations.planning.forecast import StageForecast
from pipeline.operations.planning.plan import Plan, PlannedStage
from pipeline.params.training.candidates import Candidate

SVM = Candidate("classical", "svm_hog")
STAGE = "baseline@svm_hog"


@pytest.fixture
def progress(monkeypatch: pytest.MonkeyPatch) -> RunProgress:
    """Of two stages, the first of which has run for 30 of 60 seconds."""
    monkeypatch.setattr("pipeline.operations.following.display.time.monotonic", lambda: 30.0)
    forecasts = [
        StageForecast(Stage(STAGE, "train", SVM), 60.0, 30.0, 120.0, 1e9, 1e6, "usual"),
        StageForecast(Stage("evaluate-classical@svm_hog", "evaluate", SVM), 30.0, 15.0, 60.0, 1e9, 1e6, "usual"),
    ]
    progress = RunProgress(Plan([PlannedStage(one, "changed") for one in forecasts], []), 0.0)
    progress.read(f"Running stage '{STAGE}':", 0.0)
    return progress


def terminal() -> Console:
    return Console(force_terminal=True, color_system=None, file=StringIO(), width=100)


def written(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_on_a_terminal_a_bar_says_where_the_run_is(progress: RunProgress) -> None:
    console = terminal()
    console.print(_Bar(progress, console).render())
    first, second = written(console).splitlines()
    a_third = f"{'━' * 8}{' ' * 16}"
    assert first.rstrip() == f"stage 1 of 2 {a_third} 30 s so far, about 1 min to go (16 s to 2 min)"
    assert second.rstrip() == STAGE
    progress.finish(30.0)
    console = terminal()
    console.print(_Bar(progress, console).render())
    assert written(console).splitlines()[1].rstrip() == "DVC looks at the graph"


def test_above_the_bar_stand_stages_and_what_they_print_and_none_of_dvcs_chatter(progress: RunProgress) -> None:
    console = terminal()
    with shown(progress, console) as display:
        display.stage(STAGE)
        display.line("classical-svm_hog  seed 0  [C 10]  val 0.875")
        display.line("Updating lock file 'dvc.lock'")
    said = written(console)
    assert f"[1/2] {STAGE}: train, about 1 min\n" in said
    assert "classical-svm_hog  seed 0  [C 10]  val 0.875\n" in said, "brackets are no markup"
    assert "stage 1 of 2" in said and "lock file" not in said


def test_in_a_log_each_stage_is_a_line_with_the_times_of_the_run(
    progress: RunProgress, capsys: pytest.CaptureFixture[str]
) -> None:
    with shown(progress, Console(file=StringIO())) as display:
        display.stage(STAGE)
        display.line("Updating lock file 'dvc.lock'")
        display.line("one of its own")
    expected = f"[1/2] {STAGE}: train, about 1 min; 30 s so far, about 1 min to go (16 s to 2 min)"
    assert capsys.readouterr().out.splitlines() == [expected, "one of its own"]
