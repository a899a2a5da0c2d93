"""Stages as jobs of Slurm: `sbatch` takes each with what it asks for, and Slurm finds the node.

Nodes share this checkout's folder and its environment, as is usual where there is Slurm: a job is a script in
.kiyas/fanout/jobs, and its answer a file beside it.
"""

from __future__ import annotations

import math
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from pipeline.ground.files import DamagedFileError, read_json, write_json
from pipeline.operations.scaling.launcher import Ended, Event, LauncherError, Lost, Refused, card_settings
from pipeline.operations.scaling.on_nodes import node as node_module
from pipeline.operations.scaling.orders import Order, Outcome
from pipeline.operations.scaling.tasks import Resources, Task

JOBS = Path(".kiyas/fanout/jobs")
ASKED_EVERY = 5.0  # seconds between two looks into Slurm's list
# In which a job is neither listed nor answered until it counts as lost: a shared folder shows what another node wrote
# up to a minute late.
ABSENT = 90.0  # seconds
CLUSTER = "slurm"
NUMBER = "number"  # the file of a job that holds Slurm's number for it
FORGOTTEN = "Invalid job id"  # as squeue puts it where it knows none of the jobs any more
# What `sbatch` says where there is no room for one more job of this user, or its controller does not answer just now.
PASSING = re.compile("QOSMax|AssocMax|submit limit|Unable to contact|timed out|emporarily|try again", re.IGNORECASE)


@dataclass
class _Job:
    number: str
    folder: Path
    absent_since: float | None = None


class SlurmLauncher:
    """
    Args:
        archive: of the commit, see `commit.pack_commit`.
        at_once: how many jobs are in Slurm's hands at the same time.
        asked_every: seconds between two looks into Slurm's list.
        absent: seconds after which a job that is neither listed nor answered counts as lost.

    Raises:
        LauncherError: there is no Slurm here.
    """

    def __init__(self, archive: bytes, at_once: int, asked_every: float = ASKED_EVERY, absent: float = ABSENT) -> None:
        for program in ("sbatch", "squeue", "scancel"):
            if shutil.which(program) is None:
                raise LauncherError(
                    f"{program}: is not on PATH; run this where Slurm's commands are, such as a login node"
                )
        self.at_once, self.asked_every, self.absent = at_once, asked_every, absent
        _end_earlier_run()
        JOBS.mkdir(parents=True, exist_ok=True)  # it may be left where a node still has a file of it open
        JOBS.chmod(0o700)
        self.node_program = Path(shutil.copy(node_module.__file__, JOBS)).resolve()  # a job may start hours from now
        self.archive = (JOBS / "commit.tar.gz").resolve()
        self.archive.write_bytes(archive)
        self._jobs: dict[str, _Job] = {}
        self._refused: list[Event] = []
        self._asked = 0.0

    def nodes(self) -> Mapping[str, Resources]:
        return {CLUSTER: Resources(float(self.at_once))}

    def asked(self, task: Task) -> Resources:
        """One of so many places; what `scale` says is Slurm's to find."""
        return Resources(1.0)

    def host(self, node: str) -> str:
        return node

    def start(self, task: Task, order: Order, node: str) -> None:
        folder = (JOBS / task.name.replace("/", "_")).resolve()
        shutil.rmtree(folder, ignore_errors=True)  # of an attempt that was lost
        environment = {**order.environment, **card_settings(task.resources.gpus)}
        write_json(folder / "order.json", asdict(replace(order, environment=environment)))
        (folder / "job.sh").write_text(self._script(folder), encoding="utf-8")
        try:
            number = _slurm(*_request(task, folder), str(folder / "job.sh")).strip().partition(";")[0]
        except LauncherError as error:
            kind = Refused if PASSING.search(str(error)) else Lost
            self._refused.append(kind(task.name, str(error)))
            return
        (folder / NUMBER).write_text(number, encoding="utf-8")
        self._jobs[task.name] = _Job(number, folder)

    def wait(self, seconds: float) -> list[Event]:
        until = time.monotonic() + seconds
        while True:
            events = [*self._refused, *self._answers(), *self._losses()]
            self._refused = []
            if events or time.monotonic() >= until:
                return events
            time.sleep(min(0.2, seconds))

    def stop(self) -> None:
        if self._jobs:
            with suppress(LauncherError):
                _slurm("scancel", *(job.number for job in self._jobs.values()))
        shutil.rmtree(JOBS, ignore_errors=True)

    def _script(self, folder: Path) -> str:
        files = (self.node_program, folder / "order.json", self.archive, folder / "outcome.json")
        return f"#!/bin/sh\nexec {shlex.join([sys.executable, *map(str, files)])}\n"

    def _answers(self) -> list[Event]:
        events: list[Event] = []
        for stage, job in list(self._jobs.items()):
            with suppress(OSError, DamagedFileError):  # not there yet, or not all of it
                events.append(Ended(Outcome(**read_json(job.folder / "outcome.json"))))
                del self._jobs[stage]
        return events

    def _losses(self) -> list[Event]:
        if not self._jobs or time.monotonic() - self._asked < self.asked_every:
            return []
        self._asked = time.monotonic()
        if (listed := _listed([job.number for job in self._jobs.values()])) is None:
            return []
        events: list[Event] = []
        for stage, job in list(self._jobs.items()):
            if job.number in listed:
                job.absent_since = None
                continue
            job.absent_since = job.absent_since or self._asked
            if self._asked - job.absent_since >= self.absent:
                del self._jobs[stage]
                events.append(Lost(stage, f"job {job.number} ended without an answer: {_last_line(job.folder)}"))
        return events


def _end_earlier_run() -> None:
    """Jobs of a driver that was killed would do again what this one is about to do."""
    if numbers := [file.read_text(encoding="utf-8") for file in JOBS.glob(f"*/{NUMBER}")]:
        with suppress(LauncherError):  # none of them is known any more
            _slurm("scancel", *numbers)
    shutil.rmtree(JOBS, ignore_errors=True)


def _request(task: Task, folder: Path) -> list[str]:
    """`sbatch` with what a stage asks for. Slurm gives whole cards, so that a share is one."""
    needs = task.resources
    gpus = ["--gres", f"gpu:{math.ceil(needs.gpus)}"] if needs.gpus else []
    return [
        "sbatch",
        "--parsable",
        *("--job-name", f"kiyas-{task.name}"),
        *("--cpus-per-task", str(math.ceil(needs.cpus))),
        *("--mem", f"{max(1, math.ceil(needs.memory / 1024**2))}M"),
        *gpus,
        *("--output", str(folder / "slurm.log")),
        "--no-requeue",  # the driver starts it again
    ]


def _listed(numbers: Sequence[str]) -> set[str] | None:
    """Those of the jobs that Slurm knows and that have not ended; None where it does not answer now."""
    try:
        return set(_slurm("squeue", "--noheader", "--format", "%i", "--jobs", ",".join(numbers)).split())
    except LauncherError as error:
        return set() if FORGOTTEN in str(error) else None


def _slurm(*command: str) -> str:
    """What one of Slurm's commands prints.

    Raises:
        LauncherError: with what it said.
    """
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
    if done.returncode:
        raise LauncherError(f"`{command[0]}` failed: {done.stderr.strip() or 'it gave no reason'}")
    return done.stdout


def _last_line(folder: Path) -> str:
    with suppress(OSError):
        lines = (folder / "slurm.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "it printed nothing"
    return "it printed nothing"
