"""What the driver makes of what comes back, with a launcher that answers as it is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.ground.files import read_json, write_json
from pipeline.operations import status
from pipeline.operations.planning import plan as planning
from pipeline.operations.planning.due import GraphState, Inputs
from pipeline.operations.scaling import driver
from pipeline.operations.scaling import schedule as schedules
from pipeline.operations.scaling.driver import Driver, Finished, order_maker
from pipeline.operations.scaling.launcher import LauncherError
from pipeline.operations.scaling.orders import Outcome, Trial
from pipeline.operations.scaling.tasks import Resources, Task
from pipeline.operations.scaling.watching import STATE, Watcher, standing_of
from pipeline.params.upkeep.scale import Scale
from tests.operations.scaling.scripted import BAD, Scripted

TASKS = [
    Task("train", 30, Resources(1.0), Inputs(("prepare",), ("data/prepared/development",))),
    Task("evaluate", 10, Resources(1.0), Inputs(("train",), ("results/models",))),
    Task("other", 20, Resources(1.0)),
]
LOCK = {"prepare": {"cmd": "python -m pipeline prepare"}}


def drive(launcher: Scripted, retries: int = 2, tasks: Sequence[Task] = TASKS) -> Finished:
    orders = order_maker(Path(), "abc", Scale(), server=None)
    return Driver(tasks, launcher, orders, LOCK, retries, Watcher(tasks, Console())).run()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty one, where no node rests after a loss."""
    monkeypatch.setattr(schedules, "REST", 0.0)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_each_stage_starts_after_what_it_reads_and_knows_its_entry_of_dvc_lock() -> None:
    launcher = Scripted({})
    finished = drive(launcher)
    assert sorted(finished.lock) == ["evaluate", "other", "train"]
    orders = {order.stage: order for order in launcher.orders}
    assert [order.stage for order in launcher.orders] == ["train", "other", "evaluate"]
    assert orders["train"].lock == LOCK
    assert orders["evaluate"].lock == {"train": {"cmd": "train"}}
    assert orders["evaluate"].inputs == ("results/models",)


def test_a_stage_whose_trials_are_tasks_waits_for_them_and_is_told_how_dvc_knows_their_files() -> None:
    trials = {f"train:seed-{seed}": Trial("train", "cnn-tiny", seed) for seed in (0, 1)}
    apart = [replace(TASKS[0], name=name, trial=trial) for name, trial in trials.items()]
    launcher = Scripted({"train:seed-0": ["lost", "done"]}, cpus=2.0)
    finished = drive(launcher, tasks=[*apart, replace(TASKS[0], trials=trials), TASKS[1]])
    assert [order.stage for order in launcher.orders][-2:] == ["train", "evaluate"]
    *first, joined, _ = launcher.orders
    assert [order.trial for order in first] == [trials["train:seed-0"], trials["train:seed-1"], trials["train:seed-0"]]
    assert joined.lock == LOCK and joined.trial is None
    assert joined.trials == [(trial, {"cmd": name}) for name, trial in trials.items()]
    assert finished.failed == []
    launcher = Scripted({"train:seed-1": ["failed"]})
    finished = drive(launcher, tasks=[*apart, replace(TASKS[0], trials=trials), TASKS[1]])
    assert finished.skipped == ["train", "evaluate"] and list(finished.lock) == ["train:seed-0"]


def test_what_decides_bits_is_on_a_node_as_it_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    environment = order_maker(Path(), "abc", Scale(), server=None)(TASKS[2], {}).environment
    assert (environment["OMP_NUM_THREADS"], environment["MKL_NUM_THREADS"]) == ("3", None)
    assert environment["KIYAS_UNTRACKED"] == "1"
    served = order_maker(Path(), "abc", Scale(), server="http://host:5000")(TASKS[2], {}).environment
    assert (served["KIYAS_UNTRACKED"], served["MLFLOW_TRACKING_URI"]) == (None, "http://host:5000")


def test_no_password_of_a_tracking_server_stands_in_an_order() -> None:
    order = order_maker(Path(), "abc", Scale(), server="https://me:s3cret@host:5000/path")(TASKS[2], {})
    assert order.environment["MLFLOW_TRACKING_URI"] == "https://host:5000/path"
    assert "s3cret" not in repr(order) and "me:" not in repr(order)


def test_a_lost_stage_is_started_again_and_one_that_fails_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    launcher = Scripted({"other": ["lost", "broken", "done"], "train": ["failed"]})
    finished = drive(launcher)
    assert [order.stage for order in launcher.orders].count("other") == 3
    assert [order.stage for order in launcher.orders].count("train") == 1
    assert list(finished.lock) == ["other"] and finished.skipped == ["evaluate"]
    assert finished.failed == ["train: failed on node-7: it said no (log: .kiyas/fanout/logs/train.log)"]
    assert Path(".kiyas/fanout/logs/train.log").read_text() == "log of train"
    told = capsys.readouterr().out
    assert "other: lost, and starts again: the node died" in told
    assert "not run because of it: evaluate" in told


