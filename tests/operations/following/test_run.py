"""A small graph, run by DVC: what is due before and after, its lines, its exit status, and what a signal does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.dvc_command import VersioningError, dvc_environment
from pipeline.ground.files import write_json
from pipeline.ground.locks import hold_at_once
from pipeline.ground.paths import DATASET
from pipeline.operations import repro
from pipeline.operations.following.child import run_command, run_repro
from pipeline.operations.following.note import NOTE
from pipeline.operations.following.running import FANOUT_LOCK, RunningStage, process_of_run, running_stages
from pipeline.operations.planning.due import GraphState, State, graph_state
from pipeline.params.compare import Compare
from tests.starts import STOPPING_SLOWLY

SECONDS = ["second@one", "second@two"]
pytestmark = pytest.mark.usefixtures("code_elsewhere")


def test_what_is_due_is_known_before_a_run_after_it_and_after_a_change(graph: Path) -> None:
    assert graph_state(["second"]).stages == {"first": "changed", "second@one": "changed", "second@two": "changed"}
    lines: list[str] = []
    ordered = ["first", "second@two", "second@one"]
    (named,) = repro._passes([], ordered)
    assert named == ordered and repro._passes([], ()) == [()]
    first_pass, rest = repro._passes(ordered, ())
    assert rest == () and run_repro(first_pass, lines.append) == 0
    assert [line for line in lines if line.startswith("Running")] == [f"Running stage '{name}':" for name in ordered]
    assert "limit of limit: 1" in lines
    assert graph_state(["second"]).due == []
    (graph / "params.yaml").write_text("limit: 2\n")
    changed = {"first": "changed", "second@one": "follows", "second@two": "follows"}
    state = graph_state(["second"])
    assert state.stages == changed and state.changes == {"first": ("params.yaml",)}
    assert run_repro(["second"], lines.append) == 0
    (graph / "params.yaml").write_text("limit: 1\n")
    assert graph_state(["first"]).stages == {"first": "cached"}
    assert run_repro(["second"], lines.append) == 0
    assert "Stage 'first' is cached - skipping run, checking out outputs" in lines


def test_whoever_only_looks_leaves_what_a_run_on_another_machine_has_written(graph: Path) -> None:
    entries = graph / ".dvc/tmp/rwlock"
    entries.write_text(json.dumps({"read": {"/first.txt": [{"pid": 2**22 + 1, "cmd": "dvc repro"}]}}), encoding="utf-8")
    before = entries.read_bytes()
    graph_state(mends=False)
    assert entries.read_bytes() == before
    graph_state()
    assert entries.read_bytes() != before


def test_looking_takes_no_lock_and_leaves_git_clean(graph: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in graph.glob("*")}
    lock = graph / ".dvc/tmp/lock"
    held = lock.stat().st_mtime_ns if lock.exists() else None
    graph_state()
    assert {path: path.stat().st_mtime_ns for path in graph.glob("*")} == before
    assert (lock.stat().st_mtime_ns if lock.exists() else None) == held


def test_an_unknown_stage_is_answered_with_the_one_most_like_it(graph: Path) -> None:
    with pytest.raises(VersioningError, match=r"'second@ona' is no stage of dvc\.yaml; did you mean 'second@one'\?"):
        graph_state(["second@ona"])


def test_a_stage_that_fails_gives_its_reason_and_dvcs_exit_status(graph: Path) -> None:
    lines: list[str] = []
    assert run_repro(["failing"], lines.append) == 255
    assert "no weights here" in lines
    assert any(line.startswith("ERROR: failed to reproduce 'failing'") for line in lines)


def test_a_stage_that_the_system_killed_for_its_memory_is_told_as_that(
    graph: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(repro, "shown", lambda *_: nullcontext(SimpleNamespace(line=print, stage=print)))
    progress: Any = SimpleNamespace(read=lambda *_: None)
    assert repro._follow(["killed"], progress, lambda: None, dvc_environment()) == 255
    told = capsys.readouterr()
    assert "ERROR: failed to reproduce 'killed'" in told.out
    assert told.err.startswith("kiyas repro: a stage was killed from outside (signal 9), as Linux does where memory")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_dvc_and_its_stage(graph: Path, number: signal.Signals) -> None:
    asleep, seen, runs = graph / "asleep", list[RunningStage](), list[int | None]()
    asleep.unlink(missing_ok=True)

    def interrupt() -> None:
        _wait_until(asleep.exists)
        seen.extend(running_stages(graph))
        runs.append(process_of_run(graph))
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=interrupt)
    thread.start()
    status = run_repro(["sleeping"], lambda line: None)
    thread.join()
    assert status == (255 if number == signal.SIGINT else 128 + number)
    assert [(stage.name, list(stage.run.targets)) for stage in seen] == [("sleeping", ["sleeping"])]
    assert runs[0] and runs[0] != seen[0].process and process_of_run(graph) is None
    _wait_until(lambda: not running_stages(graph))


def test_a_signal_reaches_a_stage_whose_dvc_was_killed(graph: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asleep = graph / "asleep"
    asleep.unlink(missing_ok=True)
    monkeypatch.setattr("pipeline.dvc_full_disk.LOOK", 0.05)  # it asks after DVC, which so is waited for

    def kill_and_interrupt() -> None:
        _wait_until(asleep.exists)
        os.kill(process_of_run(graph) or 0, signal.SIGKILL)
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGINT)

    thread, begun = threading.Thread(target=kill_and_interrupt), time.monotonic()
    thread.start()
    run_repro(["sleeping"], lambda line: None)
    thread.join()
    _wait_until(lambda: not running_stages(graph))
    assert time.monotonic() - begun < 50, "it would sleep for a minute"


@pytest.mark.parametrize("between", [False, True])
def test_a_second_run_is_refused_between_two_stages_too_and_leaves_the_note_of_the_first(
    graph: Path, between: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stage: Any = SimpleNamespace(name="cnn@lecture", process=4711)
    monkeypatch.setattr(repro, "running_stages", lambda _: [] if between else [stage])
    monkeypatch.setattr(repro, "run_before_this", lambda _: 42)
    NOTE.parent.mkdir(exist_ok=True)
    NOTE.write_text("{}", encoding="utf-8")
    assert repro.run() == 2
    told = "a `repro` runs in this checkout already (process 42)" if between else "cnn@lecture runs in this checkout"
    assert capsys.readouterr().err.startswith(f"kiyas repro: {told}")
    assert NOTE.read_text(encoding="utf-8") == "{}"
    NOTE.unlink()


@pytest.mark.parametrize("state", ["unchanged", "changed"])
def test_a_score_that_does_not_fit_is_refused_before_a_run_whose_examples_are_prepared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], state: State
) -> None:
    monkeypatch.chdir(tmp_path)
    counts = {"test": {"a": 5, "b": 0}}
    write_json(DATASET, {"task": "binary", "class_names": ["a", "b"], "counts": counts})
    compare = Compare(score="auroc", confidence=0.95, margin=0.01, resamples=100)
    params = SimpleNamespace(compare=compare)
    monkeypatch.setattr(repro, "load_params", lambda: params)
    monkeypatch.setattr(repro, "_graph", lambda _: GraphState({"prepare": state, "cnn@lecture": "changed"}))
    monkeypatch.setattr(repro, "forecast_stages", lambda _: [])
    monkeypatch.setattr(repro, "_announce", lambda _: sys.exit("begun"))
    if state == "changed":
        with pytest.raises(SystemExit, match="begun"):
            repro.run()
    else:
        assert repro.run() == 2
        refusal = "kiyas repro: params.yaml: compare.score = auroc: no test example is of class 'b'"
        assert capsys.readouterr().err.startswith(refusal)


def test_ctrl_c_leaves_a_command_the_time_to_stop_what_it_runs(tmp_path: Path) -> None:
    def interrupt() -> None:
        _wait_until((tmp_path / "begun").exists)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    assert run_command([sys.executable, "-c", STOPPING_SLOWLY], tmp_path, dict(os.environ)) == (255, True)
    thread.join()
    assert (tmp_path / "put in order").exists()


def test_a_signal_that_comes_before_the_child_does_reaches_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = subprocess.Popen

    def begin_after_a_signal(*given: Any, **named: Any) -> Any:
        os.kill(os.getpid(), signal.SIGTERM)
        return begin(*given, **named)

    monkeypatch.setattr(subprocess, "Popen", begin_after_a_signal)
    assert run_command(["sleep", "60"], tmp_path, dict(os.environ)) == (-signal.SIGTERM, True)


def _wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 50
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_signal_that_is_ignored_stays_so(tmp_path: Path) -> None:
    """As under nohup, where the terminal that closes is to end nothing."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        closing = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGHUP))
        closing.start()
        command = [sys.executable, "-c", "import time; time.sleep(1.5)"]
        assert run_command(command, tmp_path, dict(os.environ)) == (0, False)
        closing.join()
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_run_waits_for_what_nodes_do_for_its_checkout_and_not_for_its_own_process(
    graph: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hold_at_once(FANOUT_LOCK, "fanout"):
        repro._refuse_second_run()
        monkeypatch.setattr(repro, "os", SimpleNamespace(getpid=lambda: 1))
        with pytest.raises(VersioningError, match=r"`fanout` .*goes on for this checkout, on nodes"):
            repro._refuse_second_run()
