"""One retraining at a time; the lock names its owner, and never outlives it."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.operations.retraining.lock import OWNER, LockError, one_at_a_time

ROOT = Path(__file__).resolve().parents[3]
HOLD = """
import time
from pipeline.operations.retraining.lock import one_at_a_time
with one_at_a_time("retrain"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> subprocess.Popen[str]:
    """Another process that holds the lock of this folder."""
    monkeypatch.chdir(tmp_path)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-c", HOLD], env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline() == "held\n"
    return process


def test_a_second_one_is_refused_by_the_owner_and_its_age(holder: subprocess.Popen[str]) -> None:
    try:
        owner = rf"`retrain` \(process {holder.pid} on .*, started 0 min ago\)"
        with pytest.raises(LockError, match=owner), one_at_a_time("rollback"):
            raise AssertionError("entered while another holds the lock")
    finally:
        holder.kill()
        holder.wait()


def test_the_lock_of_a_killed_one_is_recognised_as_stale(
    holder: subprocess.Popen[str], caplog: pytest.LogCaptureFixture
) -> None:
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    time.sleep(0.05)
    with caplog.at_level(logging.WARNING, "kiyas"), one_at_a_time("retrain"):
        assert OWNER.is_file()
    assert f"process {holder.pid}" in caplog.text and "was killed" in caplog.text
    assert not OWNER.exists()
