"""How candidates hold on photos that were shifted or corrupted, drawn over the strength of the change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from pipeline.comparison.report.drawing import (
    STYLE,
    WIDTH,
    Picture,
    colour_of,
    family_legend,
    new_figure,
    percent_axis,
    to_svg,
)
from pipeline.comparison.tables.measurements import Measured
from pipeline.formats import percent
from pipeline.params.schema.families import family_named

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Lines = dict[str, list[float]]  # candidate → values

SHIFTS = (
    "Test photos shifted left, right, up or down; what leaves on one side comes in on the other. The share that is "
    "still given the same class, right or wrong. Bold: mean of a family; thin: each candidate."
)
CORRUPTIONS = (
    "Accuracy on corrupted test photos, in the manner of ImageNet-C. Bold: mean of a family; thin: each candidate. "
    "All candidates saw the very same pixels."
)


def robustness_pictures(measured: Sequence[Measured]) -> list[Picture]:
    """Of the candidates whose robustness was measured; the floor is left out."""
    altered = [one for one in measured if "robustness" in one.metrics and not one.is_floor]
    if not altered:
        return []
    results = {one.name: one.metrics["robustness"] for one in altered}
    return [*_shifts(altered, results), *_corruptions(altered, results)]


def _shifts(measured: Sequence[Measured], results: Mapping[str, Any]) -> list[Picture]:
    """Consistency over the pixels of a shift."""
    from matplotlib import rc_context

    pixels = strengths_of(results[measured[0].name]["consistency"], "shift")
    if not pixels:
        return []
    lines = {name: [1.0, *(one["consistency"][f"shift_{pixel}"] for pixel in pixels)] for name, one in results.items()}
    with rc_context(STYLE):
        figure, axes = new_figure(2.9)
        draw_lines(axes, measured, lines, [0, *pixels])
        axes.set_xscale("symlog", base=2, linthresh=1)
        axes.set_xticks([0, *pixels], [str(pixel) for pixel in (0, *pixels)])
        axes.set_xlabel("shifted by pixels")
        axes.set_ylabel("same answer")
        percent_axis(axes, "y")
        family_legend(figure, [one.candidate.family for one in measured])
        ends = _ends(measured, lines)
        svg = to_svg(figure, f"How often the answer stays the same when photos are shifted, by family: {ends}.")
    return [Picture(Markup(svg), SHIFTS)]


def _corruptions(measured: Sequence[Measured], results: Mapping[str, Any]) -> list[Picture]:
    """Accuracy over the severities of each corruption."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    kinds = kinds_of(results[measured[0].name]["accuracy"])
    if not kinds:
        return []
    with rc_context(STYLE):
        rows = -(-len(kinds) // 2)
        figure = Figure(figsize=(WIDTH, 2.1 * rows + 0.5), layout="constrained")
        panels = np.atleast_1d(figure.subplots(rows, min(2, len(kinds)), sharey=True)).ravel()
        ends = [_corruption(axes, measured, results, kind) for axes, kind in zip(panels, kinds, strict=False)]
        for axes in panels[len(kinds) :]:
            axes.set_visible(False)
        figure.supxlabel("severity; 0 is the photo as it is", fontsize=9.5)
        family_legend(figure, [one.candidate.family for one in measured])
        svg = to_svg(figure, f"Accuracy on corrupted photos. At the strongest, {'; '.join(ends)}.")
    return [Picture(Markup(svg), CORRUPTIONS)]


def _corruption(axes: Axes, measured: Sequence[Measured], results: Mapping[str, Any], kind: str) -> str:
    """One panel; what it shows at the strongest, in words."""
    severities = strengths_of(results[measured[0].name]["accuracy"], kind)
    lines = {
        name: [one["clean_accuracy"], *(one["accuracy"][f"{kind}_{severity}"] for severity in severities)]
        for name, one in results.items()
    }
    draw_lines(axes, measured, lines, [0, *severities])
    axes.set_xticks([0, *severities])
    axes.set_title(kind.replace("_", " "), fontsize=9.5)
    axes.set_ylim(bottom=0)
    percent_axis(axes, "y")
    return f"{kind.replace('_', ' ')}: {_ends(measured, lines)}"


def draw_lines(axes: Axes, measured: Sequence[Measured], lines: Lines, places: Sequence[int]) -> None:
    for one in measured:
        axes.plot(places, lines[one.name], color=colour_of(one.candidate.family), linewidth=0.7, alpha=0.4)
    for family, mean in family_means(measured, lines).items():
        shape: dict[str, Any] = {"marker": family_named(family).marker, "markersize": 5}
        axes.plot(places, mean, color=colour_of(family), linewidth=2, zorder=3, **shape)


def family_means(measured: Sequence[Measured], lines: Lines) -> dict[str, list[float]]:
    members: dict[str, list[list[float]]] = {}
    for one in measured:
        members.setdefault(one.candidate.family, []).append(lines[one.name])
    return {family: list(np.mean(values, axis=0)) for family, values in members.items()}


def _ends(measured: Sequence[Measured], lines: Lines) -> str:
    return ", ".join(f"{family} {percent(mean[-1])}" for family, mean in family_means(measured, lines).items())


def strengths_of(measures: Mapping[str, float], kind: str) -> list[int]:
    """Of `<kind>_<strength>`, ascending."""
    names = [name.rpartition("_") for name in measures]
    return sorted(int(strength) for one, _, strength in names if one == kind and strength.isdigit())


def kinds_of(measures: Mapping[str, float]) -> list[str]:
    kinds = [name.rpartition("_")[0] for name in measures if not name.startswith(("shift_", "mirror"))]
    return list(dict.fromkeys(kinds))
