"""Slurm as the launcher: by commands that run the jobs here and now, and by a real Slurm where there is one."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.ground.files import read_json, write_json
from pipeline.operations.planning.due import Inputs
from pipeline.operations.scaling.commit import clean_commit, pack_commit
from pipeline.operations.scaling.driver import Driver
from pipeline.operations.scaling.launcher import Ended, LauncherError, Lost, Refused
from pipeline.operations.scaling.on_nodes.worker import read_lock
from pipeline.operations.scaling.orders import Outcome
from pipeline.operations.scaling.schedule import Schedule
from pipeline.operations.scaling.slurm_launcher import JOBS, SlurmLauncher, _Job
from pipeline.operations.scaling.tasks import Resources, Task
from pipeline.operations.scaling.watching import Watcher
from tests.operations.scaling import services
from tests.operations.scaling.conftest import Place
from tests.operations.scaling.graph import git, orders, tasks_of

# `sbatch` starts the script as a process of its own and prints its number; `squeue` lists those that live.
SBATCH = """#!{python}
import pathlib, subprocess, sys
arguments, here = sys.argv[1:], pathlib.Path({folder!r})
(here / "asked").open("a").write(" ".join(arguments[:-1]) + "\\n")
output = open(arguments[arguments.index("--output") + 1], "w")
child = subprocess.Popen(["sh", arguments[-1]], stdout=output, stderr=output, start_new_session=True)
print(f"{{child.pid}};cluster")
"""
SQUEUE = """#!{python}
import sys, psutil
numbers = sys.argv[sys.argv.index("--jobs") + 1].split(",")
alive = [n for n in numbers if psutil.pid_exists(int(n)) and psutil.Process(int(n)).status() != "zombie"]
print("\\n".join(alive))
"""
SCANCEL = """#!{python}
import os, signal, sys
for number in sys.argv[1:]:
    try:
        os.killpg(int(number), signal.SIGTERM)
    except ProcessLookupError:
        pass
"""


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Slurm's commands on PATH; `asked` there holds what sbatch was asked."""
    folder = tmp_path / "slurm"
    folder.mkdir()
    for name, text in (("sbatch", SBATCH), ("squeue", SQUEUE), ("scancel", SCANCEL)):
        (folder / name).write_text(text.format(python=sys.executable, folder=str(folder)))
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    return folder


def launcher_of(place: Place, at_once: int = 2) -> SlurmLauncher:
    archive = pack_commit(place.checkout, clean_commit(place.checkout))
    return SlurmLauncher(archive, at_once, asked_every=0.1, absent=0.3)


def test_stages_run_as_jobs_in_a_clone_and_a_failing_one_names_its_log(place: Place, slurm: Path) -> None:
    tasks = tasks_of("train@quick", "train@fail", "evaluate@fail")
    launcher = launcher_of(place)
    finished = Driver(
        tasks, launcher, orders(place.checkout, place.cache), read_lock(), 2, Watcher(tasks, Console())
    ).run()
    assert list(finished.lock) == ["train@quick"]
    assert finished.lock["train@quick"]["outs"][0]["path"] == "model-quick.txt"
    (failed,) = finished.failed
    assert failed.startswith("train@fail: failed on ") and failed.endswith("(log: .kiyas/fanout/logs/train@fail.log)")
    assert "exited with 1" in failed and "no luck here" in Path(".kiyas/fanout/logs/train@fail.log").read_text()
    assert finished.skipped == ["evaluate@fail"]
    assert place.starts("fail") == 1  # what fails by itself is not tried again
    assert not (place.checkout / "model-quick.txt").exists()  # the stage ran in the clone
    for clone in (path for path in (place.cache / "clones").iterdir() if path.is_dir()):
        assert git(clone, "rev-parse", "HEAD") == git(place.checkout, "rev-parse", "HEAD")
        assert git(clone, "status", "--porcelain").split() == ["??", "dvc.lock"]  # what DVC writes, and nothing else


