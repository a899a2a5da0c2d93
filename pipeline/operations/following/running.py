"""Which stages run in this checkout at the moment, whoever started them: DVC tells each its name in its environment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from pipeline.champions.log import LOCK as RETRAIN_LOCK
from pipeline.dvc_lock_file import DVC_QUICKLY
from pipeline.ground.locks import living_owner

FANOUT_LOCK = Path(".kiyas/fanout/fanout.lock")


@dataclass(frozen=True)
class Run:
    """One `dvc repro`, or the `python -m pipeline repro` around it.

    Attributes:
        since: when it began, in seconds since 1970.
        targets: the stages that it was asked for; none: the whole graph.
    """

    since: float
    targets: Sequence[str] = ()


@dataclass(frozen=True)
class RunningStage:
    """
    Attributes:
        name: as `dvc repro` takes it.
        process: its identifier.
        since: when it began, in seconds since 1970.
        run: what it belongs to.
    """

    name: str
    process: int
    since: float
    run: Run


def running_stages(checkout: Path) -> list[RunningStage]:
    """The oldest first. What a stage starts itself is not counted."""
    stages = {stage.name: stage for stage in sorted(_found(checkout.resolve()), key=lambda stage: -stage.since)}
    return sorted(stages.values(), key=lambda stage: stage.since)


def run_of(process: psutil.Process) -> Run:
    """What a process belongs to; a process that belongs to no run is one of its own."""
    runs = [Run(process.create_time())]
    for parent in process.parents():  # the nearest first
        with suppress(psutil.Error):
            if (targets := _targets(parent.cmdline())) is not None:
                runs.append(Run(parent.create_time(), targets))
    return runs[-1]


def process_of_run(checkout: Path) -> int | None:
    """The process of a `dvc repro` in this checkout, or of what is around it, whether or not a stage runs just then."""
    return next((process.pid for process in _runs(checkout)), None)


def what_runs(checkout: Path, other_than: int | None = None) -> str | None:
    """What is at work in a checkout, by its name and process; None where nothing is, so that its files may be changed.

    A run is at work between two of its stages, too; so is a retraining, and a `fanout`, whose stages run elsewhere.

    Args:
        other_than: the process of a `fanout` that does not count.
    """
    if stages := running_stages(checkout):
        return f"{stages[0].name} (process {stages[0].process})"
    if process := process_of_run(checkout):
        return f"a run (process {process})"
    return living_owner(checkout / FANOUT_LOCK, other_than) or living_owner(checkout / RETRAIN_LOCK)


def run_before_this(checkout: Path) -> int | None:
    """The process of a run in this checkout that began before this process, and that this process does not belong to.

    So of two that begin together the later one gives way, and not both.
    """
    this = psutil.Process()
    own = {parent.pid for parent in this.parents()}
    for process in _runs(checkout):
        with suppress(psutil.Error):
            is_older = (process.create_time(), process.pid) < (this.create_time(), this.pid)
            if is_older and process.pid not in own and process.status() != psutil.STATUS_ZOMBIE:
                return int(process.pid)
    return None


def _runs(checkout: Path) -> Iterator[psutil.Process]:
    """The oldest first."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if _targets(process.cmdline()) is not None and Path(process.cwd()) == checkout.resolve():
                yield process


def _found(checkout: Path) -> Iterator[RunningStage]:
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            environment = process.environ()
            stage, root = environment.get("DVC_STAGE"), environment.get("DVC_ROOT")
            if stage and root and Path(root).resolve() == checkout:
                yield RunningStage(stage, process.pid, process.create_time(), run_of(process))


def _targets(command: Sequence[str]) -> list[str] | None:
    """What a command line asks to reproduce; None where it is not `… dvc repro …` or `… pipeline repro …`."""
    programs = {Path(part).name for part in command}
    if "repro" not in command or not programs & {"dvc", DVC_QUICKLY, "pipeline"}:
        return None
    return [part for part in command[command.index("repro") + 1 :] if not part.startswith("-")]
