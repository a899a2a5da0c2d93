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


def in_child(work: Callable[[], object], kill_after: float | None = None) -> float:
    """Processor seconds that a child of this process needed for something, or until it was killed.

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
    return usage.ru_utime + usage.ru_stime


def shown(folder: Path) -> State:
    """Without the files of the database's journal, which whoever opens it next puts away."""
    sqlite3.connect(folder / "mlflow.db").execute("pragma wal_checkpoint(truncate)")
    return state_of(folder)


@pytest.mark.usefixtures("real_tables")
def test_a_killed_track_is_made_up_for_by_the_next(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    import_mlflow()  # but nothing is opened here: a database must not be carried into a child
    simulate(small_params())
    before, others = set(os.listdir(checkout)), psutil.Process().children()  # of tests before this one
    length = in_child(track.run)
    undisturbed = shown(checkout)
    for made in set(os.listdir(checkout)) - before:
        path = checkout / made
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    drawn = random.Random(0)
    for _ in range(5):
        in_child(track.run, kill_after=drawn.random() * length)
    in_child(track.run)
    assert shown(checkout).differences(undisturbed) == []
    assert set(psutil.Process().children()) <= set(others)


def test_a_killed_start_leaves_params_as_they_were_or_as_they_are_to_be(checkout: Path) -> None:
    draw_photos(checkout / "photos", each=12, seed=0)
    before = PARAMS_FILE.read_bytes()
    length = in_child(lambda: start.run("photos", replace=True, no_measuring=True))
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
