"""What candidates cost to train, to run and to tune."""

from __future__ import annotations

from typing import Any

from pipeline.comparison.report.answer.tradeoff import sides
from pipeline.comparison.report.answer.tuning import settings_tried, tuned_candidates, tuning_budgets
from pipeline.comparison.report.material import Material
from pipeline.comparison.report.section import Section
from pipeline.comparison.tables.measurements import Measured


def section(material: Material) -> Section:
    training, _ = sides(material)
    data = {
        "ranking": material.ranking,
        "front": training.front,
        "costs": {one.name: describe_cost(one, material) for one in material.competing},
        "energy_is_known": any(mean_cost(one, "energy_joules") is not None for one in material.measured),
        "budgets": tuning_budgets(material),
        "tuned": tuned_candidates(material),
    }
    return Section("cost", "Cost and tuning", "answer", data, folded=True)


def describe_cost(one: Measured, material: Material) -> dict[str, Any]:
    """What the table shows of a candidate beside its seconds of training; None for what was not measured."""
    return {
        "parameters": one.parameters,
        "megabytes": one.metrics["size"]["model_bytes"] / 1e6,
        "latency": one.latency["latency_ms_per_image"],
        "batched": one.latency.get("latency_ms_per_image_in_batches"),
        "flops": one.metrics["size"].get("flops_per_image"),
        "cpu_seconds": mean_cost(one, "cpu_seconds"),
        "memory": mean_cost(one, "peak_memory_bytes"),
        "energy": mean_cost(one, "energy_joules"),
        "settings_tried": settings_tried(one, material.tuning),
    }


def mean_cost(one: Measured, key: str) -> float | None:
    """Over the seeds, of results/<candidate>/cost.json; None where a seed lacks it."""
    values = [seed.get(key) for seed in one.cost["seeds"].values()]
    return None if None in values else sum(values) / len(values)
