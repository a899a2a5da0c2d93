"""What `fanout --dry-run` prints: the plan, and how long it would take on 1, 2, 4, 8 and 16 nodes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace

import psutil

from pipeline.operations.planning.plan import RESTORED
from pipeline.operations.planning.words import duration, size
from pipeline.operations.scaling.simulation import alike, simulated_seconds
from pipeline.operations.scaling.tasks import Division, Resources

NUMBERS = (1, 2, 4, 8, 16)


def run_seconds(division: Division, nodes: Mapping[str, Resources]) -> float:
    """All of a run: what is done here before, the tasks on these nodes, and what is done here after them.

    Raises:
        ValueError: a stage asks for more than any of the nodes has.
    """
    restored = RESTORED * len(division.tasks)
    return division.seconds_before + simulated_seconds(division.tasks, nodes) + restored + division.seconds_after


def this_machine(division: Division) -> Resources:
    """A node like this one; its graphics cards are unknown, so that it has as many as a stage asks for at most."""
    gpus = max((task.resources.gpus for task in division.tasks), default=0.0)
    return Resources(float(os.cpu_count() or 1), gpus, float(psutil.virtual_memory().total))


def dry_run_lines(division: Division, at_once: int | None, node: Resources) -> Iterator[str]:
    """
    Args:
        at_once: how many stages run at the same time in all, whatever they ask for; None: on each node as many as have
            room.
        node: what each node has.
    """
    yield from _of_parts(division)
    if not division.tasks:
        return
    if at_once is not None:
        units = replace(division, tasks=[replace(task, resources=Resources(1.0)) for task in division.tasks])
        seconds = run_seconds(units, alike(1, Resources(float(at_once))))
        yield f"{at_once} stage{'s' if at_once > 1 else ''} at a time  about {duration(seconds)}"
        yield "(at this machine's speed; a stage takes as long as if it ran alone)"
        return
    for number in NUMBERS:
        try:
            seconds = run_seconds(division, alike(number, node))
        except ValueError as error:
            yield f"{error}: a node like this one has {node.cpus:g} processors and {size(node.memory)} of memory"
            return
        yield f"{number:>2} node{'s' if number > 1 else ' '}  about {duration(seconds)}"
    room = f"{node.cpus:g} processors and {size(node.memory)} of memory"
    yield f"(nodes of this machine's speed, each with {room}; a stage takes as long as if it ran alone)"


def _of_parts(division: Division) -> Iterator[str]:
    if division.before:
        yield f"here, before: {', '.join(division.before)} ({duration(division.seconds_before)})"
    for task in division.tasks:
        needs = task.resources
        gpus = f", {needs.gpus:g} cards" if needs.gpus else ""
        yield (
            f"on a node: {task.name} ({duration(task.seconds)}; {needs.cpus:g} processors{gpus}, {size(needs.memory)})"
        )
    if division.after:
        yield f"here, after: {', '.join(division.after)} ({duration(division.seconds_after)})"
