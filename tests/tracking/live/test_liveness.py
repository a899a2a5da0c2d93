from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from pipeline.tracking.live.liveness import FOLDER, is_living, living

HOLDS = """
import time
from pipeline.tracking.live.liveness import living
with living("a"):
    print(flush=True)
    time.sleep(60)
"""


def test_a_run_lives_as_long_as_its_lock_is_held(database: Path, checkout: Path) -> None:
    assert not is_living("a")
    with living("a"):
        assert is_living("a")
        assert not is_living("b")
    assert not is_living("a")
    assert list((checkout / FOLDER).iterdir()) == []


def test_a_process_that_was_killed_no_longer_lives_and_leaves_nothing(database: Path, checkout: Path) -> None:
    command = [sys.executable, "-c", HOLDS]
    with subprocess.Popen(command, cwd=checkout, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        assert is_living("a")
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not is_living("a")
    assert list((checkout / FOLDER).iterdir()) == []


def test_a_run_without_a_name_or_with_that_of_another_file_does_not_live(database: Path, checkout: Path) -> None:
    assert not is_living(None)
    assert not is_living("../../params.yaml")
    assert (checkout / "params.yaml").exists()
