"""What a stage is when it was forked: itself alone, and gone with whoever started it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

from pipeline.forking.messages import ADDRESS, FORKED, SECRET, address, new_socket

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux alone")

# The server without the libraries, which are none of its matter.
SERVER = """
import os, sys
from pipeline.forking.messages import address, surroundings
from pipeline.forking.server import Server, obey
fork = os.fork
def fork_unless_forbidden():
    if os.path.exists("no forks"):
        raise BlockingIOError("no more processes")
    return fork()
os.fork = fork_unless_forbidden
if order := Server(address(sys.argv[1], False), surroundings()).run():
    obey(order)
"""
TELL = """
import json, os, random, sys
print(json.dumps({
    "arguments": sys.argv[1:], "folder": os.getcwd(), "parent": os.getppid(), "umask": os.umask(0),
    "process": os.getpid(),
    "forked": "KIYAS_FORKED" in os.environ, "stage": os.environ.get("DVC_STAGE"), "input": sys.stdin.read(),
    "random": random.random(), "open": sorted(map(int, os.listdir("/proc/self/fd"))),
}))
print("to be said aside", file=sys.stderr)
sys.exit(7)
"""
# Sleeps until it may go on, notes the signals that it gets, and has started a process that would sleep on.
SLEEP = """
import os, pathlib, signal, subprocess, sys, time
def note(number, frame):
    pathlib.Path("got").write_text(str(number))
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, note)
other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], stdout=subprocess.DEVNULL)
pathlib.Path("part").write_text(f"{os.getpid()} {other.pid}")
os.replace("part", "asleep")
while not os.path.exists("go on"):
    time.sleep(0.02)
other.kill()
pathlib.Path("over").touch()
"""


class Owner:
    """Of a server, in a folder with two modules that can be asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.name = folder, f"kiyas-test-{os.getpid()}-{time.monotonic_ns()}"
        (folder / "tell.py").write_text(TELL)
        (folder / "sleep.py").write_text(SLEEP)
        self.stages: list[subprocess.Popen[str]] = []
        self.environment = os.environ | {"PYTHONPATH": str(ROOT), SECRET: "of this run"}
        command = [sys.executable, "-m", "serve", self.name]
        (folder / "serve.py").write_text(SERVER)
        with (folder / "notes").open("wb") as notes:
            pipe = subprocess.PIPE
            self.server = subprocess.Popen(command, cwd=folder, stdin=pipe, stderr=notes, env=self.environment)

    @property
    def notes(self) -> str:
        return (self.folder / "notes").read_text()

    def start(
        self, *arguments: str, program: Sequence[str] = ("-m", "pipeline.forking.client"), **environment: str
    ) -> subprocess.Popen[str]:
        stage = subprocess.Popen(
            [sys.executable, *program, *arguments],
            cwd=self.folder,
            env=self.environment
            | {ADDRESS: self.name, "DVC_STAGE": "telling", "DVC_ROOT": str(self.folder)}
            | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=_heed_signals,
        )
        self.stages.append(stage)
        return stage

    def tell(self, *arguments: str, **environment: str) -> dict[str, Any]:
        stage = self.start("tell", *arguments, **environment)
        said, aside = stage.communicate("from outside", timeout=60)
        assert stage.returncode == 7 and aside == "to be said aside\n", aside
        return dict(json.loads(said))

    def sleep(self) -> tuple[subprocess.Popen[str], psutil.Process, psutil.Process]:
        """A stage that sleeps, its fork, and what that has started."""
        stage = self.start("sleep")
        fork, other = self.asleep()
        return stage, fork, other

    def asleep(self) -> list[psutil.Process]:
        await_that((self.folder / "asleep").exists)
        return [psutil.Process(int(one)) for one in (self.folder / "asleep").read_text().split()]

    def go_on(self) -> None:
        (self.folder / "go on").touch()

    @property
    def sockets(self) -> int:
        """How many have its name: its own, and one for each stage that is connected."""
        return Path("/proc/net/unix").read_text().count(self.name)

    def let_go(self) -> None:
        assert self.server.stdin
        self.server.stdin.close()


