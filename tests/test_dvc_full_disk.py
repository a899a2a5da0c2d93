"""DVC is ended where its disk stays without room, and only there, and never while a stage of it runs."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from itertools import cycle
from pathlib import Path

import psutil
import pytest

from pipeline import dvc_full_disk
from pipeline.__main__ import main
from pipeline.dvc_command import VersioningError, dvc_lock_held, reproduce, run_dvc
from pipeline.dvc_full_disk import LEAST, SENTENCE, run_on_any_disk
from pipeline.operations.following.child import FULL_DISK, run_repro
from pipeline.operations.planning.due import graph_state
from tests.starts import STOPPING_SLOWLY

WAITS = "import time; time.sleep({seconds})"
STAGE = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {WAITS.format(seconds=3)!r}])"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dvc_full_disk, "LOOK", 0.05)
    monkeypatch.setattr(dvc_full_disk, "PATIENCE", 0.2)


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dvc_full_disk, "_room", lambda: LEAST - 1)


@pytest.mark.usefixtures("full")
def test_what_waits_on_a_full_disk_is_ended() -> None:
    done, without_room = run_on_any_disk([sys.executable, "-c", WAITS.format(seconds=60)])
    assert without_room and done.returncode == -signal.SIGTERM


@pytest.mark.usefixtures("full")
def test_a_stage_that_runs_is_waited_for() -> None:
    done, without_room = run_on_any_disk([sys.executable, "-c", STAGE])
    assert not without_room and done.returncode == 0


def test_with_room_nothing_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    rooms = cycle([0, LEAST])  # room comes back at every second look, long before patience is at its end
    monkeypatch.setattr(dvc_full_disk, "PATIENCE", 0.5)
    monkeypatch.setattr(dvc_full_disk, "_room", lambda: next(rooms))
    done, without_room = run_on_any_disk(
        [sys.executable, "-c", WAITS.format(seconds=1.5) + "; print('done')"], stdout=subprocess.PIPE, text=True
    )
    assert (done.stdout, without_room, done.returncode) == ("done\n", False, 0)


def test_ctrl_c_leaves_dvc_the_time_to_end_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal sends it to both; killed at once, DVC might be writing dvc.lock."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(dvc_full_disk, "LOOK", 5.0)

    def interrupt() -> None:
        while not Path("begun").exists():
            time.sleep(0.01)
        for process in psutil.Process().children():
            process.send_signal(signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        run_on_any_disk([sys.executable, "-c", STOPPING_SLOWLY])
    thread.join()
    assert Path("put in order").exists()


@pytest.mark.usefixtures("full", "code_elsewhere")
def test_each_way_to_call_dvc_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The call itself takes seconds, so that it has not ended by itself when patience is at its end."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(VersioningError, match=r"^`dvc version` failed: \.kiyas/dvc-state: no space left on device"):
        run_dvc("version")
    with pytest.raises(VersioningError, match=r"^`dvc repro compare` failed: \.kiyas/dvc-state: no space left"):
        reproduce(["compare"], tmp_path / "log")
    lines: list[str] = []
    assert run_repro(["compare"], lines.append) == FULL_DISK
    assert lines[-1] == f"ERROR: {SENTENCE}"


@pytest.mark.usefixtures("full")
def test_dvc_in_this_process_is_not_begun() -> None:
    for use in (graph_state, lambda: dvc_lock_held().__enter__()):
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
            use()


@pytest.mark.usefixtures("full")
def test_neither_is_a_stage_after_which_dvc_would_try_without_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pipeline.stages.prepare.run", lambda: 1 / 0)
    monkeypatch.setenv("DVC_STAGE", "prepare")
    assert main(["prepare"]) == 1
    assert "no space left on device; make room there" in capsys.readouterr().err
    monkeypatch.delenv("DVC_STAGE")
    with pytest.raises(ZeroDivisionError):
        main(["prepare"])
