"""What a piece of work cost, and on which machine with which code it was measured."""

from __future__ import annotations

import os
import platform
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

from pipeline.evaluation.costs.energy import read_counters

SAMPLED_EVERY = 0.1  # seconds
PACKAGES = (
    "dvc",
    "keras",
    "mlflow",
    "numpy",
    "pandas",
    "pillow",
    "scikit-image",
    "scikit-learn",
    "scipy",
    "skops",
    "tensorflow",
    "tensorflow-cpu",
)


class Stopwatch:
    """Time, processor time and memory of a `with` block, this process and its children together.

    >>> with Stopwatch() as watch:
    ...     total = sum(range(1000))
    >>> watch.seconds >= 0
    True

    Attributes, complete once the block has ended:
        started, ended: moments in UTC.
        seconds: wall time.
        cpu_seconds: user and system time.
        peak_memory_bytes: the most resident memory that was seen, sampled ten times a second (memory that processes
            share counts once for each). The operating system's own peak would be that of the whole process life,
            so the second seed of a candidate would inherit the first one's.
        energy_joules: of the processor packages, all that ran on them; None where no counter may be read.
    """

    def __enter__(self) -> Stopwatch:
        self._process = psutil.Process()
        self._done = threading.Event()
        self.peak_memory_bytes = 0
        self.started = datetime.now(UTC)
        self._counters = read_counters()
        self._begun, self._cpu_begun = time.perf_counter(), _cpu_seconds(self._process)
        self._look()
        self._sampler = threading.Thread(target=self._sample, name="stopwatch", daemon=True)
        self._sampler.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._measure()
        self._done.set()
        self._sampler.join()
        self._look()

    def so_far(self) -> dict[str, Any]:
        """`cost`, inside the block."""
        self._measure()
        return self.cost()

    def cost(self) -> dict[str, Any]:
        """The entries of cost.json that any trial has."""
        return {
            "started": self.started.isoformat(),
            "ended": self.ended.isoformat(),
            "cpu_seconds": self.cpu_seconds,
            "peak_memory_bytes": self.peak_memory_bytes,
            "energy_joules": self.energy_joules,
        }

    def _measure(self) -> None:
        self.seconds = time.perf_counter() - self._begun
        self.cpu_seconds = max(0.0, _cpu_seconds(self._process) - self._cpu_begun)
        self.energy_joules = self._counters.joules_until(read_counters())
        self.ended = datetime.now(UTC)

    def _sample(self) -> None:
        while not self._done.wait(SAMPLED_EVERY):
            self._look()

    def _look(self) -> None:
        resident = 0
        for process in _family(self._process):
            with suppress(psutil.Error):
                resident += process.memory_info().rss
        self.peak_memory_bytes = max(self.peak_memory_bytes, resident)


def together(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    """The cost of work that went on in a second process, from the costs of its two parts.

    Where there was no first part it is that of the second alone. Energy is known where it is known of both.
    """
    if not earlier:
        return dict(later)
    joules = [part["energy_joules"] for part in (earlier, later)]
    return {
        "started": earlier["started"],
        "ended": later["ended"],
        "cpu_seconds": earlier["cpu_seconds"] + later["cpu_seconds"],
        "peak_memory_bytes": max(earlier["peak_memory_bytes"], later["peak_memory_bytes"]),
        "energy_joules": None if None in joules else sum(joules),
    }


def circumstances() -> dict[str, Any]:
    """Machine, versions and code of this run, as cost.json tells them: host, versions, commit, dirty."""
    return {"host": _host(), "versions": _versions(), **_code()}


def _family(process: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.Error):
        return [process, *process.children(recursive=True)]
    return [process]


def _cpu_seconds(process: psutil.Process) -> float:
    """Of a process, of its children that have ended, and of those that still run."""
    ended = process.cpu_times()
    total = ended.user + ended.system + getattr(ended, "children_user", 0.0) + getattr(ended, "children_system", 0.0)
    for child in _family(process)[1:]:
        with suppress(psutil.Error):
            times = child.cpu_times()
            total += times.user + times.system
    return float(total)


def _host() -> dict[str, Any]:
    return {
        "system": platform.system(),
        "machine": platform.machine(),
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
    }


def _cpu_model() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            versions[package] = metadata.version(package)
    return versions


def _code() -> dict[str, Any]:
    """The commit that is checked out, and whether the working tree differs from it; null outside a git checkout."""
    commit = _git("rev-parse", "HEAD")
    return {"commit": commit, "dirty": commit is None or bool(_git("status", "--porcelain"))}


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
