"""How near a run on several machines comes to its own schedule, and what each stage costs the driver.

    python -m benchmarks.scaling                                            # 1, 2, 4 and 8 places, in two minutes
    python -m benchmarks.scaling --places 1 2 --results benchmarks/results/scaling.json

The driver, the schedule and Ray are real; a stage is a sleep of known length, so that it needs no processor and as many
can run at the same time as there are places. The grid is that of params.yaml, shrunk: each training is followed by its
evaluation, trainings differ by a factor of six, and stages of a backbone belong together. Reported are

- the share of the ideal: seconds of the schedule played through without any overhead, over seconds measured
- the overhead: place seconds beyond the ideal, by stages
- the driver's own processor seconds, by stages

A stage costs more than this on its node, where a commit is checked out, inputs are pulled and outs pushed.
"""

from __future__ import annotations

import argparse
import os
import socket
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import chdir
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.record import record
from pipeline.operations.planning.due import Inputs
from pipeline.operations.scaling.driver import Driver, order_maker
from pipeline.operations.scaling.orders import Order
from pipeline.operations.scaling.ray_launcher import RayLauncher
from pipeline.operations.scaling.simulation import alike, simulated_seconds
from pipeline.operations.scaling.tasks import Resources, Task
from pipeline.operations.scaling.watching import Watcher
from pipeline.params.upkeep.scale import Scale

PLACES = (1, 2, 4, 8)
BACKBONES, STRATEGIES = 4, 4
TRAINING = (0.5, 1.0, 2.0, 3.0)  # seconds of a training, by strategy
EVALUATION = 0.5  # seconds
HEADINGS = "places  stages  ideal s  measured s  share of ideal  overhead s/stage  driver's processor s/stage"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--places", type=int, nargs="+", default=PLACES, metavar="N", help="stages at the same time")
    parser.add_argument("--results", type=Path, help="where to write them as JSON")
    options = parser.parse_args()
    print(HEADINGS)
    rows = [measure(places) for places in options.places]
    if options.results:
        record(options.results, {"cores": os.cpu_count(), "load": os.getloadavg()[0], "rows": rows})


def measure(places: int, tasks: Sequence[Task] | None = None) -> dict[str, Any]:
    """One run on a cluster of its own; Ray's workers are started before the clock is."""
    grid = tasks or grid_of_sleeps()
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        launcher = RayLauncher(b"", at_once=places, run_stage=sleep)
        try:
            _drive(launcher, [Task(f"warm-{number}", 0.2, Resources(1.0)) for number in range(places)])
            begun, worked = time.monotonic(), time.process_time()
            _drive(launcher, grid)
            seconds, worked = time.monotonic() - begun, time.process_time() - worked
        finally:
            launcher.stop()
    ideal = simulated_seconds(grid, alike(1, Resources(float(places))))
    row = {
        "places": places,
        "stages": len(grid),
        "ideal_seconds": ideal,
        "measured_seconds": seconds,
        "share_of_ideal": ideal / seconds,
        "overhead_seconds": (seconds - ideal) * places / len(grid),
        "driver_processor_seconds": worked / len(grid),
    }
    print(
        "  ".join(f"{value:>9.3f}" if isinstance(value, float) else f"{value:>6}" for value in row.values()), flush=True
    )
    return row


def grid_of_sleeps() -> list[Task]:
    """A training and its evaluation for each backbone and strategy."""
    tasks = []
    for backbone in range(BACKBONES):
        for strategy in range(STRATEGIES):
            name, shared = f"finetune@{backbone}-{strategy}", f"backbone-{backbone}"
            tasks.append(Task(name, TRAINING[strategy], Resources(1.0), Inputs(), shared))
            tasks.append(Task(f"evaluate-{name}", EVALUATION, Resources(1.0), Inputs((name,)), shared))
    return tasks


def sleep(order: dict[str, Any], archive: bytes) -> dict[str, Any]:
    """In place of a stage: the seconds stand in the order."""
    seconds = float(order["environment"]["SECONDS"])
    time.sleep(seconds)
    return {
        "stage": order["stage"],
        "state": "done",
        "host": socket.gethostname(),
        "seconds": seconds,
        "lock": {"cmd": order["stage"]},
    }


def _drive(launcher: RayLauncher, tasks: Sequence[Task]) -> None:
    make = order_maker(Path(), "none", Scale(), server=None)

    def with_seconds(task: Task, lock: Mapping[str, Any]) -> Order:
        return replace(make(task, lock), environment={"SECONDS": str(task.seconds)})

    quiet = Console(quiet=True)
    finished = Driver(tasks, launcher, with_seconds, {}, 0, Watcher(tasks, quiet)).run()
    if finished.failed:
        raise SystemExit(f"the benchmark itself failed: {finished.failed}")


if __name__ == "__main__":
    main()
