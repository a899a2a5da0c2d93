"""What runs in a checkout is known by what DVC tells its stages."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

import pytest

from pipeline.ground.locks import hold_at_once
from pipeline.operations.following.running import FANOUT_LOCK, RETRAIN_LOCK, running_stages, what_runs

ROOT = Path(__file__).resolve().parents[3]
ASKING = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from pipeline.operations.following.running import run_before_this
print("ready", flush=True)
while sys.stdin.readline().strip() == "?":
    print(run_before_this(Path()), flush=True)
"""
STARTING = """
import subprocess, sys
sys.exit(subprocess.run([sys.executable, *sys.argv[1:]]).returncode)
"""


@pytest.mark.parametrize("told", [True, False])
def test_a_stage_runs_in_the_checkout_that_dvc_names_and_in_no_other(checkout: Path, told: bool) -> None:
    environment = os.environ | {"DVC_STAGE": "telling"} | ({"DVC_ROOT": str(checkout)} if told else {})
    if not told:
        environment.pop("DVC_ROOT", None)
    command = [sys.executable, "-S", "-c", "print(flush=True); input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout and process.stdout.readline()  # Linux shows no environment before a program has begun
        running = [stage.process for stage in running_stages(checkout)]
        process.kill()
    assert (process.pid in running) is told


def test_what_runs_is_a_stage_or_a_run_between_two_of_them_or_a_fanout(checkout: Path) -> None:
    assert what_runs(checkout) is None
    with begin(checkout, ASKING) as run:
        assert what_runs(checkout) == f"a run (process {run.pid})"
        run.kill()
    for lock, command in ((FANOUT_LOCK, "fanout"), (RETRAIN_LOCK, "retrain")):
        with chdir(checkout), hold_at_once(lock, command):
            assert str(what_runs(checkout)).startswith(f"`{command}` (process {os.getpid()}")
    assert what_runs(checkout) is None


def begin(folder: Path, *code: str) -> subprocess.Popen[str]:
    """A process of which a command line says `… dvc repro`, ready to be asked."""
    command = [sys.executable, "-c", *code, "dvc", "repro"]
    process = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline() == "ready\n"
    return process


def asked(process: subprocess.Popen[str]) -> str:
    assert process.stdin and process.stdout
    print("?", file=process.stdin, flush=True)
    return process.stdout.readline().strip()


def test_of_two_runs_that_begin_together_the_later_one_gives_way(checkout: Path, tmp_path: Path) -> None:
    (other := tmp_path / "other").mkdir()
    processes = [begin(checkout, ASKING), begin(checkout, ASKING), begin(other, STARTING, "-c", ASKING)]
    try:
        first, second, wrapped = processes
        assert (asked(first), asked(second)) == ("None", str(first.pid))
        assert asked(wrapped) == "None", "neither what runs elsewhere nor what started it is another run"
        first.kill()
        os.waitid(os.P_PID, first.pid, os.WEXITED | os.WNOWAIT)
        assert asked(second) == "None", "it has ended"
    finally:
        for process in processes:
            process.kill()
            process.communicate()
