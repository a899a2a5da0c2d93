"""What a piece of work cost."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from pipeline.evaluation.costs.stopwatch import Stopwatch, circumstances

MEGABYTE = 1 << 20


def burn(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        sum(range(1000))


def test_waiting_takes_time_and_no_processor_time() -> None:
    with Stopwatch() as watch:
        time.sleep(0.4)
    assert watch.seconds >= 0.4
    assert watch.cpu_seconds < 0.3


def test_working_takes_processor_time() -> None:
    with Stopwatch() as watch:
        burn(0.3)
    assert 0.25 <= watch.cpu_seconds <= watch.seconds + 0.1


def test_the_work_of_a_child_process_counts() -> None:
    with Stopwatch() as watch:
        work = "import time\nwhile time.process_time() < 0.4: sum(range(1000))"
        subprocess.run([sys.executable, "-c", work], check=True)
    assert watch.cpu_seconds >= 0.35


def test_memory_that_was_given_back_still_counts_as_peak() -> None:
    with Stopwatch() as idle:
        pass
    with Stopwatch() as watch:
        held = np.ones(200 * MEGABYTE // 8)
        time.sleep(0.4)
        del held
    assert watch.peak_memory_bytes - idle.peak_memory_bytes > 150 * MEGABYTE


def test_an_earlier_peak_is_not_inherited() -> None:
    with Stopwatch() as watch:
        held = np.ones(200 * MEGABYTE // 8)
        time.sleep(0.4)
        del held
    with Stopwatch() as later:
        time.sleep(0.2)
    assert later.peak_memory_bytes < watch.peak_memory_bytes - 100 * MEGABYTE


def test_cost_is_plain_data_with_moments_in_utc() -> None:
    with Stopwatch() as watch:
        time.sleep(0.05)
    cost = json.loads(json.dumps(watch.cost()))
    assert set(cost) == {"started", "ended", "cpu_seconds", "peak_memory_bytes", "energy_joules"}
    started, ended = datetime.fromisoformat(cost["started"]), datetime.fromisoformat(cost["ended"])
    assert started.utcoffset() == timedelta(0) and ended - started >= timedelta(seconds=0.05)


def test_a_block_that_fails_is_measured_and_fails() -> None:
    watch = Stopwatch()
    with pytest.raises(ZeroDivisionError), watch:
        _ = 1 / 0
    assert watch.ended >= watch.started


def test_circumstances_name_machine_and_versions() -> None:
    told = json.loads(json.dumps(circumstances()))
    assert set(told) == {"host", "versions", "commit", "dirty"}
    assert told["host"]["cores"] >= 1 and told["host"]["memory_bytes"] > MEGABYTE
    assert {"python", "numpy", "scikit-learn"} <= set(told["versions"])


def test_circumstances_name_the_commit_and_whether_the_tree_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "first"]):
        subprocess.run([*git, *command], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    assert (circumstances()["commit"], circumstances()["dirty"]) == (head, False)
    (tmp_path / "new").write_text("x", encoding="utf-8")
    assert (circumstances()["commit"], circumstances()["dirty"]) == (head, True)


def test_outside_a_checkout_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert (circumstances()["commit"], circumstances()["dirty"]) == (None, True)
