"""What an ensemble costs: the sums of what its members' models cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.comparison.tables.measurements import Measured

SUMMED = ("cost_seconds", "cpu_seconds", "energy_joules")
LARGEST = ("peak_memory_bytes",)  # models may be trained one after another
LATENCIES = ("latency_ms_per_image", "latency_ms_per_image_in_batches")
SIZES = ("model_bytes", "parameters", "trainable_parameters", "flops_per_image")


def costs_of(members: Sequence[Measured], seeds: Sequence[int], repeated: int) -> dict[str, Any]:
    """As results/<candidate>/cost.json has them, by seed.

    Args:
        repeated: how many models of each member answer: all seeds of one, or one seed of each.
    """
    each = [[one.cost["seeds"][str(seed)] for one in members] for seed in seeds]
    if repeated > 1:  # one model made of all seeds, so the cost is the same whatever the seed
        each = [[entry for of_seed in each for entry in of_seed]] * len(seeds)
    return {"seeds": {str(seed): _added(entries) for seed, entries in zip(seeds, each, strict=True)}}


def latency_of(members: Sequence[Measured], repeated: int) -> dict[str, Any]:
    """As evaluation/<candidate>/cost.json has it. The sum of the 95th percentiles is more than that of the sum."""
    found = {}
    for key in LATENCIES:
        parts = [one.latency[key] for one in members if key in one.latency]
        if len(parts) == len(members):
            found[key] = {name: repeated * sum(part[name] for part in parts) for name in ("median", "p95")}
    return found


def size_of(members: Sequence[Measured], repeated: int) -> dict[str, Any]:
    """As metrics.json's `size`; None where a member's is not known."""
    sizes = [one.metrics["size"] for one in members]
    return {key: _times(repeated, [size.get(key) for size in sizes]) for key in SIZES}


def _added(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    summed = {key: _times(1, [entry.get(key) for entry in entries]) for key in SUMMED}
    largest = {key: max(known) for key in LARGEST if (known := [entry[key] for entry in entries if entry.get(key)])}
    return {key: value for key, value in summed.items() if value is not None} | largest


def _times(repeated: int, values: Sequence[Any]) -> Any:
    return None if None in values else repeated * sum(values)
