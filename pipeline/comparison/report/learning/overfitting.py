"""Who overfits, and by how much: the two parts of every candidate's gap, and where its validation loss turned."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from pipeline.comparison.report.drawing import (
    MUTED,
    STYLE,
    TEST,
    TRAINING,
    Picture,
    name_in_figure,
    name_rows,
    new_figure,
    to_svg,
    write_ticks,
)
from pipeline.comparison.report.material import Material
from pipeline.comparison.report.section import Section
from pipeline.comparison.tables.frames import Row
from pipeline.comparison.tables.measurements import Measured
from pipeline.comparison.verdict.facts import Facts
from pipeline.comparison.verdict.overfitting import MATERIAL, fit_rules, onset_epochs, onset_text
from pipeline.formats import level
from pipeline.scores.score import Score

PARTS: dict[str, dict[str, Any]] = {
    "overfit": {"color": TRAINING, "marker": "o"},
    "shift": {"color": TEST, "marker": "D"},
}


def section(material: Material) -> Section:
    facts = material.facts
    overfit, shift = (" minus ".join(ends) for ends in part_ends(facts.score).values())
    caption = (
        f"Two parts of the gap with {level(facts.confidence)} intervals, least overfitting first. Circles: {overfit}, "
        f"which is overfitting. Diamonds: {shift}, which is shift: both are new to the candidate, so the test examples "
        "are of another kind. Behind each name stands its fit."
    )
    data = {
        "ordered": _ordered(facts),
        "picture": Picture(Markup(parts_plot(facts)), caption),
        "onsets": {one.name: onset_of(one) for one in material.competing},
        "rules": fit_rules(facts.words.difference(MATERIAL * facts.unit)),
    }
    return Section("overfitting", "Overfitting and shift", "learning", data)


def part_ends(score: Score) -> dict[str, tuple[str, str]]:
    """Of each of PARTS what is taken from what, so that more is worse."""
    ends = {"overfit": ("training", "validation"), "shift": ("validation", "test")}
    return ends if score.sign > 0 else {part: (last, first) for part, (first, last) in ends.items()}


def part_names(score: Score) -> dict[str, str]:
    """As the legend has them."""
    words = {"overfit": "overfitting", "shift": "shift"}
    return {part: f"{words[part]} ({' − '.join(ends)})" for part, ends in part_ends(score).items()}


def _ordered(facts: Facts) -> list[Row]:
    return sorted(facts.rows.values(), key=lambda row: (row["overfit"], row["candidate"]))


def onset_of(one: Measured) -> str:
    """The epochs after which validation loss no longer fell; an ensemble has no epochs of its own."""
    if one.history.empty:
        return onset_text([], 0)
    return onset_text(onset_epochs(one.history), int(one.history["epoch"].max()))


def parts_plot(facts: Facts) -> str:
    """Overfitting and shift of every candidate with their intervals, least overfitting on top."""
    from matplotlib import rc_context
    from matplotlib.lines import Line2D

    ordered, words = _ordered(facts), facts.words
    with rc_context(STYLE):
        figure, axes = new_figure(0.3 * len(ordered) + 1.0)
        for place, row in enumerate(ordered):
            for part, above in (("overfit", -0.16), ("shift", 0.16)):
                ends = [row[f"{part}_low"], row[f"{part}_high"]]
                colour = PARTS[part]["color"]
                axes.plot(ends, [place + above] * 2, color=colour, linewidth=1.6, solid_capstyle="butt", zorder=2)
                axes.plot(row[part], place + above, markersize=5.5, linestyle="none", zorder=3, **PARTS[part])
        axes.axvline(0, color=MUTED, linewidth=1)
        name_rows(axes, [f"{name_in_figure(row)} ({facts.fits[row['candidate']]})" for row in ordered])
        write_ticks(axes, "x", words.gap_tick)
        axes.set_xlabel(f"difference in {words.title}, {words.unit}")
        names = part_names(facts.score)
        handles = [Line2D([], [], label=names[part], linestyle="none", **look) for part, look in PARTS.items()]
        figure.legend(handles=handles, loc="outside upper right", ncols=2, handletextpad=0.2, columnspacing=1.2)
        least, most = (f"{row['candidate']} ({words.difference(row['overfit'])})" for row in (ordered[0], ordered[-1]))
        what = f"Overfitting and shift of each candidate in {words.title}, with intervals"
        return to_svg(figure, f"{what}. Overfitting goes from {least} to {most}.")
