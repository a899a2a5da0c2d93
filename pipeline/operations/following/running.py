"""Which stages run in this checkout at the moment, whoever started them: DVC tells each its name in its environment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class RunningStage:
    """
    Attributes:
        name: as `dvc repro` takes it.
        process: its identifier.
        since: when it began, in seconds since 1970.
        run_since: when the `dvc repro` that started it began; its own beginning where that one is gone.
    """

    name: str
    process: int
    since: float
    run_since: float


def running_stages(checkout: Path) -> list[RunningStage]:
    """The oldest first; a stage's own children are not counted."""
    stages = {stage.name: stage for stage in sorted(_found(checkout.resolve()), key=lambda stage: -stage.since)}
    return sorted(stages.values(), key=lambda stage: stage.since)


def _found(checkout: Path) -> Iterator[RunningStage]:
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            environment = process.environ()
            if environment.get("DVC_STAGE") and Path(environment.get("DVC_ROOT", "")).resolve() == checkout:
                since = process.create_time()
                yield RunningStage(environment["DVC_STAGE"], process.pid, since, min(since, begin_of_run(process)))


def begin_of_run(process: psutil.Process) -> float:
    """When the `dvc repro` that a process belongs to began, in seconds since 1970; its own beginning if to none."""
    for parent in process.parents():
        if "repro" in parent.cmdline():
            return float(parent.create_time())
    return float(process.create_time())
