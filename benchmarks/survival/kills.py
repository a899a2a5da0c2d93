"""`kill -9` at drawn moments of whole commands; then one command, and everything is as if nothing had been killed.

A moment is an amount of processor time that a command and all that it has started have used, so that what else the
machine does hardly moves it; of several kills in a row each strikes within its share of the work. Killed is the command
itself (what it has started goes on), the newest process that it has started, all of them, or the command first and what
it has left behind later. Every third time the command and what it has started are asked to end in place of that, as
Ctrl-C in a terminal (SIGINT) or a shutdown (SIGTERM) does.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import psutil

from benchmarks.survival.miniature import (
    NETWORK,
    State,
    draw_photos,
    environment,
    leaks,
    make_miniature,
    restore,
    state_of,
)

VICTIMS = ("command", "newest", "all", "orphan")
SIGNALS = {"Ctrl-C": signal.SIGINT, "SIGTERM": signal.SIGTERM}
POLL = 0.02  # seconds
PATIENCE = 300.0  # seconds for what a killed command has left behind
MOST_IN_A_ROW = 4
# Commands that open nothing that a fork may not share, and what they import: seconds of each kill otherwise.
IMPORTED = {
    "start": ["pipeline.__main__", "pipeline.operations.start"],
    "track": ["pipeline.__main__", "pipeline.operations.track", "mlflow.store.tracking.sqlalchemy_store"],
}


@dataclass(frozen=True)
class Scenario:
    """What is killed.

    Attributes:
        command: after `python -m`.
        after: commands that follow undisturbed, once the killed one has been called again.
        before: what lies in the checkout; None: nothing but photos.
        share: of all kills.
    """

    command: Sequence[str]
    share: int
    overlay: dict[str, Any]
    before: Callable[[Path], None] | None = None
    after: Sequence[Sequence[str]] = ()


def _compared(folder: Path) -> None:
    for command in (["dvc", "repro"], ["pipeline", "track"]):
        call(folder, command)


def _with_new_photos(folder: Path) -> None:
    _compared(folder)
    draw_photos(folder / "data/incoming", each=20, seed=1)


def _trained(folder: Path) -> None:
    call(folder, ["dvc", "repro"])
    for database in folder.glob("mlflow.db*"):
        database.unlink()
    shutil.rmtree(folder / "mlartifacts", ignore_errors=True)


REPRO, STUDY = ["pipeline", "repro"], ["pipeline", "study", "seeds"]
# The cheap ones first, of which many fit into a while.
SCENARIOS = {
    "start": Scenario(["pipeline", "start", "photos", "--replace", "--no-measuring"], 12, {}),
    "track": Scenario(["pipeline", "track"], 12, {}, before=_trained),
    "dvc repro": Scenario(["dvc", "repro"], 4, {}, after=[["pipeline", "track"]]),
    "dvc repro, a network": Scenario(["dvc", "repro"], 1, NETWORK, after=[["pipeline", "track"]]),
    "repro, a network": Scenario(REPRO, 3, NETWORK, after=[["pipeline", "track"]]),
    "retrain": Scenario(["pipeline", "retrain"], 3, {}, before=_with_new_photos),
    "study": Scenario(STUDY, 2, {}, before=_compared),
}


def run_kills(wanted: int, seed: int, minutes: float = inf, only: str = "") -> Iterator[dict[str, Any]]:
    """About this many kills, shared out over the scenarios with a word in their names; a row for each.

    Args:
        minutes: no round is begun after these.
    """
    scenarios = {name: scenario for name, scenario in SCENARIOS.items() if only in name}
    shares, until = sum(scenario.share for scenario in scenarios.values()), time.monotonic() + 60 * minutes
    for name, scenario in scenarios.items():
        if time.monotonic() < until:
            yield attack(name, max(1, round(wanted * scenario.share / shares)), seed, until)


def attack(name: str, wanted: int, seed: int, until: float = inf) -> dict[str, Any]:
    """Kill one command again and again, a few times in a row, then call it once and look at everything.

    Args:
        until: no round is begun after that, on the clock `time.monotonic`.
    """
    scenario, drawn = SCENARIOS[name], random.Random(f"{name} {seed}")
    used_before = _used_by_children()
    killed = signals = rounds = 0
    faults: list[str] = []
    with tempfile.TemporaryDirectory(prefix="kiyas-kills-") as home:
        folder, kept = Path(home, "checkout"), Path(home, "kept")
        make_miniature(folder, scenario.overlay)
        if scenario.before:
            scenario.before(folder)
        shutil.copytree(folder, kept, symlinks=True)
        length = call(folder, scenario.command)
        follow(folder, scenario)
        undisturbed = state_of(folder)
        faults += [f"{name}, undisturbed: {leak}" for leak in leaks(folder)]
        again = call(folder, scenario.command)  # with nothing left to do
        while killed < wanted and time.monotonic() < until:
            restore(kept, folder)
            times = drawn.randint(1, MOST_IN_A_ROW)
            span = again + max(0.0, length - again) / times  # of each, so that the last one finds something to do, too
            row = [_kill_once(folder, scenario.command, span, drawn) for _ in range(times)]
            rounds += 1
            signals += sum(victim in SIGNALS for _, victim in row)
            killed += sum(was_killed and victim not in SIGNALS for was_killed, victim in row)
            told = _look(folder, scenario, undisturbed)
            faults += [f"{name}, after {', '.join(victim for _, victim in row)}: {fault}" for fault in told]
            print(f"{name}: {killed} of {wanted} kills", *told, sep="\n  ", flush=True)
    return {
        "command": name,
        "kills": killed,
        "signals": signals,
        "rounds": rounds,
        "faults": faults,
        "processor_seconds": round(_used_by_children() - used_before),
    }


def _look(folder: Path, scenario: Scenario, undisturbed: State) -> list[str]:
    """Call the killed command once more; a line for whatever is not as it would have been."""
    if scenario.command in (REPRO, STUDY):
        _await_end(folder)  # they refuse to run beside what a killed one has left at work, and say so
    try:
        call(folder, scenario.command)
        follow(folder, scenario)
    except RuntimeError as error:
        return [str(error)]
    left = [f"process {process.pid} still runs: {' '.join(process.cmdline())[:80]}" for process in _inside(folder)]
    return [*left, *state_of(folder).differences(undisturbed)]


def follow(folder: Path, scenario: Scenario) -> None:
    """Call what comes after a scenario's command."""
    for command in scenario.after:
        call(folder, command)


