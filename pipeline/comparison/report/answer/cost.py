"""What candidates cost to train, to run and to tune."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from pipeline.comparison.report.answer.tuning import settings_tried, tuning_budgets
from pipeline.comparison.report.drawing import (
    MUTED,
    STYLE,
    Picture,
    family_legend,
    marker,
    new_figure,
    number_points,
    to_svg,
    write_ticks,
)
from pipeline.comparison.report.material import Material
from pipeline.comparison.report.section import Section
from pipeline.comparison.tables.frames import Row
from pipeline.comparison.tables.measurements import Measured
from pipeline.comparison.verdict.facts import Facts
from pipeline.comparison.verdict.words import capitalised

CAPTION = (
    "Numbers are ranks. Filled and joined by the dashed line: no other candidate is both cheaper and better "
    "(Pareto front)."
)


def section(material: Material) -> Section:
    front = pareto_front(material.attempts, material.facts)
    data = {
        "ranking": material.ranking,
        "front": front,
        "picture": Picture(Markup(cost_plot(material.attempts, front, material.facts)), CAPTION),
        "costs": {one.name: describe_cost(one, material) for one in material.measured},
        "energy_is_known": any(mean_cost(one, "energy_joules") is not None for one in material.measured),
        "budgets": tuning_budgets(material),
    }
    return Section("cost", "Cost and tuning", "answer", data)


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


def pareto_front(rows: Sequence[Row], facts: Facts) -> list[str]:
    """Candidates than which none is both at least as good and at least as cheap, and better in one of the two."""
    places = {row["candidate"]: (row["cost_seconds"], -facts.score.sign * row[facts.column]) for row in rows}
    return [
        name
        for name, (cost, worse) in places.items()
        if not any(other[0] <= cost and other[1] <= worse and other != (cost, worse) for other in places.values())
    ]


def cost_plot(rows: Sequence[Row], front: Sequence[str], facts: Facts) -> str:
    """The score against the seconds that training one seed takes; the Pareto front is drawn as a line."""
    from matplotlib import rc_context

    words = facts.words
    with rc_context(STYLE):
        figure, axes = new_figure(4.0)
        leading = sorted((row for row in rows if row["candidate"] in front), key=lambda row: row["cost_seconds"])
        steps = [(row["cost_seconds"], row[facts.column]) for row in leading]
        axes.step(*zip(*steps, strict=True), where="post", color=MUTED, linewidth=1, linestyle=(0, (2, 2)), zorder=1)
        places = [(row["cost_seconds"], row[facts.column]) for row in rows]
        for row, place in zip(rows, places, strict=True):
            axes.plot(*place, zorder=3, **marker(row["family"], filled=row["candidate"] in front, size=7))
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.set_xlabel("seconds to train one seed, each step ten times as long")
        axes.set_ylabel(words.name)
        write_ticks(axes, "y", words.tick)
        family_legend(figure, [row["family"] for row in rows])
        number_points(figure, axes, places, [str(row["rank"]) for row in rows])
        names = ", ".join(row["candidate"] for row in leading)
        title = f"{capitalised(words.name)} against training cost."
        return to_svg(figure, f"{title} On the Pareto front, cheapest first: {names}.")
