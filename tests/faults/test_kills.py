"""A short seeded part of `python -m benchmarks.survive --kills`: what is killed leaves nothing to clear up."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from benchmarks.survival.kills import await_processor_time
from benchmarks.survival.miniature import State, draw_photos, state_of
from pipeline.operations import start, track
from pipeline.params.schema.reading import PARAMS_FILE, read_yaml
from pipeline.tracking.store import import_mlflow
from tests.tracking.simulated import simulate, small_params


def in_child(work: Callable[[], object], kill_after: float | None = None) -> tuple[float, bool]:
    """Processor seconds that a child of this process needed for something, or until it was killed; whether it was.

    A child starts with all that is imported here, which would cost each of them seconds.
    """
    child = os.fork()
    if child == 0:
        with open(os.devnull, "w", encoding="utf-8") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            try:
                work()
                os._exit(0)
            finally:
                os._exit(1)
    if kill_after is not None and await_processor_time(child, kill_after):
        os.kill(child, signal.SIGKILL)
    _, status, usage = os.wait4(child, 0)
    assert kill_after is not None or status == 0
    return usage.ru_utime + usage.ru_stime, os.WIFSIGNALED(status)


def left_at_work(folder: Path) -> list[psutil.Process]:
    """Processes in a folder besides this one, whoever is their parent now."""
    found = []
    for process in psutil.process_iter(["cwd"]):
        if process.info["cwd"] == str(folder.resolve()) and process.pid != os.getpid():
            found.append(process)
    return found


def shown(folder: Path) -> State:
    """Without the files of the database's journal, which whoever opens it next puts away."""
    sqlite3.connect(folder / "mlflow.db").execute("pragma wal_checkpoint(truncate)")
    return state_of(folder)


def test_a_killed_track_is_made_up_for_by_the_next(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    import_mlflow()  # but nothing is opened here: a database must not be carried into a child
    simulate(small_params())
    before = set(os.listdir(checkout))
    length, _ = in_child(track.run)
    undisturbed = shown(checkout)
    for made in set(os.listdir(checkout)) - before:
        path = checkout / made
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    drawn = random.Random(0)
    moments = [drawn.uniform(0.02, 0.3) * length for _ in range(5)]  # a run that ends leaves the next nothing to do
    struck = [in_child(track.run, kill_after=moment)[1] for moment in moments]
    assert sum(struck) >= 2, struck
    in_child(track.run)
    assert shown(checkout).differences(undisturbed) == []
    assert left_at_work(checkout) == []


def test_a_killed_start_leaves_params_as_they_were_or_as_they_are_to_be(checkout: Path) -> None:
    draw_photos(checkout / "photos", each=12, seed=0)
    before = PARAMS_FILE.read_bytes()
    length, _ = in_child(lambda: start.run("photos", replace=True, no_measuring=True))
    after = PARAMS_FILE.read_bytes()
    assert after != before and read_yaml(PARAMS_FILE)["data"]["path"] == "photos"
    for number in range(4):
        PARAMS_FILE.write_bytes(before)
        in_child(lambda: start.run("photos", replace=True, no_measuring=True), kill_after=length * (number + 1) / 5)
        assert PARAMS_FILE.read_bytes() in (before, after)
    PARAMS_FILE.write_bytes(before)
    in_child(lambda: start.run("photos", replace=True, no_measuring=True))
    assert PARAMS_FILE.read_bytes() == after
    assert [name for name in os.listdir(checkout) if name.startswith(".params")] == [], "what was half-written is gone"
