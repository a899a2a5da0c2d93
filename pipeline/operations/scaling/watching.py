"""How far a run on several machines is: lines here as it goes, and a file from which `status` says the same."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import psutil
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from pipeline.ground.files import DamagedFileError, read_json, write_json
from pipeline.operations.planning.words import duration
from pipeline.operations.scaling.orders import Outcome
from pipeline.operations.scaling.schedule import Schedule
from pipeline.operations.scaling.simulation import simulated_seconds
from pipeline.operations.scaling.tasks import Resources, Task
from pipeline.processes import still_runs

STATE = Path(".kiyas/fanout/state.json")
LEAST = 0.05  # of a stage's expected seconds that is thought to be left when it takes longer than that
RENEWED_EVERY = 5.0  # seconds


@dataclass(frozen=True)
class RunningTask:
    """
    Attributes:
        host: the name of its node.
        since: seconds since 1970.
        seconds: that it is expected to take.
    """

    stage: str
    host: str
    since: float
    seconds: float


@dataclass(frozen=True)
class Standing:
    """How far a run is.

    Attributes:
        process, process_since: the driver, and when it began: its number may become another process'.
        host: where the driver works.
        since: when the first stage was started, in seconds since 1970.
        remaining: seconds to go as expected; None where that cannot be said.
    """

    process: int
    process_since: float
    since: float
    total: int
    done: int = 0
    failed: int = 0
    running: Sequence[RunningTask] = field(default_factory=tuple)
    remaining: float | None = None
    host: str = field(default_factory=platform.node)

    @property
    def is_elsewhere(self) -> bool:
        """Whether the driver works on another machine, which shares this folder: if it still lives shows only there."""
        return self.host != platform.node()

    def lines(self, now: float) -> list[str]:
        """One for the whole, then one for each stage that runs."""
        hosts = len({task.host for task in self.running})
        failed = f", {self.failed} failed" if self.failed else ""
        left = "" if self.remaining is None else f", about {duration(self.remaining)} to go"
        whole = (
            f"{self.done} of {self.total} tasks done{failed}, {len(self.running)} running on {hosts} "
            f"node{'' if hosts == 1 else 's'}; {duration(now - self.since)} so far{left}"
        )
        stages, names = (max((len(name) for name in column), default=0) for column in self._columns())
        return [whole] + [
            f"  {task.stage:<{stages}}  {task.host:<{names}}  {duration(now - task.since)} of about "
            f"{duration(task.seconds)}"
            for task in self.running
        ]

    def _columns(self) -> tuple[list[str], list[str]]:
        return [task.stage for task in self.running], [task.host for task in self.running]


def standing_of(checkout: Path) -> Standing | None:
    """Of the run whose driver works in a checkout now, or did so on another machine; None where there is none."""
    with suppress(OSError, DamagedFileError, TypeError, KeyError):
        content = read_json(checkout / STATE)
        running = tuple(RunningTask(**task) for task in content.pop("running"))
        standing = Standing(**content, running=running)
        if standing.is_elsewhere or still_runs(standing.process, standing.process_since):
            return standing
    return None


class Watcher:
    """Is told what happens, and shows it.

    Args:
        tasks: all of the run.
    """

    def __init__(self, tasks: Sequence[Task], console: Console) -> None:
        self.tasks = {task.name: task for task in tasks}
        self.console = console
        me = psutil.Process()
        self.standing = Standing(me.pid, me.create_time(), time.time(), len(tasks))
        self._written = 0.0

    @contextmanager
    def showing(self) -> Iterator[Watcher]:
        """While it lasts, a terminal has the lines of all that runs at its end; a log gets a line for each event."""
        try:
            if not self.console.is_terminal:
                yield self
                return
            with Live(get_renderable=self._render, console=self.console, refresh_per_second=1, transient=True):
                yield self
        finally:
            STATE.unlink(missing_ok=True)

    def started(self, name: str, host: str) -> None:
        expected = self.tasks[name].seconds
        task = RunningTask(name, host, time.time(), expected)
        self.standing = replace(self.standing, running=(*self.standing.running, task))
        self._say(f"{name}: starts on {host}, about {duration(expected)}")

    def done(self, outcome: Outcome) -> None:
        self._end(outcome.stage)
        self.standing = replace(self.standing, done=self.standing.done + 1)
        self._say(
            f"[{self.standing.done}/{self.standing.total}] {outcome.stage}: done on {outcome.host} in "
            f"{duration(outcome.seconds)} ({outcome.digest})"
        )

    def lost(self, name: str, reason: str) -> None:
        self._end(name)
        self._say(f"{name}: lost, and starts again: {reason}")

    def refused(self, name: str, reason: str) -> None:
        self._end(name)
        self._say(f"{name}: waits for room: {reason}")

    def failed(self, name: str, reason: str, skipped: Sequence[str]) -> None:
        self._end(name)
        self.standing = replace(self.standing, failed=self.standing.failed + 1)
        waiting = f"; not run because of it: {', '.join(skipped)}" if skipped else ""
        self._say(f"{name}: {reason}{waiting}")

    def look(self, schedule: Schedule, nodes: Mapping[str, Resources]) -> None:
        """Time has passed: what is to go is said anew, now and then."""
        now = time.time()
        if now - self._written < RENEWED_EVERY:
            return
        self.standing = replace(self.standing, remaining=self._remaining(schedule, nodes, now))
        self._write()

    def _remaining(self, schedule: Schedule, nodes: Mapping[str, Resources], now: float) -> float | None:
        """The schedule of what is left, played through from here."""
        since = {task.stage: now - task.since for task in self.standing.running}
        running = [
            replace(task, seconds=max(task.seconds - since.get(task.name, 0.0), LEAST * task.seconds))
            for task, _ in schedule.running.values()
        ]
        try:
            return simulated_seconds([*running, *schedule.waiting.values()], nodes)
        except ValueError:  # no node has room now
            return None

    def _end(self, name: str) -> None:
        self.standing = replace(
            self.standing, running=tuple(task for task in self.standing.running if task.stage != name)
        )

    def _say(self, line: str) -> None:
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)
        self._write()

    def _write(self) -> None:
        write_json(STATE, asdict(self.standing))
        self._written = time.time()

    def _render(self) -> Group:
        return Group(*(Text(line, no_wrap=True) for line in self.standing.lines(time.time())))
