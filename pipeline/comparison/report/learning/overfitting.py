"""Who overfits, and by how much: the gap of every candidate, and where its validation loss turned."""

from __future__ import annotations

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
from pipeline.comparison.tables.measurements import Measured
from pipeline.comparison.verdict.facts import Facts
from pipeline.comparison.verdict.overfitting import MATERIAL_GAP, fit_rules, onset_epochs, onset_text
from pipeline.formats import level


def section(material: Material) -> Section:
    facts = material.facts
    caption = f"{facts.words.gap_made_of}, smallest first, with {level(facts.confidence)} intervals."
    data = {
        "ranking": material.ranking,
        "picture": Picture(Markup(gap_plot(facts)), caption),
        "onsets": {one.name: onset_of(one) for one in material.measured},
        "rules": fit_rules(facts.words.difference(MATERIAL_GAP * facts.unit)),
    }
    return Section("overfitting", "Overfitting", "learning", data)


def onset_of(one: Measured) -> str:
    """The epochs after which validation loss no longer fell."""
    return onset_text(onset_epochs(one.history), int(one.history["epoch"].max()))


def gap_plot(facts: Facts) -> str:
    """The gap of every candidate with its interval, smallest on top."""
    from matplotlib import rc_context

    ordered = sorted(facts.rows.values(), key=lambda row: (row["gap"], row["candidate"]))
    words, furthest = facts.words, max(row["gap_high"] for row in ordered)
    unit = 1.0 if not facts.score.relative else furthest - min(row["gap_low"] for row in ordered)
    with rc_context(STYLE):
        figure, axes = new_figure(0.235 * len(ordered) + 1.0)
        for place, row in enumerate(ordered):
            draw_interval(axes, place, row["gap"], row["gap_low"], row["gap_high"], row)
            place_of_word = row["gap_high"] + 0.012 * unit
            axes.text(place_of_word, place, facts.fits[row["candidate"]], va="center", fontsize=8, color=MUTED)
        axes.axvline(0, color=MUTED, linewidth=1)
        axes.set_xlim(right=furthest + 0.14 * unit)
        name_rows(axes, [name_in_figure(row) for row in ordered])
        write_ticks(axes, "x", words.gap_tick)
        axes.set_xlabel(words.gap_axis)
        family_legend(figure, [row["family"] for row in ordered])
        least, most = (f"{row['candidate']} ({words.difference(row['gap'])})" for row in (ordered[0], ordered[-1]))
        what = f"Gap between training and test {words.title} of each candidate with its interval"
        return to_svg(figure, f"{what}, from {least} to {most}.")
