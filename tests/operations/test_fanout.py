"""The whole of a run on several machines, with DVC and nodes that answer as they are told; and its exit status."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.dvc_command import VersioningError
from pipeline.operations import fanout
from pipeline.operations.planning.due import GraphState, Inputs
from pipeline.operations.scaling.on_nodes.worker import add_lock_entries, read_lock
from pipeline.operations.scaling.orders import Trial
from pipeline.operations.scaling.tasks import Division, Resources, Task
from pipeline.params.upkeep.scale import Scale
from tests.operations.scaling.scripted import Scripted

TASKS = [
    Task("train", 30, Resources(1.0), Inputs(("prepare",), ("data",))),
    Task("evaluate", 10, Resources(1.0), Inputs(("train",), ("models",))),
    Task("other", 20, Resources(1.0)),
]


@dataclass
class Run:
    """
    Attributes:
        divisions: what is due at each look; the last one stays.
        steps: what was asked of DVC, of `repro` and of `track`.
        changes: what is another here of stages that nodes have done.
        status: that `repro` ends with.
    """

    launcher: Scripted = field(default_factory=lambda: Scripted({}))
    divisions: list[Division] = field(default_factory=lambda: [division()])
    steps: list[str] = field(default_factory=list)
    changes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    status: int = 0

    def look(self, *_: Any, mends: bool) -> Division:
        return self.divisions.pop(0) if len(self.divisions) > 1 else self.divisions[0]

    def repro(self, targets: Any) -> int:
        self.steps.append(" ".join(["repro", *targets]))
        return self.status


def division(before: tuple[str, ...] = (), tasks: list[Task] | None = None) -> Division:
    return Division([*before], TASKS if tasks is None else tasks, ["compare"], 1.0, 1.0)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    run = Run()
    monkeypatch.chdir(tmp_path)
    add_lock_entries({"prepare": {"cmd": "prepare"}})
    params = SimpleNamespace(scale=Scale(retries=0), data=SimpleNamespace(fetch=["cats"], path="data", kind="table"))
    monkeypatch.setattr(fanout, "load_params", lambda: params)
    monkeypatch.setattr(fanout, "clean_commit", lambda *_: "abc")
    monkeypatch.setattr(fanout, "pack_commit", lambda *_: b"")
    monkeypatch.setattr(fanout, "refuse_private_remote", lambda *_: None)
    monkeypatch.setattr(fanout, "dvc_lock_held", lambda: fanout.hold_at_once(Path("dvc-lock.lock"), "dvc"))
    monkeypatch.setattr(fanout, "graph_state", lambda _: GraphState({}, {}, run.changes))
    monkeypatch.setattr(fanout, "run_dvc", lambda *arguments: run.steps.append(" ".join(arguments)))
    monkeypatch.setattr(fanout.repro, "run", run.repro)
    monkeypatch.setattr(fanout.track, "run", lambda: run.steps.append("track"))
    monkeypatch.setattr(fanout, "_divided", run.look)
    monkeypatch.setattr(fanout, "RayLauncher", lambda *_: run.launcher)
    return run


def test_what_nodes_have_done_is_brought_back_compared_and_tracked(run: Run) -> None:
    assert fanout.run(local=2) == 0
    assert run.steps == [
        "push prepare",
        "pull --force --run-cache train evaluate other",
        "repro",
        "track",
    ]
    assert read_lock() == {name: {"cmd": name} for name in ("prepare", "train", "evaluate", "other")}
    assert run.launcher.stopped


def test_a_remote_that_is_away_for_a_moment_ends_no_run(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    refusals = ["push", "pull", "pull"]

    def run_dvc(*arguments: str) -> None:
        run.steps.append(arguments[0])
        if arguments[0] in refusals:
            refusals.remove(arguments[0])
            raise VersioningError(f"`dvc {arguments[0]}` failed: no route")

    monkeypatch.setattr(fanout, "run_dvc", run_dvc)
    monkeypatch.setattr(fanout, "WAITS", (0.0, 0.0))
    assert fanout.run(local=2) == 0
    assert run.steps == ["push", "push", "pull", "pull", "pull", "repro", "track"]
    refusals += ["push"] * 3
    assert fanout.run(local=2) == 2


def test_what_comes_before_is_run_until_nothing_of_it_is_due_and_targets_are_not_tracked(run: Run) -> None:
    run.divisions = [division(("prepare",)), division(("weights",)), division(tasks=[TASKS[2]])]
    assert fanout.run(["other"], local=2) == 0
    assert run.steps[:2] == ["repro prepare", "repro weights"] and run.steps[-1] == "repro other"
    assert [order.stage for order in run.launcher.orders] == ["other"]


def test_a_stage_that_fails_is_named_what_is_done_is_kept_and_the_status_is_one(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    run.launcher = Scripted({"train": ["failed"]})
    assert fanout.run(local=2) == 1
    assert run.steps == ["push prepare", "pull --force --run-cache other"]
    errors = capsys.readouterr().err.splitlines()
    assert errors[0].startswith("kiyas fanout: train: failed on node-7: it said no (log: ")
    assert errors[1:] == [
        "kiyas fanout: not run because of that: evaluate",
        "kiyas fanout: 1 other stage is done and here; run this again",
    ]


def test_trials_are_joined_on_a_node_and_only_their_stage_comes_back(run: Run) -> None:
    trial = Trial("train", "cnn-tiny", 0)
    first, joined = (
        replace(TASKS[0], name="train:seed-0", trial=trial),
        replace(TASKS[0], trials={"train:seed-0": trial}),
    )
    run.divisions = [division(tasks=[first, joined, *TASKS[1:]])]
    assert fanout.run(local=2) == 0
    assert run.steps[1] == "pull --force --run-cache train evaluate other"
    assert sorted(read_lock()) == ["evaluate", "other", "prepare", "train"]


def test_where_the_nodes_go_away_what_is_done_is_here_and_the_status_is_one(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    run.launcher = Scripted({"evaluate": ["gone"]})
    assert fanout.run(local=2) == 1
    assert run.steps[-1] == "pull --force --run-cache train other" and run.launcher.stopped
    assert "kiyas fanout: the cluster is gone" in capsys.readouterr().err


def test_a_run_before_that_fails_ends_with_its_status_and_starts_nothing(run: Run) -> None:
    run.divisions, run.status = [division(("prepare",))], 255
    assert fanout.run(local=2) == 255
    assert run.launcher.orders == [] and run.launcher.stopped


def test_what_hinders_a_run_is_said_in_one_sentence_and_the_status_is_two(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: Any) -> None:
        raise VersioningError("DVC has no remote")

    assert fanout.run() == 2
    assert fanout.run(local=2, slurm=3) == 2
    run.launcher = Scripted({}, cpus=0.5)
    assert fanout.run(local=2) == 2
    Path("dvc.lock").unlink()
    run.launcher = Scripted({})
    assert fanout.run(local=2) == 2 and run.launcher.stopped
    monkeypatch.setattr(fanout, "refuse_private_remote", refuse)
    assert fanout.run(local=2) == 2
    begins = [
        "nothing says where stages are to run; give one of --local N",
        "--local and --slurm says where",
        "train: asks for 1 processors",
        "dvc.lock: has no entry of prepare; `dvc repro prepare` first",
        "DVC has no remote",
    ]
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == len(begins)
    for line, begin in zip(errors, begins, strict=True):
        assert line.startswith(f"kiyas fanout: {begin}")


def test_what_a_run_here_is_training_is_not_trained_on_nodes_too(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fanout, "what_runs", lambda *_, **__: "cnn@lecture (process 42)")
    assert fanout.run(local=2) == 2
    assert (run.launcher.orders, run.steps) == ([], [])
    assert "kiyas fanout: cnn@lecture (process 42) goes on in this checkout" in capsys.readouterr().err


def test_what_nodes_did_is_never_done_again_here(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run.changes = {"train": ("pipeline/models",)}
    assert fanout.run(local=2) == 2
    assert "repro" not in run.steps
    error = capsys.readouterr().err
    assert error.startswith(
        "kiyas fanout: train: was done on a node and is here, but would run again, since pipeline/models"
    )
    assert "`git status --ignored`" in error


@pytest.fixture(params=[signal.SIGTERM, signal.SIGHUP])
def number(request: pytest.FixtureRequest) -> Iterator[signal.Signals]:
    """Of a signal that is not ignored, as it may be where these tests run."""
    earlier = signal.signal(request.param, ignore)
    yield request.param
    signal.signal(request.param, earlier)


def ignore(number: int, frame: Any) -> None:
    pass


def test_a_signal_ends_what_was_started(run: Run, number: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    def wait(seconds: float) -> None:
        os.kill(os.getpid(), number)
        raise AssertionError("the signal changed nothing")

    monkeypatch.setattr(run.launcher, "wait", wait)
    with pytest.raises(SystemExit) as end:
        fanout.run(local=2)
    assert end.value.code == 128 + number and run.launcher.stopped
    assert signal.getsignal(number) is ignore


def test_a_password_of_the_tracking_server_is_left_to_the_environment(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://me:p%40ss@host:5000")
    assert fanout.run(local=2) == 0
    assert {order.environment["MLFLOW_TRACKING_URI"] for order in run.launcher.orders} == {"https://host:5000"}
    assert (os.environ["MLFLOW_TRACKING_USERNAME"], os.environ["MLFLOW_TRACKING_PASSWORD"]) == ("me", "p@ss")


def test_where_nothing_is_left_for_nodes_none_is_started(run: Run) -> None:
    run.divisions = [division(tasks=[])]
    assert fanout.run(slurm=2) == 0
    assert run.steps == ["repro", "track"]
