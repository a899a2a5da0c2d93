"""Figures of the report about robustness and calibration, as inline SVG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from pipeline.comparison.report.drawing import (
    COLOURS,
    MARKERS,
    MUTED,
    STYLE,
    WIDTH,
    family_legend,
    new_figure,
    percent_axis,
    to_svg,
)
from pipeline.comparison.tables.measurements import Measured
from pipeline.comparison.verdict.words import percent, short_name
from pipeline.files import read_json
from pipeline.trials import evaluation_folder

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Lines = dict[str, list[float]]  # candidate → values


def property_figures(measured: Sequence[Measured], best: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """What there is to draw, by the table that it stands beneath: {"svg", "caption"} each.

    Args:
        best: the candidates whose reliability is drawn.
    """
    altered = [one for one in measured if "robustness" in one.metrics and not one.is_floor]
    drawn = {
        "robustness": [_shifts(altered), _corruptions(altered)] if altered else [],
        "calibration": [_reliability([one for one in measured if one.name in best])],
        "explanations": [_patches([one for one in measured if one.name in best])],
    }
    return {
        group: [{"svg": Markup(one[0]), "caption": one[1]} for one in found if one] for group, found in drawn.items()
    }


def _shifts(measured: Sequence[Measured]) -> tuple[str, str] | None:
    """Consistency over the pixels of a shift."""
    from matplotlib import rc_context

    pixels = _strengths(measured[0].metrics["robustness"]["consistency"], "shift")
    if not pixels:
        return None
    lines = {
        one.name: [1.0, *(one.metrics["robustness"]["consistency"][f"shift_{pixel}"] for pixel in pixels)]
        for one in measured
    }
    with rc_context(STYLE):
        figure, axes = new_figure(2.9)
        _draw(axes, measured, lines, [0, *pixels])
        axes.set_xscale("symlog", base=2, linthresh=1)
        axes.set_xticks([0, *pixels], [str(pixel) for pixel in (0, *pixels)])
        axes.set_xlabel("shifted by pixels")
        axes.set_ylabel("same answer")
        percent_axis(axes, "y")
        family_legend(figure, [one.candidate.family for one in measured])
        told = _told(measured, lines)
        svg = to_svg(figure, f"How often the answer stays the same when photos are shifted, by family: {told}.")
    return svg, (
        "Test photos shifted left, right, up or down; what leaves on one side comes in on the other. The share that is "
        "still given the same class, right or wrong. Bold: mean of a family; thin: each candidate."
    )


def _corruptions(measured: Sequence[Measured]) -> tuple[str, str] | None:
    """Accuracy over the severities of each corruption."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    found = {one.name: one.metrics["robustness"] for one in measured}
    kinds = _kinds(found[measured[0].name]["accuracy"])
    if not kinds:
        return None
    with rc_context(STYLE):
        rows = -(-len(kinds) // 2)
        figure = Figure(figsize=(WIDTH, 2.1 * rows + 0.5), layout="constrained")
        panels = np.atleast_1d(figure.subplots(rows, min(2, len(kinds)), sharey=True)).ravel()
        told = []
        for axes, kind in zip(panels, kinds, strict=False):
            severities = _strengths(found[measured[0].name]["accuracy"], kind)
            lines = {
                name: [one["clean_accuracy"], *(one["accuracy"][f"{kind}_{severity}"] for severity in severities)]
                for name, one in found.items()
            }
            _draw(axes, measured, lines, [0, *severities])
            axes.set_xticks([0, *severities])
            axes.set_title(kind.replace("_", " "), fontsize=9.5)
            axes.set_ylim(bottom=0)
            percent_axis(axes, "y")
            told.append(f"{kind.replace('_', ' ')}: {_told(measured, lines)}")
        for axes in panels[len(kinds) :]:
            axes.set_visible(False)
        figure.supxlabel("severity; 0 is the photo as it is", fontsize=9.5)
        family_legend(figure, [one.candidate.family for one in measured])
        svg = to_svg(figure, f"Accuracy on corrupted photos. At the strongest, {'; '.join(told)}.")
    return svg, (
        "Accuracy on corrupted test photos, in the manner of ImageNet-C. Bold: mean of a family; thin: each candidate. "
        "All candidates saw the very same pixels."
    )


def _reliability(measured: Sequence[Measured]) -> tuple[str, str] | None:
    """Accuracy over confidence, before and after temperature scaling, a panel a candidate."""
    from matplotlib import rc_context

    found = _written(measured, "reliability.json")
    if not found:
        return None
    with rc_context(STYLE):
        figure, panels = _panels([one for one, _ in found], "right", "how sure it says it is")
        for axes, (one, curves) in zip(panels, found, strict=True):
            axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (2, 2)))
            look = {"color": COLOURS[one.candidate.family], "linewidth": 1.3, "markersize": 4}
            _curve(axes, curves["before"], marker="o", markerfacecolor="white", linestyle=(0, (3, 2)), **look)
            _curve(axes, curves["after"], marker="o", **look)
            axes.set_aspect("equal")
        told = "; ".join(_told_reliability(one, curves) for one, curves in found)
        svg = to_svg(figure, f"Reliability on the test examples. {told}.")
    return svg, (
        "The best of each family, all its seeds: how often it is right, by how sure it says it is. Open and dashed: as "
        "it comes; filled: scaled. Beneath the diagonal it is too sure of itself."
    )