def test_a_stage_that_a_full_queue_refuses_waits_and_is_not_given_up(capsys: pytest.CaptureFixture[str]) -> None:
    finished = drive(Scripted({"other": ["refused"] * 5}), retries=1)
    assert finished.failed == [] and "other" in finished.lock
    assert "other: waits for room: you may have four jobs" in capsys.readouterr().out


def test_where_all_is_refused_for_minutes_the_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "PATIENCE", 0.0)
    finished = drive(Scripted({name: ["refused"] * 99 for name in ("read", "other", "too", "train", "evaluate")}))
    assert "you may have four jobs, for 0 seconds; start again once there is room" in " ".join(finished.failed)


def test_a_stage_that_is_lost_again_and_again_is_given_up() -> None:
    finished = drive(Scripted({"other": ["lost"] * 9}), retries=1)
    assert finished.failed == ["other: was lost 2 times, at last: the node died"]
    assert sorted(finished.lock) == ["evaluate", "train"]


def test_a_node_that_loses_all_it_gets_does_not_draw_every_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedules, "REST", 60.0)
    tasks = [Task(f"train-{number}", 10, Resources(1.0)) for number in range(12)]
    launcher = Scripted({}, cpus=1.0, nodes=(BAD, "good"))
    finished = drive(launcher, retries=1, tasks=tasks)
    assert len(finished.lock) == 12 and finished.failed == []
    assert [node for _, node in launcher.starts].count(BAD) == 1


def test_where_the_nodes_go_away_what_is_done_is_kept_and_the_rest_named() -> None:
    finished = drive(Scripted({"evaluate": ["gone"]}))
    assert sorted(finished.lock) == ["other", "train"]
    assert (finished.failed, finished.skipped) == (["the cluster is gone"], ["evaluate"])


def test_what_a_cluster_that_was_gone_still_says_of_an_earlier_drivers_tasks_is_passed_over() -> None:
    launcher = Scripted({"read": ["gone"], "too": ["lost"]})
    tasks = [Task(name, 10, Resources(1.0)) for name in ("too", "read")]
    assert drive(launcher, tasks=tasks).failed == ["the cluster is gone"]
    launcher.script = {"too": ["lost"]}
    assert len(launcher.open) == 2, "it still has both as started"
    assert sorted(drive(launcher).lock) == ["evaluate", "other", "train"]


def test_without_any_node_nothing_is_said_of_what_stages_ask_for() -> None:
    with pytest.raises(LauncherError, match=r"^no node takes part yet; start one"):
        drive(Scripted({}, nodes=()))


def test_a_stage_that_fits_nowhere_is_refused_before_anything_starts() -> None:
    launcher = Scripted({}, cpus=0.5)
    with pytest.raises(LauncherError, match=r"train: asks for 1 processors, 0 graphics cards .* no node has as much"):
        drive(launcher)
    assert launcher.orders == []


def test_a_log_has_a_line_for_each_start_and_end_and_status_says_the_same(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    watcher = Watcher(TASKS, Console())
    with watcher.showing():
        watcher.started("train", "node-7")
        watcher.started("other", "node-8")
        watcher.done(Outcome("other", "done", "node-8", 65.0, {}))
        standing = standing_of(folder)
        assert standing is not None and standing == watcher.standing
        lines = standing.lines(standing.since + 61)
    assert lines[0] == "1 of 3 tasks done, 1 running on 1 node; 1 min so far"
    assert lines[1].startswith("  train  node-7  ") and lines[1].endswith(" of about 30 s")
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "train: starts on node-7, about 30 s"
    assert told[2].startswith("[1/3] other: done on node-8 in 1 min (")
    assert not STATE.exists() and standing_of(folder) is None


def test_a_driver_that_was_killed_is_not_shown_as_running(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    watcher = Watcher(TASKS, Console())
    watcher.started("train", "node-7")
    content = STATE.read_text(encoding="utf-8")
    assert standing_of(folder) is not None
    STATE.write_text(content.replace('"process_since": ', '"process_since": -'), encoding="utf-8")
    assert standing_of(folder) is None


def test_status_shows_a_run_on_several_machines_and_says_where_its_driver_is(
    checkout: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher = Watcher(TASKS, Console())
    watcher.started("train", "node-7")
    capsys.readouterr()
    assert status.run() == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("0 of 3 tasks done, 1 running on 1 node") and "node-7" in told[1]
    write_json(STATE, {**read_json(STATE), "host": "other-machine", "process": 2**22 + 1})
    monkeypatch.setattr(planning, "graph_state", lambda targets, mends: GraphState({"prepare": "changed"}))
    assert status.run() == 0
    noted, whole, task, *due = capsys.readouterr().out.splitlines()
    assert "node-7" in task and any("prepare" in line or " due" in line for line in due), "what is due here follows"
    assert noted.startswith(f"As a run on other-machine (process {2**22 + 1}) noted it ") and whole == told[0]
    monkeypatch.setattr(status, "process_of_run", lambda checkout: 4711)
    assert status.run() == 0
    assert capsys.readouterr().out.startswith("A run goes on (process 4711)"), "what runs here goes before"
