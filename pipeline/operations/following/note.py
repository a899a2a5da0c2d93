"""How far a `python -m pipeline repro` is, in a file that `status` reads, so that both go by the same plan and pace."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from pipeline.ground.files import DamagedFileError, read_json, write_json
from pipeline.operations.following.progress import RunProgress
from pipeline.operations.planning.expansion import Stage
from pipeline.operations.planning.forecast import StageForecast
from pipeline.operations.planning.plan import Plan, PlannedStage
from pipeline.processes import still_runs

NOTE = Path(".kiyas/following.json")


@dataclass(frozen=True)
class Followed:
    """A run that goes on.

    Attributes:
        process: of the `python -m pipeline repro`.
        progress: with times in seconds since 1970.
        noted: when, in seconds since 1970.
        host: where it runs; None: here. Whether a run of another machine still lives cannot be seen from here.
    """

    process: int
    progress: RunProgress
    noted: float = 0.0
    host: str | None = None


@contextmanager
def noted(progress: RunProgress) -> Iterator[Callable[[], None]]:
    """A function that writes how far the run is. The file goes when the run ends; a killed one leaves it.

    Args:
        progress: its times are those of `time.monotonic`.
    """
    me = psutil.Process()
    owner = {"process": me.pid, "process_since": me.create_time(), "host": platform.node()}

    def write() -> None:
        with suppress(OSError):  # a full disk ends what needs it; without the note `status` makes a plan of its own
            write_json(NOTE, {**owner, **_content(progress, time.time() - time.monotonic())})

    write()
    try:
        yield write
    finally:
        forget()


def forget() -> None:
    """Remove what a killed run has left."""
    with suppress(OSError):
        NOTE.unlink()


def followed(stages: Sequence[Stage]) -> Followed | None:
    """The run that goes on in the current directory; None where none is noted.

    Args:
        stages: all of the graph.
    """
    with suppress(OSError, DamagedFileError, TypeError, KeyError, AttributeError):
        content = read_json(NOTE)
        host = None if content.get("host", platform.node()) == platform.node() else str(content["host"])
        if host or still_runs(content["process"], content["process_since"]):
            progress = _progress(content, {stage.name: stage for stage in stages})
            return Followed(content["process"], progress, NOTE.stat().st_mtime, host)
    return None


def _content(progress: RunProgress, to_wall: float) -> dict[str, Any]:
    """
    Args:
        to_wall: what makes its times seconds since 1970.
    """
    running = progress.running
    return {
        "begun": progress.begun + to_wall,
        "due": [
            {"name": one.name, "state": one.state, "seconds": one.seconds, "low": one.low, "high": one.high}
            for one in progress.plan.due
        ],
        "running": [running[0], running[1] + to_wall] if running else None,
        "ended": progress.ended,
        "restored": progress.restored,
        "unchanged": progress.unchanged,
    }


def _progress(content: Mapping[str, Any], stages: Mapping[str, Stage]) -> RunProgress:
    known = [(stages[row["name"]], row) for row in content["due"] if row["name"] in stages]
    due = [PlannedStage(_forecast(stage, row), row["state"]) for stage, row in known]
    progress = RunProgress(Plan(due, []), content["begun"])
    progress.running = (content["running"][0], content["running"][1]) if content["running"] else None
    progress.ended, progress.restored = dict(content["ended"]), list(content["restored"])
    progress.unchanged = list(content["unchanged"])
    return progress


def _forecast(stage: Stage, row: Mapping[str, Any]) -> StageForecast:
    """With the times of the run's plan; what a stage needs beside them is no matter here."""
    return StageForecast(stage, row["seconds"], row["low"], row["high"], memory=0.0, disk=0.0, source="usual")
