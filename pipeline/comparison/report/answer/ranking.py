"""The ranking: every candidate's score with its interval, drawn and as a table."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from markupsafe import Markup

from pipeline.comparison.report.drawing import (
    MUTED,
    STYLE,
    Picture,
    draw_interval,
    family_legend,
    name_in_figure,
    name_rows,
    new_figure,
    to_svg,
    write_ticks,
)
from pipeline.comparison.report.material import Material
from pipeline.comparison.report.section import Section
from pipeline.comparison.tables.frames import Row, records
from pipeline.comparison.verdict.facts import Facts
from pipeline.comparison.verdict.words import capitalised
from pipeline.formats import level

RELATION_MARKS = {"best": "best", "equivalent": "equivalent", "indistinguishable": "undecided", "worse": ""}
TESTS = {
    "mcnemar": "exact McNemar tests over the test examples alone (Holm over {tested})",
    "permutation": "paired permutation tests over the test examples alone (corrected for the number of pairs, "
    "{tested}, and for having picked the best)",
}


def section(material: Material) -> Section:
    facts = material.facts
    caption = (
        f"Filled markers: not shown to be worse than the best. Lines: {level(facts.confidence)} intervals over test "
        "examples and seeds, each on its own. Two overlapping lines can still be a clear difference, because "
        "differences are taken example by example."
    )
    data = {
        "ranking": material.ranking,
        "picture": Picture(Markup(ranking_plot(facts)), caption),
        **second_opinion(facts.comparison.permutation),
    }
    return Section("ranking", "Ranking", "answer", data)


def second_opinion(permutation: pd.DataFrame) -> dict[str, Any]:
    """The adjusted p-value of each tested pair, the better-ranked first; by which tests."""
    p_values = {(str(row["a"]), str(row["b"])): float(row["p_adjusted"]) for row in records(permutation)}
    tests = TESTS[str(permutation["test"].iloc[0])].format(tested=len(p_values)) if p_values else ""
    return {"permutation": p_values, "tests": tests}


def ranking_plot(facts: Facts) -> str:
    """The score of every candidate with its interval, best on top; filled where it is not shown to be worse."""
    from matplotlib import rc_context

    ranking, words = list(facts.rows.values()), facts.words
    unit, limit = _scale(facts)
    with rc_context(STYLE):
        figure, axes = new_figure(0.235 * len(ranking) + 1.0)
        for place, row in enumerate(ranking):
            draw_interval(axes, place, row[facts.column], row["low"], row["high"], row)
            if mark := RELATION_MARKS[row["relation_to_best"]]:
                axes.text(row["high"] + 0.012 * unit, place, mark, va="center", fontsize=8, color=MUTED)
        floor = facts.comparison.floor.score
        axes.axvline(floor, color=MUTED, linewidth=1, linestyle=(0, (2, 2)))
        axes.text(floor + 0.008 * unit, -0.85, facts.floor.label, fontsize=8, color=MUTED, va="center")
        axes.set_xlim(_start(facts), limit)
        name_rows(axes, [f"{name_in_figure(row)}\u2002{row['rank']}" for row in ranking])
        write_ticks(axes, "x", words.tick)
        axes.set_xlabel(f"{words.name} with {level(facts.confidence)} interval")
        family_legend(figure, [row["family"] for row in ranking])
        return to_svg(figure, _alt_text(ranking, facts))


def _scale(facts: Facts) -> tuple[float, float]:
    """What small distances are shares of, and where the axis ends: a score without a bound sets its own scale."""
    most, bound = max(row["high"] for row in facts.rows.values()), facts.score.bounds[1]
    furthest = max(most, facts.comparison.floor.score)
    if facts.score.sign > 0 and math.isfinite(bound):
        return bound, min(bound, furthest + 0.16 * bound)
    return most, furthest * 1.2


def _start(facts: Facts) -> float:
    """Where the axis begins: at 0, unless the score goes below it."""
    if facts.score.bounds[0] == 0:
        return 0.0
    return min(0.0, facts.comparison.floor.score, *(float(row["low"]) for row in facts.rows.values()))


def _alt_text(ranking: list[Row], facts: Facts) -> str:
    best = f"Best is {ranking[0]['candidate']} with {facts.words.value(ranking[0][facts.column])}."
    what = f"{capitalised(facts.words.name)} of {len(ranking)} candidates with intervals, best first."
    return f"{what} {best} All numbers stand in the table below."
