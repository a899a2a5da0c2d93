"""Locks between processes: the next one waits or is refused by the owner's name, and a killed owner's lock is free."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.ground.locks import LockError, hold, hold_at_once, remove_if_free

ROOT = Path(__file__).resolve().parents[2]
LOCK = Path("some.lock")
NOTE = Path("some.owner.json")
HOLD = """
    import time
    from pathlib import Path
    from pipeline.ground.locks import hold, hold_at_once
    with {lock}:
        print("held", flush=True)
        time.sleep(600)
"""
Holder = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def holder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Holder]:
    """Starts another process that holds a lock of this folder."""
    monkeypatch.chdir(tmp_path)
    environment, started = os.environ | {"PYTHONPATH": str(ROOT)}, []

    def start(lock: str) -> subprocess.Popen[str]:
        script = textwrap.dedent(HOLD.format(lock=lock))
        process = subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout and process.stdout.readline() == "held\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()


def test_a_second_one_waits_for_the_first_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    entered = threading.Event()

    def second() -> None:
        with hold(tmp_path / "a.lock", "a trial is being trained by another process"):
            entered.set()

    caplog.set_level(logging.INFO, "kiyas")
    with hold(tmp_path / "a.lock", "nobody waits here"):
        thread = threading.Thread(target=second)
        thread.start()
        assert not entered.wait(0.3)
    assert entered.wait(10)
    thread.join()
    waiting, waited = [record.getMessage() for record in caplog.records]
    assert waiting == "a trial is being trained by another process; waiting for it to end"
    assert waited.startswith("waited ")


@pytest.mark.parametrize("lock", [f"hold(Path('{LOCK}'))", f"hold_at_once(Path('{LOCK}'), 'retrain')"])
def test_the_lock_of_a_killed_process_is_free(holder: Holder, lock: str) -> None:
    end(holder(lock))
    with hold(LOCK):
        pass


def test_who_does_not_wait_is_refused_by_the_owner_and_its_age(holder: Holder) -> None:
    process = holder(f"hold_at_once(Path('{LOCK}'), 'retrain')")
    owner = rf"`retrain` \(process {process.pid} on .*, started 0 min ago\)"
    with pytest.raises(LockError, match=owner), hold_at_once(LOCK, "rollback"):
        raise AssertionError("entered while another holds the lock")
    assert NOTE.is_file()


def test_the_note_of_a_killed_owner_is_recognised_as_stale(holder: Holder, caplog: pytest.LogCaptureFixture) -> None:
    process = holder(f"hold_at_once(Path('{LOCK}'), 'retrain')")
    end(process)
    with caplog.at_level(logging.WARNING, "kiyas"), hold_at_once(LOCK, "retrain"):
        assert NOTE.is_file()
    assert f"process {process.pid}" in caplog.text and "was killed" in caplog.text
    assert not NOTE.exists()


def test_the_file_of_a_lock_goes_only_where_nobody_holds_it(holder: Holder) -> None:
    process = holder(f"hold(Path('{LOCK}'))")
    assert not remove_if_free(LOCK)
    assert LOCK.exists()
    end(process)
    assert remove_if_free(LOCK)
    assert not LOCK.exists()
