"""Progress as people see it: a bar on a terminal, lines in a log."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from pipeline.operations.following.progress import CHATTER, RunProgress
from pipeline.operations.planning.words import action, duration, duration_range

BAR = 24  # columns


class Display(Protocol):
    def line(self, line: str) -> None:
        """Show what DVC or a stage printed."""

    def stage(self, name: str) -> None:
        """Show that a stage begins, or is restored."""


@contextmanager
def shown(progress: RunProgress, console: Console) -> Iterator[Display]:
    """The display that fits where the output goes."""
    if not console.is_terminal:
        yield _Lines(progress)
        return
    bar = _Bar(progress, console)
    with Live(get_renderable=bar.render, console=console, refresh_per_second=2, transient=True):
        yield bar


def standing(progress: RunProgress, now: float) -> str:
    """The times of a run in words."""
    seconds, low, high = progress.remaining(now)
    left = f"about {duration(seconds)} to go ({duration_range(low, high)})" if seconds else "nothing to go"
    return f"{duration(progress.elapsed(now))} so far, {left}"


def heading(progress: RunProgress, name: str) -> str:
    """Which stage it is, and what it does."""
    planned, stage = progress.planned(name), progress.stage(name)
    doing = action(stage) if stage else "run"
    if name in progress.restored:
        doing = "restored from DVC's cache"
    elif planned:
        doing = f"{doing}, about {duration(planned.seconds * progress.pace)}"
    return f"[{progress.position}/{progress.total}] {name}: {doing}"


class _Lines:
    def __init__(self, progress: RunProgress) -> None:
        self.progress = progress

    def line(self, line: str) -> None:
        if not CHATTER.match(line):
            print(line, flush=True)

    def stage(self, name: str) -> None:
        print(f"{heading(self.progress, name)}; {standing(self.progress, time.monotonic())}", flush=True)


class _Bar:
    def __init__(self, progress: RunProgress, console: Console) -> None:
        self.progress, self.console = progress, console

    def line(self, line: str) -> None:
        if not CHATTER.match(line):
            self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def stage(self, name: str) -> None:
        self.console.print(heading(self.progress, name), markup=False, highlight=False, style="bold")

    def render(self) -> Table:
        now = time.monotonic()
        gone, left = self.progress.elapsed(now), self.progress.remaining(now)[0]
        grid = Table.grid(padding=(0, 1))
        position = f"stage {self.progress.position} of {self.progress.total}"
        bar = ProgressBar(total=max(gone + left, 1e-9), completed=gone, width=BAR)
        name = self.progress.running[0] if self.progress.running else "DVC looks at the graph"
        grid.add_row(position, bar, standing(self.progress, now))
        outer = Table.grid()
        outer.add_row(grid)
        outer.add_row(name)
        return outer
