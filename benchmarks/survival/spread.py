"""Kills in a run on several machines: a raylet, a worker, the driver, the head, DVC's remote, the tracking server.

A round is one run of `fanout` on a cluster of its own machine, in which each of them is killed once, at moments that
are drawn in processor time of the driver and of all that runs in clones. Remote and tracking server come back after
some seconds, a lost node does not, and head and driver are started again by hand, as people would. Where the run ended
because of a kill, it is started again, until it has ended well. Then everything has to be what one machine makes.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

import psutil

from benchmarks.survival.cluster import Machines, in_clones, machines, missing, start_driver
from benchmarks.survival.miniature import NETWORK, State, make_miniature, restore, state_of, write_params
from benchmarks.survival.records import locked_outs
from pipeline.operations.study import merge

VICTIMS = ("raylet", "worker", "driver", "head", "remote", "tracking server")
ENDING = ("driver", "head")  # after which the run is started again
POLL = 0.3  # seconds
GONE = (1.0, 15.0)  # seconds for which the remote or the tracking server is gone
STARTS = 6  # of a run in one round at most
HUNG = 1500.0  # seconds
APART = {"cpus": 1, "memory_gb": 0.5}
SPREAD = {
    "scale": {"trial_seconds": 0.001, "families": {"classical": APART, "cnn": APART}},
    "seeds": [0, 1],
}
OF_DRIVER = {".kiyas/fanout/fanout.lock", ".kiyas/fanout/fanout.owner.json"}
CACHE = {"clones", "dvc", "dvc-state", "kept", "in-use"}  # all that nodes may leave behind
ENDS = {1, 2}  # exit statuses that say what happened in one sentence


@dataclass
class Meter:
    """Processor time of a run: of the driver, what it has started, and all that runs in clones."""

    driver: int
    cache: Path
    used: dict[tuple[int, float], float] = field(default_factory=dict)

    def seconds(self) -> float:
        processes = in_clones(self.cache)
        with contextlib.suppress(psutil.Error):
            top = psutil.Process(self.driver)
            processes += [top, *top.children(recursive=True)]
        for process in processes:
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                self.used[process.pid, process.create_time()] = times.user + times.system
        return sum(self.used.values())


@dataclass
class Round:
    """
    Attributes:
        struck: victims that were alive until their kill.
        starts: of `fanout`, the last of which ended well.
    """

    struck: list[str] = field(default_factory=list)
    starts: int = 0
    faults: list[str] = field(default_factory=list)


def run_spread(rounds: int, seed: int, minutes: float = inf) -> Iterator[list[dict[str, Any]]]:
    """A row for each victim, after each round anew.

    Args:
        minutes: no round is begun after these.

    Raises:
        SystemExit: a service is not installed.
    """
    if reason := missing():
        raise SystemExit(f"--spread: {reason}")
    until = time.monotonic() + 60 * minutes
    done: list[Round] = []
    with tempfile.TemporaryDirectory(prefix="kiyas-", dir="/tmp") as home, machines(Path(home)) as places:
        folder, kept = places.home / "checkout", places.home / "kept"
        length, wanted = _serial(places)
        _make_checkout(folder, places)
        shutil.copytree(folder, kept, symlinks=True)
        for number in range(seed, seed + rounds):
            if time.monotonic() > until:
                return
            _reset(folder, kept, places)
            drawn = random.Random(f"spread {number}")
            done.append(_disturb(folder, places, length, drawn))
            done[-1].faults += _differences(folder, places, wanted)
            print(f"round {number}: {done[-1]}", flush=True)
            yield _rows(done)


def _rows(done: list[Round]) -> list[dict[str, Any]]:
    struck = Counter(victim for one in done for victim in one.struck)
    faults = [fault for one in done for fault in one.faults]
    return [{"victim": victim, "kills": struck[victim], "rounds": len(done), "faults": faults} for victim in VICTIMS]


@dataclass(frozen=True)
class Wanted:
    """What one machine comes to: results and files (`_outside`) by `state_of`, outs by dvc.lock, runs of MLflow."""

    state: State
    outs: dict[str, str]
    runs: list[tuple[Any, ...]]


def _serial(places: Machines) -> tuple[float, Wanted]:
    """One machine alone: `repro` and `track`, with the same tracking server; processor seconds, and the end."""
    folder, before = places.home / "serial", os.times()
    _make_checkout(folder, places)
    for command in (["pipeline", "repro"], ["pipeline", "track"]):
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=folder, env=places.variables, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"`{' '.join(command)}`: {(done.stdout + done.stderr)[-600:]}")
    after = os.times()
    seconds = after.children_user + after.children_system - before.children_user - before.children_system
    state = state_of(folder)
    wanted = Wanted(State(state.results, _outside(state), [], 0, state.log), locked_outs(folder), places.runs()[0])
    places.forget()
    print(f"one machine: {seconds:.0f} seconds of processor time", flush=True)
    return seconds, wanted


def _outside(state: State) -> frozenset[str]:
    """Files but those of .kiyas, where the one has kept work and the other logs of nodes."""
    return frozenset(name for name in state.files if not name.startswith(".kiyas/"))


def _make_checkout(folder: Path, places: Machines) -> None:
    """The miniature, committed, with its remote and its nodes' folder."""
    make_miniature(folder, NETWORK)
    overlay = merge(merge(NETWORK, SPREAD), {"scale": {"cache": str(places.cache)}})
    write_params(folder, overlay)
    remote = ["remote", "add", "--quiet", "--default", "storage", places.ssh.url(places.remote)]
    subprocess.run([sys.executable, "-m", "dvc", *remote], cwd=folder, env=places.variables, check=True)
    identity = ["-c", "user.name=Kiyas", "-c", "user.email=kiyas@example.org"]
    for command in (["add", "--all"], [*identity, "commit", "--quiet", "--message", "A miniature"]):
        subprocess.run(["git", *command], cwd=folder, check=True)