def _kill_once(folder: Path, command: Sequence[str], length: float, drawn: random.Random) -> tuple[bool, str]:
    """Start a command and kill something of it; returns whether it was alive until then, and what was killed."""
    victims = VICTIMS if drawn.random() < 2 / 3 else tuple(SIGNALS)
    victim, moment = drawn.choice(victims), drawn.random() * length
    process = start(folder, command)
    if not await_processor_time(process.pid, moment):
        process.wait()
        return False, "nothing: it had ended"
    started = _tree(process.pid)
    if victim in SIGNALS:
        os.killpg(process.pid, SIGNALS[victim])  # each command has a group of its own
        process.wait(PATIENCE)
        return True, victim
    if victim == "newest":
        _kill(started[-1:])
        process.wait(PATIENCE)
        return True, victim
    _kill(started if victim == "all" else started[:1])
    process.wait()
    if victim == "orphan" and len(started) > 1:
        await_processor_time(started[1].pid, drawn.random() * length / 4)
        _kill(_inside(folder))
    elif victim == "command" and drawn.random() < 0.5:
        _await_end(folder)
    return True, victim


def await_processor_time(process: int, seconds: float) -> bool:
    """Wait until a process and its descendants have used so much processor time; False where it ended before."""
    while (used := _used(process)) is not None:
        if used >= seconds:
            return True
        time.sleep(POLL)
    return False


def _used(process: int) -> float | None:
    """Processor seconds of a process, of those that it has started, and of those of them that have ended."""
    total = 0.0
    tree = _tree(process)
    if not tree or tree[0].status() == psutil.STATUS_ZOMBIE:
        return None
    for one in tree:
        with contextlib.suppress(psutil.Error):
            times = one.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def _tree(process: int) -> list[psutil.Process]:
    """A process and all that it has started, the newest last."""
    with contextlib.suppress(psutil.Error):
        top = psutil.Process(process)
        return [top, *sorted(top.children(recursive=True), key=lambda one: one.create_time())]
    return []


def _inside(folder: Path) -> list[psutil.Process]:
    """Processes that work in a folder, whoever started them."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if Path(process.cwd()).is_relative_to(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def _await_end(folder: Path) -> None:
    until = time.monotonic() + PATIENCE
    while _inside(folder) and time.monotonic() < until:
        time.sleep(POLL)


def _kill(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.send_signal(signal.SIGKILL)


class Child:
    """A child that shares what is imported here; what `subprocess.Popen` is to one that is not."""

    def __init__(self, pid: int) -> None:
        self.pid, self.returncode = pid, 0

    def wait(self, timeout: float | None = None) -> int:
        with contextlib.suppress(ChildProcessError):
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.returncode


def start(folder: Path, command: Sequence[str]) -> subprocess.Popen[bytes] | Child:
    """`python -m …` in a folder, in a process group of its own; what it says goes to a file beside the folder."""
    with (folder.parent / "output.log").open("ab") as log:
        if command[0] == "pipeline" and command[1] in IMPORTED:
            return Child(_fork(folder, command[1:], log.fileno()))
        return subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=folder,
            env=environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _fork(folder: Path, arguments: Sequence[str], log: int) -> int:
    """A command of the pipeline in a child of this process, which has imported all that it needs."""
    for module in IMPORTED[arguments[0]]:
        importlib.import_module(module)
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        os.setsid()
        os.chdir(folder)
        os.dup2(log, 1)
        os.dup2(log, 2)
        wanted = environment(folder)
        os.environ.clear()
        os.environ.update(wanted)
        status = importlib.import_module("pipeline.__main__").main(list(arguments))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)


def call(folder: Path, command: Sequence[str]) -> float:
    """Run a command to its end; returns its processor seconds.

    Raises:
        RuntimeError: it failed, with the end of what it said.
    """
    (folder.parent / "output.log").unlink(missing_ok=True)
    process = start(folder, command)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 10, 20):  # a retraining says by these how it ended
        lines = (folder.parent / "output.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise RuntimeError(f"`{' '.join(command)}` ended with {process.returncode}: {' | '.join(lines[-6:])}")
    return usage.ru_utime + usage.ru_stime


def _used_by_children() -> float:
    times = os.times()
    return times.children_user + times.children_system
