"""How long a run would take on so many nodes: the schedule of a real run, played through on a clock of its own."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence

from pipeline.operations.scaling.schedule import Schedule
from pipeline.operations.scaling.tasks import Resources, Task


def simulated_seconds(tasks: Sequence[Task], nodes: Mapping[str, Resources]) -> float:
    """From the first start to the last end, where every stage takes as long as expected.

    Raises:
        ValueError: a stage asks for more than any of the nodes has.
    """
    schedule, now = Schedule(tasks), 0.0
    ends: list[tuple[float, str]] = []
    while not schedule.is_over:
        for task, _ in schedule.next_assignments(nodes):
            heapq.heappush(ends, (now + task.seconds, task.name))
        if not ends:
            raise ValueError(f"no node has room for {next(iter(schedule.waiting))}")
        now, name = heapq.heappop(ends)
        schedule.finish(name)
    return now


def alike(number: int, each: Resources) -> dict[str, Resources]:
    """So many nodes that have the same."""
    return {f"node-{position}": each for position in range(1, number + 1)}
