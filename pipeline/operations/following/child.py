"""`dvc repro` as a child: its lines one by one, signals passed on, its exit status."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from pipeline.dvc_command import dvc_environment
from pipeline.dvc_full_disk import SENTENCE, ended_on_full_disk
from pipeline.dvc_leftovers import mend_leftovers
from pipeline.dvc_lock_file import DVC_QUICKLY

FULL_DISK = 1  # the exit status
PASSED_ON = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def run_repro(targets: Sequence[str], on_line: Callable[[str], None], environment: dict[str, str] | None = None) -> int:
    """Run `dvc repro` of some stages (none: the whole graph) to its end.

    It has a process group of its own, so that a signal reaches DVC and its stage exactly once: Ctrl-C ends both, and no
    stage goes on by itself. What it prints, errors included, comes in its own order.

    Args:
        on_line: takes each line that DVC and the stages print, without its end.
        environment: of DVC; None: that of this process.

    Returns:
        DVC's exit status; 128 and the signal's number where a signal ended it; FULL_DISK where the disk did.
    """
    mend_leftovers()
    with (
        _passing_on_signals() as signals,
        subprocess.Popen(
            [sys.executable, "-m", DVC_QUICKLY, "repro", *targets],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            env=environment or dvc_environment(),
            process_group=0,
        ) as child,
    ):
        signals.go_to(child)
        with ended_on_full_disk(child) as watched:
            for line in child.stdout or ():
                on_line(line.rstrip("\n"))
            status = child.wait()
    if watched.ended:
        on_line(f"ERROR: {SENTENCE}")
        return FULL_DISK
    return status if status >= 0 else 128 - status


def run_command(command: Sequence[str], folder: Path, environment: dict[str, str]) -> tuple[int, bool]:
    """Run a command that runs `dvc repro` in turn, and wait until it has ended, at Ctrl-C too.

    `subprocess.run` would kill it a quarter of a second after Ctrl-C, perhaps before it has stopped what it started.

    Returns:
        Its exit status, and whether it was told to stop.
    """
    with (
        _passing_on_signals() as signals,
        subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, process_group=0) as child,
    ):
        signals.go_to(child)
        status = child.wait()
    return status, bool(signals.passed)


class _Signals:
    """Those that go to a child's group; one that comes before there is a child goes to it at once when there is.

    Attributes:
        passed: those that a child got.
    """

    def __init__(self) -> None:
        self.passed: list[int] = []
        self._child: subprocess.Popen[Any] | None = None
        self._early: list[int] = []

    def go_to(self, child: subprocess.Popen[Any]) -> None:
        self._child = child
        while self._early:
            self.take(self._early.pop(0), None)

    def take(self, number: int, frame: FrameType | None) -> None:
        """As Python calls a handler."""
        if self._child is None:
            self._early.append(number)
            return
        with suppress(ProcessLookupError):  # the group outlives DVC as long as a stage of it runs
            os.killpg(self._child.pid, number)
            self.passed.append(number)


@contextmanager
def _passing_on_signals() -> Iterator[_Signals]:
    """Before a child begins, so that no signal ends this process alone and leaves the child to itself."""
    signals = _Signals()
    before = {number: signal.getsignal(number) for number in PASSED_ON}
    heard = {number: handler for number, handler in before.items() if handler != signal.SIG_IGN}  # as under nohup
    for number in heard:
        signal.signal(number, signals.take)
    try:
        yield signals
    finally:
        for number, handler in heard.items():
            signal.signal(number, handler)
