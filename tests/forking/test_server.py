"""What a stage is when it was forked: itself alone, and gone with whoever started it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from pipeline.forking.messages import ADDRESS, FORKED

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux alone")

# The server without the libraries, which are none of its matter.
SERVER = """
import sys
from pipeline.forking.messages import address, surroundings
from pipeline.forking.server import Server, obey
if order := Server(address(sys.argv[1], False), surroundings()).run():
    obey(order)
"""
TELL = """
import json, os, random, sys
print(json.dumps({
    "arguments": sys.argv[1:], "folder": os.getcwd(), "parent": os.getppid(), "umask": os.umask(0),
    "forked": "KIYAS_FORKED" in os.environ, "stage": os.environ.get("DVC_STAGE"), "input": sys.stdin.read(),
    "random": random.random(), "open": sorted(map(int, os.listdir("/proc/self/fd"))),
}))
print("to be said aside", file=sys.stderr)
sys.exit(7)
"""
SLEEP = """
import os, pathlib, sys, time
pathlib.Path(sys.argv[1] + ".part").write_text(str(os.getpid()))
os.replace(sys.argv[1] + ".part", sys.argv[1])
time.sleep(float(sys.argv[2]))
pathlib.Path("over").touch()
"""


class Owner:
    """Of a server, in a folder with two modules that can be asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.name = folder, f"kiyas-test-{os.getpid()}-{time.monotonic_ns()}"
        (folder / "tell.py").write_text(TELL)
        (folder / "sleep.py").write_text(SLEEP)
        self.environment = os.environ | {"PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "serve", self.name]
        (folder / "serve.py").write_text(SERVER)
        self.server = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, env=self.environment)
        await_that(lambda: self.name in Path("/proc/net/unix").read_text())

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "pipeline.forking.client", *arguments],
            cwd=self.folder,
            env=self.environment | {ADDRESS: self.name, "DVC_STAGE": "telling"} | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def tell(self, *arguments: str, **environment: str) -> dict[str, Any]:
        stage = self.start("tell", *arguments, **environment)
        said, aside = stage.communicate("from outside")
        assert stage.returncode == 7 and aside == "to be said aside\n", aside
        return dict(json.loads(said))

    def sleep(self, seconds: float = 60) -> tuple[subprocess.Popen[str], psutil.Process]:
        """A stage that sleeps, and its fork."""
        stage = self.start("sleep", "asleep", str(seconds))
        await_that((self.folder / "asleep").exists)
        return stage, psutil.Process(int((self.folder / "asleep").read_text()))

    def let_go(self) -> None:
        assert self.server.stdin
        self.server.stdin.close()


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[Owner]:
    owner = Owner(tmp_path)
    yield owner
    owner.server.kill()
    owner.server.wait()


def await_that(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def is_over(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_a_fork_is_the_stage_that_was_started(owner: Owner) -> None:
    before = os.umask(0o027)
    try:
        told = owner.tell("--backbone", "vgg16", DVC_ROOT="elsewhere")
    finally:
        os.umask(before)
    assert told["forked"] and told["parent"] == owner.server.pid
    assert told["arguments"] == ["--backbone", "vgg16"] and told["folder"] == str(owner.folder)
    assert (told["stage"], told["input"], told["umask"]) == ("telling", "from outside", 0o027)
    assert told["open"][:3] == [0, 1, 2] and len(told["open"]) == 4  # and the folder that lists them
    assert owner.tell()["random"] != told["random"]


@pytest.mark.parametrize("change", [{"OMP_NUM_THREADS": "3"}, {"KERAS_BACKEND": "jax"}, {FORKED: "1"}])
def test_a_stage_with_other_surroundings_and_a_fork_itself_start_alone(owner: Owner, change: dict[str, str]) -> None:
    assert owner.tell(**change)["parent"] == os.getpid()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_reaches_the_fork_and_the_stage_ends_as_that_does(owner: Owner, number: signal.Signals) -> None:
    stage, fork = owner.sleep()
    stage.send_signal(number)
    assert stage.wait(30) == -number
    await_that(lambda: is_over(fork))
    assert not (owner.folder / "over").exists()


def test_a_stage_that_is_killed_takes_its_fork_with_it_and_the_server_serves_on(owner: Owner) -> None:
    stage, fork = owner.sleep()
    stage.kill()
    stage.wait()
    await_that(lambda: is_over(fork))
    assert owner.tell()["parent"] == owner.server.pid


def test_a_fork_that_the_system_kills_is_a_stage_that_it_killed(owner: Owner) -> None:
    stage, fork = owner.sleep()
    fork.kill()
    assert stage.wait(30) == -signal.SIGKILL


def test_a_server_that_is_killed_takes_the_fork_with_it_and_the_stage_runs_anew_by_itself(owner: Owner) -> None:
    stage, fork = owner.sleep(0.5)
    (owner.folder / "asleep").unlink()
    owner.server.kill()
    assert stage.wait(30) == 0
    assert is_over(fork) and int((owner.folder / "asleep").read_text()) == stage.pid


def test_without_its_owner_it_takes_no_stage_and_ends_after_the_one_at_work(owner: Owner) -> None:
    stage, fork = owner.sleep(2)
    owner.let_go()
    owner.server.terminate()  # which its owner sends for the time of the imports
    await_that(lambda: self_listed(owner) < 2)
    assert owner.tell()["parent"] == os.getpid()
    assert not is_over(fork) and owner.server.poll() is None
    assert stage.wait(30) == 0 and (owner.folder / "over").exists()
    assert owner.server.wait(30) == 0


def self_listed(owner: Owner) -> int:
    """How many sockets have the server's name: its own, and one for each stage that is connected."""
    return Path("/proc/net/unix").read_text().count(owner.name)