def _patches(measured: Sequence[Measured]) -> tuple[str, str] | None:
    """Confidence over the share of patches that were taken away or shown, by occlusion and by chance."""
    from matplotlib import rc_context

    found = [(one, written["curves"]) for one, written in _written(measured, "explanations.json")]
    if not found:
        return None
    with rc_context(STYLE):
        figure, panels = _panels([one for one, _ in found], "confidence", "patches taken away, or shown")
        for axes, (one, curves) in zip(panels, found, strict=True):
            colour = COLOURS[one.candidate.family]
            for kind, face in (("deletion", colour), ("insertion", "white")):
                places = np.linspace(0, 1, len(curves[f"chance_{kind}"]))
                axes.plot(places, curves[f"chance_{kind}"], color=MUTED, linewidth=1, linestyle=(0, (2, 2)))
                look: dict[str, Any] = {"marker": "o", "markersize": 4, "markerfacecolor": face, "linewidth": 1.3}
                axes.plot(places, curves[f"occlusion_{kind}"], color=colour, **look)
        told = "; ".join(
            f"{short_name(one.name, one.candidate.family)} keeps {percent(curves['occlusion_deletion'][1])} after the "
            f"first step of deletion, {percent(curves['chance_deletion'][1])} by chance"
            for one, curves in found
        )
        svg = to_svg(figure, f"Deletion and insertion of patches. {told}.")
    return svg, (
        "The best of each family: confidence in its answer, as a share of that in the whole photo, while the patches "
        "that it hangs on most are taken away (filled) or shown (open) first; dashed: in a random order."
    )


def _written(measured: Sequence[Measured], file: str) -> list[tuple[Measured, dict[str, Any]]]:
    """What the figures' folder of each holds; those without such a file are left out."""
    paths = [(one, evaluation_folder(one.name) / "figures" / file) for one in measured]
    return [(one, read_json(path)) for one, path in paths if path.is_file()]


def _panels(measured: Sequence[Measured], upwards: str, across: str) -> tuple[Figure, Sequence[Axes]]:
    """A panel a candidate, side by side, of shares over shares."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, 2.5), layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, len(measured), sharey=True))
    for axes, one in zip(panels, measured, strict=True):
        axes.set_title(short_name(one.name, one.candidate.family).replace(" · ", "\n"), fontsize=9)
        percent_axis(axes, "y")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value * 100:.0f} %")
    panels[0].set_ylabel(upwards)
    figure.supxlabel(across, fontsize=9.5)
    return figure, list(panels)


def _curve(axes: Axes, bins: Sequence[dict[str, Any]], **look: Any) -> None:
    axes.plot([one["confidence"] for one in bins], [one["accuracy"] for one in bins], **look)


def _told_reliability(one: Measured, curves: dict[str, Any]) -> str:
    sure, right = (_weighted(curves["before"], key) for key in ("confidence", "accuracy"))
    scaled = _weighted(curves["after"], "confidence")
    name = short_name(one.name, one.candidate.family)
    return f"{name}: {percent(sure)} sure, {percent(right)} right; scaled {percent(scaled)} sure"


def _weighted(bins: Sequence[dict[str, Any]], key: str) -> float:
    return float(np.average([one[key] for one in bins], weights=[one["count"] for one in bins]))


def _draw(axes: Axes, measured: Sequence[Measured], lines: Lines, places: Sequence[int]) -> None:
    for one in measured:
        axes.plot(places, lines[one.name], color=COLOURS[one.candidate.family], linewidth=0.7, alpha=0.4)
    for family, mean in _means(measured, lines).items():
        colour = COLOURS[family]
        axes.plot(places, mean, color=colour, linewidth=2, marker=MARKERS[family], markersize=5, zorder=3)


def _means(measured: Sequence[Measured], lines: Lines) -> dict[str, list[float]]:
    members: dict[str, list[list[float]]] = {}
    for one in measured:
        members.setdefault(one.candidate.family, []).append(lines[one.name])
    return {family: list(np.mean(values, axis=0)) for family, values in members.items()}


def _told(measured: Sequence[Measured], lines: Lines) -> str:
    return ", ".join(f"{family} {percent(mean[-1])}" for family, mean in _means(measured, lines).items())


def _strengths(found: dict[str, float], kind: str) -> list[int]:
    """Of `<kind>_<strength>`, ascending."""
    names = [name.rpartition("_") for name in found]
    return sorted(int(strength) for one, _, strength in names if one == kind and strength.isdigit())


def _kinds(found: dict[str, float]) -> list[str]:
    kinds = [name.rpartition("_")[0] for name in found if not name.startswith(("shift_", "mirror"))]
    return list(dict.fromkeys(kinds))
