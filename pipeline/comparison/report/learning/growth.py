"""More data: how the studied candidates' score grows with their training examples, and where that leads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from markupsafe import Markup

from pipeline.comparison.report.drawing import (
    INK,
    STYLE,
    Picture,
    colour_of,
    family_legend,
    marker,
    new_figure,
    to_svg,
    write_ticks,
)
from pipeline.comparison.report.material import Material
from pipeline.comparison.report.section import Section
from pipeline.comparison.tables.frames import records
from pipeline.comparison.tables.studies.growth import Growth
from pipeline.comparison.verdict.words import capitalised, short_name
from pipeline.formats import level

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAME_HEIGHT = 0.055  # of a curve's name, as a share of the drawing's height


def section(material: Material) -> Section | None:
    """None where there was no study of data sizes."""
    growth = material.facts.growth
    if growth.leader is None:
        return None
    rows = records(growth.table.sort_values(["fraction", "rank"]))
    caption = (
        "Each studied candidate on shares of the same training examples (a smaller share is part of every larger one), "
        f"with {level(material.facts.confidence)} intervals. Dashed: the power law of its errors, followed to "
        f"{rows[-1]['fraction']:g} times the examples; its interval holds if the law does."
    )
    data = {"rows": rows, "growth": growth, "picture": Picture(Markup(growth_plot(growth)), caption)}
    return Section("growth", "More data", "learning", data)


def growth_plot(growth: Growth) -> str:
    """The score against training examples: measured sizes joined, what the power laws say of more dashed."""
    from matplotlib import rc_context

    with rc_context(STYLE):
        figure, axes = new_figure(3.6)
        for _, rows in growth.table.sort_values("training_examples").groupby("candidate", sort=False):
            _draw_curve(axes, rows, growth.score.column)
        axes.set_xscale("log")
        sizes = sorted(set(growth.table["training_examples"].round()))
        axes.set_xticks(sizes, [f"{size:,.0f}" for size in sizes])
        axes.minorticks_off()
        axes.set_xlabel("training examples of each seed, drawn by their logarithm")
        axes.set_ylabel(growth.score.words.name)
        axes.set_xlim(right=sizes[-1] * (sizes[-1] / sizes[0]) ** 0.42)  # room for the names
        _name_ends(axes, growth.table, growth.score.column)
        write_ticks(axes, "y", growth.score.words.tick)
        family_legend(figure, list(growth.table["family"]))
        ends = [growth.row(str(name), 1.0) for name in growth.at(1.0)["candidate"]]
        words, column = growth.score.words, growth.score.column
        values = ", ".join(f"{row['candidate']} {words.value(row[column])}" for row in ends)
        return to_svg(figure, f"{capitalised(words.name)} by number of training examples. With all of them: {values}.")


def _draw_curve(axes: Axes, rows: pd.DataFrame, column: str) -> None:
    """One candidate."""
    measured, beyond = rows[rows["kind"] == "measured"], rows[rows["kind"] == "extrapolated"]
    family = str(rows["family"].iloc[0])
    colour, sizes = colour_of(family), measured["training_examples"]
    axes.vlines(sizes, measured["low"], measured["high"], color=colour, linewidth=1.6)
    axes.plot(sizes, measured[column], color=colour, linewidth=1.2)
    axes.plot(sizes, measured[column], zorder=3, **marker(family, filled=True))
    if len(beyond):
        onwards = pd.concat([measured.tail(1), beyond])
        place = onwards["training_examples"]
        axes.fill_between(place, onwards["low"], onwards["high"], color=colour, alpha=0.13, linewidth=0)
        axes.plot(place, onwards[column], color=colour, linewidth=1.2, linestyle=(0, (4, 2)))
        axes.plot(beyond["training_examples"], beyond[column], zorder=3, **marker(family, filled=False))


def _name_ends(axes: Axes, table: pd.DataFrame, column: str) -> None:
    """Each curve's name behind its last point, pushed up where it would cover the one below."""
    ends = table.sort_values("training_examples").groupby("candidate").tail(1).sort_values(column)
    bottom, top = axes.get_ylim()
    free = bottom
    for row in records(ends):
        height = max(row[column], free)
        free = height + NAME_HEIGHT * (top - bottom)
        name = short_name(row["candidate"], row["family"])
        axes.text(row["training_examples"] * 1.08, height, name, va="center", fontsize=8.5, color=INK)
