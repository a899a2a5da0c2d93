"""The advised candidate beside the best of each other family: how far probabilities hold, what answers hang on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from pipeline.comparison.report.drawing import MUTED, STYLE, WIDTH, Picture, colour_of, percent_axis, to_svg
from pipeline.comparison.report.examples.photos import figures_folder
from pipeline.comparison.tables.measurements import Measured
from pipeline.comparison.verdict.words import short_name
from pipeline.formats import percent, percent_tick
from pipeline.ground.files import read_json

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RELIABILITY = (
    "The advised candidate and the best of each other family, all seeds: how often it is right, by how sure it says it "
    "is. Open and dashed: as it comes; filled: scaled. Beneath the diagonal it is too sure of itself."
)
PATCHES = (
    "The advised candidate and the best of each other family: confidence in its answer, as a share of that in the "
    "whole photo, while the patches that it hangs on most are taken away (filled) or shown (open) first; dashed: in a "
    "random order."
)
NUMBERS_PATCHES = (
    "The advised candidate and the best of each other family: how close the predicted number stays to that of the "
    "whole photo, 100 % where it is the same, 0 % where it is a standard deviation of the true numbers away, and less "
    "where it is further, while the patches that it hangs on most are taken away (filled) or shown (open) first; "
    "dashed: in a random order."
)
DOTTED = (0, (2, 2))


def reliability_picture(measured: Sequence[Measured]) -> list[Picture]:
    """Accuracy over confidence, before and after temperature scaling, a panel a candidate."""
    from matplotlib import rc_context

    drawn = _contents(measured, "reliability.json")
    if not drawn:
        return []
    with rc_context(STYLE):
        figure, panels = _panels([one for one, _ in drawn], "right", "how sure it says it is")
        for axes, (one, curves) in zip(panels, drawn, strict=True):
            axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=DOTTED)
            look = {"color": colour_of(one.candidate.family), "linewidth": 1.3, "markersize": 4}
            _curve(axes, curves["before"], marker="o", markerfacecolor="white", linestyle=(0, (3, 2)), **look)
            _curve(axes, curves["after"], marker="o", **look)
            axes.set_aspect("equal")
        values = "; ".join(_reliability_text(one, curves) for one, curves in drawn)
        svg = to_svg(figure, f"Reliability on the test examples. {values}.")
    return [Picture(Markup(svg), RELIABILITY)]


def patches_picture(measured: Sequence[Measured], of_classes: bool) -> list[Picture]:
    """What is left of answers over the share of patches that were taken away or shown, by occlusion and by chance."""
    from matplotlib import rc_context

    drawn = [(one, content["curves"]) for one, content in _contents(measured, "explanations.json")]
    if not drawn:
        return []
    with rc_context(STYLE):
        upwards = "confidence" if of_classes else "left of the answer"
        figure, panels = _panels([one for one, _ in drawn], upwards, "patches taken away, or shown")
        for axes, (one, curves) in zip(panels, drawn, strict=True):
            _patch_curves(axes, colour_of(one.candidate.family), curves)
        values = "; ".join(_patches_text(one, curves, of_classes) for one, curves in drawn)
        svg = to_svg(figure, f"Deletion and insertion of patches. {values}.")
    return [Picture(Markup(svg), PATCHES if of_classes else NUMBERS_PATCHES)]


def _contents(measured: Sequence[Measured], file: str) -> list[tuple[Measured, dict[str, Any]]]:
    """The content of that file in the figures' folder of each; those without such a file are left out."""
    paths = [(one, figures_folder(one.name) / file) for one in measured]
    return [(one, read_json(path)) for one, path in paths if path.is_file()]


def _panels(measured: Sequence[Measured], upwards: str, across: str) -> tuple[Figure, Sequence[Axes]]:
    """A panel a candidate, side by side, of shares over shares."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, 2.5), layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, len(measured), sharey=True))
    for axes, one in zip(panels, measured, strict=True):
        axes.set_title(short_name(one.name, one.candidate.family).replace(" · ", "\n"), fontsize=9)
        percent_axis(axes, "y")
        axes.xaxis.set_major_formatter(lambda value, _: percent_tick(value))
    panels[0].set_ylabel(upwards)
    figure.supxlabel(across, fontsize=9.5)
    return figure, list(panels)


def _curve(axes: Axes, bins: Sequence[dict[str, Any]], **look: Any) -> None:
    axes.plot([one["confidence"] for one in bins], [one["accuracy"] for one in bins], **look)


def _patch_curves(axes: Axes, colour: str, curves: Mapping[str, Sequence[float]]) -> None:
    for kind, face in (("deletion", colour), ("insertion", "white")):
        places = np.linspace(0, 1, len(curves[f"chance_{kind}"]))
        axes.plot(places, curves[f"chance_{kind}"], color=MUTED, linewidth=1, linestyle=DOTTED)
        look: dict[str, Any] = {"marker": "o", "markersize": 4, "markerfacecolor": face, "linewidth": 1.3}
        axes.plot(places, curves[f"occlusion_{kind}"], color=colour, **look)


def _reliability_text(one: Measured, curves: Mapping[str, Any]) -> str:
    sure, right = (_weighted(curves["before"], key) for key in ("confidence", "accuracy"))
    scaled = _weighted(curves["after"], "confidence")
    name = short_name(one.name, one.candidate.family)
    return f"{name}: {percent(sure)} sure, {percent(right)} right; scaled {percent(scaled)} sure"


def _patches_text(one: Measured, curves: Mapping[str, Sequence[float]], of_classes: bool) -> str:
    name = short_name(one.name, one.candidate.family)
    left = [curves[f"{order}_deletion"][1] for order in ("occlusion", "chance")]
    if not of_classes:
        changed, by_chance = (f"{1 - share:.2f}" for share in left)
        return f"{name} changes by {changed} standard deviations in the first step of deletion, {by_chance} by chance"
    kept, by_chance = map(percent, left)
    return f"{name} keeps {kept} after the first step of deletion, {by_chance} by chance"


def _weighted(bins: Sequence[dict[str, Any]], key: str) -> float:
    return float(np.average([one[key] for one in bins], weights=[one["count"] for one in bins]))