def _heed_signals() -> None:
    """Whoever runs these tests in the background may ignore some."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[Owner]:
    owner = Owner(tmp_path)
    try:
        await_that(lambda: owner.sockets > 0)
        yield owner
    finally:
        owner.server.kill()
        owner.server.wait()
        for stage in owner.stages:
            stage.kill()
            stage.communicate()


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
    assert f"process {told['process']}: tell --backbone vgg16" in owner.notes
    assert told["open"][:3] == [0, 1, 2] and len(told["open"]) == 4  # and the folder that lists them
    assert owner.tell()["random"] != told["random"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"OMP_NUM_THREADS": "3"}, "another folder, environment or Python"),
        ({"KERAS_BACKEND": "jax"}, "another folder, environment or Python"),
        ({SECRET: "of another run"}, "does not know the secret"),
        ({"LONG": "x" * 100_000, "LONGER": "x" * 100_000}, ""),
        ({FORKED: "1"}, ""),
    ],
)
def test_a_stage_with_other_surroundings_and_a_fork_itself_start_alone(
    owner: Owner, change: dict[str, str], reason: str
) -> None:
    assert owner.tell(**change)["parent"] == os.getpid()
    assert reason in owner.notes and "process" not in owner.notes


def test_what_is_no_order_leaves_the_server_at_work(owner: Owner) -> None:
    for content in (b"[]", b"no JSON", b'{"secret": 3}', b""):
        with new_socket() as connection:
            connection.connect(address(owner.name, keras=False))
            if content:
                connection.send(content)
    assert owner.tell()["parent"] == owner.server.pid
    assert owner.notes.count("refused") == 4


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_reaches_the_fork_and_what_it_has_started_and_the_stage_ends_as_the_fork_does(
    owner: Owner, number: signal.Signals
) -> None:
    stage, fork, other = owner.sleep()
    stage.send_signal(number)
    assert stage.wait(30) == -number
    assert (owner.folder / "got").read_text() == str(int(number))
    await_that(lambda: is_over(fork) and is_over(other))


def test_a_signal_that_is_ignored_around_the_run_is_ignored(owner: Owner) -> None:
    ignoring = "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); "
    ignoring += "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    stage = owner.start("sleep", program=["-c", ignoring, "-m", "pipeline.forking.client"])
    fork, _ = owner.asleep()
    stage.send_signal(signal.SIGHUP)
    owner.go_on()
    assert stage.wait(30) == 0 and not (owner.folder / "got").exists()
    assert is_over(fork)


def test_a_stage_that_is_killed_takes_its_fork_with_it_and_the_server_serves_on(owner: Owner) -> None:
    stage, fork, other = owner.sleep()
    stage.kill()
    stage.wait()
    await_that(lambda: is_over(fork) and is_over(other))
    assert owner.tell()["parent"] == owner.server.pid


def test_a_stage_that_cannot_be_forked_starts_alone_and_the_server_keeps_none_of_its_streams(owner: Owner) -> None:
    (owner.folder / "no forks").touch()
    assert owner.tell()["parent"] == os.getpid()  # which reads to the end of them
    assert "refused a stage: no more processes" in owner.notes
    (owner.folder / "no forks").unlink()
    assert owner.tell()["parent"] == owner.server.pid


def test_two_stages_run_at_once(owner: Owner) -> None:
    stage, _, _ = owner.sleep()
    assert owner.tell()["parent"] == owner.server.pid
    owner.go_on()
    assert stage.wait(30) == 0


def test_a_fork_that_the_system_kills_is_a_stage_that_it_killed(owner: Owner) -> None:
    stage, fork, other = owner.sleep()
    fork.kill()
    assert stage.wait(30) == -signal.SIGKILL
    other.kill()


def test_a_server_that_is_killed_takes_the_fork_with_it_and_the_stage_runs_anew_by_itself(owner: Owner) -> None:
    stage, fork, other = owner.sleep()
    (owner.folder / "asleep").unlink()
    owner.server.kill()
    again, _ = owner.asleep()
    assert is_over(fork) and again.pid == stage.pid
    owner.go_on()
    assert stage.wait(30) == 0
    other.kill()


def test_without_its_owner_it_takes_no_stage_and_ends_after_the_one_at_work(owner: Owner) -> None:
    stage, fork, _ = owner.sleep()
    owner.let_go()
    owner.server.terminate()  # which its owner sends for the time of the imports
    await_that(lambda: owner.sockets < 2)
    assert owner.tell()["parent"] == os.getpid()
    assert not is_over(fork) and owner.server.poll() is None
    owner.go_on()
    assert stage.wait(30) == 0 and (owner.folder / "over").exists()
    assert owner.server.wait(30) == 0