def test_sbatch_is_asked_for_what_scale_says(place: Place, slurm: Path) -> None:
    (JOBS / "left").mkdir(parents=True)
    launcher = launcher_of(place)
    task = Task("train@quick", 1.0, Resources(4.0, 0.5, 3e9), Inputs())
    launcher.start(task, orders(place.checkout, place.cache)(task, {}), "slurm")
    order = read_json(JOBS / "train@quick/order.json")
    assert order["environment"]["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"
    assert str(JOBS.resolve() / "node.py") in (JOBS / "train@quick/job.sh").read_text()  # not that of the checkout
    assert JOBS.stat().st_mode & 0o777 == 0o700 and not (JOBS / "left").exists()
    launcher.stop()
    asked = (slurm / "asked").read_text().split()
    expected = {"--cpus-per-task": "4", "--mem": "2862M", "--gres": "gpu:1", "--job-name": "kiyas-train@quick"}
    assert {flag: asked[asked.index(flag) + 1] for flag in expected} == expected


def test_a_job_that_ends_without_an_answer_is_lost(place: Place, slurm: Path) -> None:
    launcher = launcher_of(place)
    launcher.archive.unlink()  # the job dies of it
    task = Task("train@quick", 1.0, Resources(1.0), Inputs())
    launcher.start(task, orders(place.checkout, place.cache)(task, {}), "slurm")
    (lost,) = launcher.wait(20)
    assert isinstance(lost, Lost) and "ended without an answer" in lost.reason and "commit.tar.gz" in lost.reason


def test_a_job_that_slurm_lists_no_more_has_time_to_answer(place: Place, slurm: Path) -> None:
    launcher = SlurmLauncher(b"", 1, asked_every=0.0, absent=60.0)
    launcher._jobs["train@quick"] = _Job("999999999", JOBS / "train@quick")
    assert launcher.wait(0.3) == []
    write_json(JOBS / "train@quick/outcome.json", asdict(Outcome("train@quick", "done", "n", 1.0, {})))
    (ended,) = launcher.wait(20)
    assert isinstance(ended, Ended) and ended.outcome.state == "done"


def test_a_job_that_slurm_does_not_take_waits_and_loses_nothing(place: Place, slurm: Path) -> None:
    launcher = SlurmLauncher(b"", 1)
    (slurm / "sbatch").write_text("#!/bin/sh\necho 'sbatch: error: QOSMaxSubmitJobPerUserLimit' >&2\nexit 1\n")
    task = Task("train@quick", 1.0, Resources(1.0), Inputs())
    launcher.start(task, orders(place.checkout, place.cache)(task, {}), "slurm")
    (refused,) = launcher.wait(5)
    (slurm / "sbatch").write_text("#!/bin/sh\necho 'sbatch: error: Invalid generic resource (gres)' >&2\nexit 1\n")
    launcher.start(task, orders(place.checkout, place.cache)(task, {}), "slurm")
    assert [type(event) for event in launcher.wait(5)] == [Lost], (
        "what will never be taken is given up after some tries"
    )
    assert isinstance(refused, Refused) and "QOSMaxSubmitJobPerUserLimit" in refused.reason


def test_without_slurm_it_says_what_is_missing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(LauncherError, match="sbatch: is not on PATH"):
        SlurmLauncher(b"", 1)


@pytest.fixture
def real_slurm(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A controller and a node of this test's own."""
    if reason := services.missing_for_slurm():
        pytest.skip(reason)
    with services.slurm_cluster() as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        yield


def test_a_real_slurm_runs_stages_starts_a_killed_one_again_and_cancels_what_nobody_waits_for(
    place: Place, real_slurm: None
) -> None:
    tasks = tasks_of("train@quick", "evaluate@quick", "train@slow", "train@fail")
    launcher = launcher_of(place, at_once=4)

    class Watching(Watcher):
        """Cancels the job of `slow` once, as an operator or a node that goes down would; then lets it end."""

        def look(self, schedule: Schedule, nodes: Mapping[str, Resources]) -> None:
            if place.starts("slow") == 1 and not (place.outside / "go").exists():
                (place.outside / "go").touch()
                subprocess.run(["scancel", "--signal=KILL", launcher._jobs["train@slow"].number], check=True)

        def lost(self, name: str, reason: str) -> None:
            losses.append(name)

    losses: list[str] = []
    make_order = orders(place.checkout, place.cache)
    finished = Driver(tasks, launcher, make_order, read_lock(), 1, Watching(tasks, Console())).run()
    assert sorted(finished.lock) == ["evaluate@quick", "train@quick", "train@slow"]
    assert losses == ["train@slow"] and place.starts("slow") == 2
    assert finished.failed[0].startswith("train@fail: failed on ") and place.starts("fail") == 1
    (place.outside / "go").unlink()
    (task,) = tasks_of("train@slow")
    launcher.start(task, make_order(task, {"data": read_lock()["data"]}), "slurm")
    launcher.stop()
    listed = subprocess.run(["squeue", "--noheader"], check=True, capture_output=True, text=True).stdout
    assert all(line.split()[4] in ("CG", "CA") for line in listed.splitlines()) and not JOBS.exists()