def _reset(folder: Path, kept: Path, places: Machines) -> None:
    places.ready()
    places.forget()
    shutil.rmtree(places.home / "tmp")
    (places.home / "tmp").mkdir()
    restore(kept, folder)


def _disturb(folder: Path, places: Machines, length: float, drawn: random.Random) -> Round:
    """One round: runs until one has ended well, all victims killed on the way.

    Args:
        length: processor seconds of one machine alone; several take somewhat more.
    """
    told = Round()
    victims = [victim for victim in VICTIMS if victim not in ENDING]
    first, second = drawn.sample(ENDING, 2)
    drawn.shuffle(victims)
    plans, plan = [[*victims, first], [second]], list[str]()
    while told.starts < STARTS:
        missed = [victim for victim in plan if victim not in told.struck]
        plan = [*missed, *(plans.pop(0) if plans else [])]
        share = 1.0 if told.starts == 0 else 0.5  # what is done by then is done
        moments = sorted(drawn.uniform(0.02, 0.9) * length * share for _ in plan)
        ended = _attempt(folder, places, list(zip(moments, plan, strict=True)), drawn, told)
        if ended.status == 0 and not plans:
            return told
        places.ready()
    told.faults.append(f"it has not ended well after {STARTS} starts: {ended.last}")
    return told


@dataclass
class Ended:
    status: int
    seconds: float
    last: str
    round: Round


def _attempt(
    folder: Path, places: Machines, kills: list[tuple[float, str]], drawn: random.Random, told: Round
) -> Ended:
    """Start `fanout`, kill what is due, and wait for its end."""
    told.starts += 1
    (places.home / "driver.log").unlink(missing_ok=True)
    driver = start_driver(folder, places)
    meter, begun, back = Meter(driver.pid, places.cache), time.monotonic(), dict[str, float]()
    while driver.poll() is None:
        used = meter.seconds()
        for due in [kill for kill in kills if used >= kill[0]]:
            victim = due[1]
            if _kill(victim, places, driver, drawn):  # else at a later moment, when it runs
                kills.remove(due)
                told.struck.append(victim)
                back[victim] = time.monotonic() + drawn.uniform(*GONE)
        _bring_back(places, back)
        if time.monotonic() - begun > HUNG:
            told.faults.append(f"it hung for {HUNG:.0f} seconds")
            driver.kill()
        time.sleep(POLL)
    _bring_back(places, back, at_once=True)
    said = (places.home / "driver.log").read_text(errors="replace")
    last = (said.strip().splitlines() or ["it said nothing"])[-1]
    if driver.returncode not in (0, -signal.SIGKILL) and (driver.returncode not in ENDS or "Traceback (most" in said):
        told.faults.append(f"ended with {driver.returncode}: {said[-400:]}")
    return Ended(driver.returncode, meter.seconds(), last, told)


def _kill(victim: str, places: Machines, driver: subprocess.Popen[bytes], drawn: random.Random) -> bool:
    """Returns whether it was alive until then."""
    match victim:
        case "driver":
            driver.kill()
        case "head":
            places.ray.kill_head()
        case "raylet":
            return places.ray.kill_raylet(drawn.choice((1, 2)))
        case "remote":
            places.ssh.kill()
        case "tracking server":
            places.server.kill()
        case "worker":
            running = sorted(in_clones(places.cache), key=lambda process: process.pid)
            if not running:
                return False
            with contextlib.suppress(psutil.Error):
                drawn.choice(running).kill()
    return True


def _bring_back(places: Machines, back: dict[str, float], at_once: bool = False) -> None:
    for victim, service in (("remote", places.ssh), ("tracking server", places.server)):
        if victim in back and (at_once or time.monotonic() > back[victim]):
            del back[victim]
            service.start()


def _differences(folder: Path, places: Machines, wanted: Wanted) -> Iterator[str]:
    """A line for each thing that is not as one machine alone would have left it, here, on nodes and in MLflow."""
    state = state_of(folder)
    yield from State(state.results, _outside(state), [], 0, state.log).differences(wanted.state)
    left = {name for name in state.files if name.startswith(".kiyas/fanout/")} - OF_DRIVER
    yield from (f"{name}: is left behind" for name in sorted(left) if not name.startswith(".kiyas/fanout/logs/"))
    outs = locked_outs(folder)
    yield from (f"dvc.lock: {path} is another" for path in wanted.outs if outs.get(path) != wanted.outs[path])
    runs, running = places.runs()
    if runs != wanted.runs:
        yield f"MLflow: {sorted(set(runs) ^ set(wanted.runs), key=str)[:4]}"
    if running:
        yield f"MLflow: {running} runs are RUNNING"
    until = time.monotonic() + 30
    while in_clones(places.cache) and time.monotonic() < until:
        time.sleep(POLL)
    for process in in_clones(places.cache):
        with contextlib.suppress(psutil.Error):
            yield f"a node: {' '.join(process.cmdline())[:80]} still runs"
    yield from (f"a node: {name} in its folder" for name in sorted({p.name for p in places.cache.iterdir()} - CACHE))
    yield from (f"a node: {path.name} in its TMPDIR" for path in sorted((places.home / "tmp").iterdir()))
