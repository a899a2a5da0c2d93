"""How far predicted numbers are off on photos that were shifted or corrupted, drawn over the strength of the change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from pipeline.comparison.report.drawing import STYLE, Picture, family_legend, new_figure, to_svg, write_ticks
from pipeline.comparison.report.examples.robustness_plots import draw_lines, family_means, kinds_of, strengths_of
from pipeline.comparison.tables.measurements import Measured
from pipeline.formats import number

SHIFTS = (
    "Test photos shifted left, right, up or down; what leaves on one side comes in on the other. By how much the "
    "predicted number changes, on average. Bold: mean of a family; thin: each candidate."
)
CORRUPTIONS = (
    "Mean absolute error on corrupted test photos, in the manner of ImageNet-C: the mean over all corruptions of each "
    "severity. Bold: mean of a family; thin: each candidate. All candidates saw the very same pixels."
)


def number_robustness_pictures(measured: Sequence[Measured]) -> list[Picture]:
    """Of the candidates whose robustness was measured; the floor is left out."""
    altered = [one for one in measured if "robustness" in one.metrics and not one.is_floor]
    if not altered:
        return []
    results = {one.name: one.metrics["robustness"] for one in altered}
    first = results[altered[0].name]
    pictures = []
    if pixels := strengths_of(first["change"], "shift"):
        lines = {name: [0.0, *(one["change"][f"shift_{pixel}"] for pixel in pixels)] for name, one in results.items()}
        pictures.append(_picture(altered, lines, [0, *pixels], "shifted by pixels", "mean change", SHIFTS))
    if kinds := kinds_of(first["mae"]):
        severities = strengths_of(first["mae"], kinds[0])
        lines = {name: [one["clean_mae"], *_by_severity(one, kinds, severities)] for name, one in results.items()}
        across = "severity; 0 is the photo as it is"
        pictures.append(_picture(altered, lines, [0, *severities], across, "mean absolute error", CORRUPTIONS))
    return pictures


def _by_severity(result: Mapping[str, Any], kinds: Sequence[str], severities: Sequence[int]) -> list[float]:
    return [sum(result["mae"][f"{kind}_{severity}"] for kind in kinds) / len(kinds) for severity in severities]


def _picture(
    measured: Sequence[Measured],
    lines: dict[str, list[float]],
    places: Sequence[int],
    across: str,
    upwards: str,
    caption: str,
) -> Picture:
    from matplotlib import rc_context

    with rc_context(STYLE):
        figure, axes = new_figure(2.9)
        draw_lines(axes, measured, lines, places)
        axes.set_xticks(places, [str(place) for place in places])
        axes.set(xlabel=across, ylabel=upwards)
        axes.set_ylim(bottom=0)
        write_ticks(axes, "y", number)
        family_legend(figure, [one.candidate.family for one in measured])
        ends = ", ".join(f"{family} {number(mean[-1])}" for family, mean in family_means(measured, lines).items())
        svg = to_svg(figure, f"{upwards.capitalize()}, by family; at the strongest change: {ends}.")
    return Picture(Markup(svg), caption)
