"""A command that something is done to, run to its end, and what is wrong with how it ended."""

from __future__ import annotations

import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks.survival.kills import Scenario
from benchmarks.survival.miniature import environment

PATIENCE = 300.0  # seconds, after which a command counts as hanging
WELL = (0, 10, 20)  # exit statuses of what did its work; a retraining says by these how it ended
TRACEBACK = "Traceback (most recent call last)"

Fault = Callable[[Path, Scenario, random.Random], tuple[list[str], bool]]  # lines for what was wrong; whether it struck


def run(
    folder: Path,
    command: Sequence[str],
    before: Callable[[], object] | None = None,
    env: dict[str, str] | None = None,
) -> tuple[int, str, float]:
    """(exit status, what it said, seconds); one that hangs is stopped."""
    begun = time.monotonic()
    try:
        done = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=folder,
            env=env or environment(folder),
            preexec_fn=before,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=PATIENCE + 1,
        )
    except subprocess.TimeoutExpired as expired:
        return -9, str(expired.stdout or ""), time.monotonic() - begun
    return done.returncode, done.stdout + done.stderr, time.monotonic() - begun


def about(code: int, said: str, seconds: float, expected: str) -> Iterator[str]:
    """What is wrong with how a command that was to fail ended."""
    if seconds > PATIENCE:
        yield f"hung for {seconds:.0f} s"
    if code in WELL:
        return
    if TRACEBACK in said:
        yield f"a traceback: {said[said.index(TRACEBACK) :][-400:]}"
    if not re.search(expected, said, re.IGNORECASE):
        yield f"ended with {code} without its reason: {' | '.join(said.strip().splitlines()[-4:])[-400:]}"
