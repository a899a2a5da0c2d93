"""One picture of what was measured of a candidate beside accuracy: each measure that is switched on has its panel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.evaluation.explanations.overlays import EXPLANATIONS
from pipeline.evaluation.measures.alterations import SHIFT
from pipeline.evaluation.measures.calibration import RELIABILITY
from pipeline.evaluation.pictures.svg import SVG_SETTINGS, save_svg
from pipeline.ground.files import read_json

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Draw = Callable[["Axes", Any], str]

OVERVIEW = "beyond_accuracy.svg"
MARKS = "os^Dv<>*PX"  # one a kind of corruption, so that nothing depends on colour
DASHED = (0, (3, 2))


def write_overview(folder: Path, candidate: str, sections: Mapping[str, Any], of_numbers: bool = False) -> None:
    """beyond_accuracy.svg, as far as there is something to draw.

    Args:
        folder: figures/, which also holds the curves that metrics.json does not.
        sections: of metrics.json.
        of_numbers: whether numbers are predicted.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    panels = _number_panels(folder, sections) if of_numbers else _class_panels(folder, sections)
    if not panels:
        return
    title = f"{candidate}: beyond {'errors' if of_numbers else 'accuracy'}"
    with rc_context(SVG_SETTINGS):
        figure = Figure(figsize=(max(3.4 * len(panels), 0.1 * len(title)), 3.6), layout="constrained")
        every_axes = np.atleast_1d(figure.subplots(1, len(panels)))
        sentences = [draw(axes, content) for axes, (draw, content) in zip(every_axes, panels, strict=True)]
        for axes, (draw, _) in zip(every_axes, panels, strict=True):
            _set_limits(axes, of_numbers, draw is _draw_number_patches)
            axes.legend(fontsize=7, frameon=False)
        figure.suptitle(title)
        save_svg(figure, folder / OVERVIEW, title, " ".join(sentences))


def corruptions(accuracy: Mapping[str, float]) -> dict[str, dict[int, float]]:
    """Of `<kind>_<severity>` → accuracy: by kind, then by severity, ascending.

    >>> corruptions({"shift_4": 0.9, "mirror": 0.8, "fog_5": 0.2, "fog_1": 0.5})
    {'fog': {1: 0.5, 5: 0.2}}
    """
    by_kind: dict[str, dict[int, float]] = {}
    for name in sorted(accuracy, key=_strength):
        kind, _, strength = name.rpartition("_")
        if strength.isdigit() and kind != SHIFT:
            by_kind.setdefault(kind, {})[int(strength)] = accuracy[name]
    return by_kind


def _class_panels(folder: Path, sections: Mapping[str, Any]) -> list[tuple[Draw, Any]]:
    """What there is to draw: functions that draw a panel and return a sentence about it, each with its content."""
    panels: list[tuple[Draw, Any]] = []
    robustness = sections.get("robustness", {"accuracy": {}, "consistency": {}})
    if any(name.startswith(SHIFT) for name in robustness["consistency"]):
        panels.append((_draw_moved, robustness))
    if corruptions(robustness["accuracy"]):
        panels.append((_draw_corrupted, robustness))
    if "calibration" in sections:
        panels.append((_draw_reliability, read_json(folder / RELIABILITY)))
    if "explanations" in sections:
        panels.append((_draw_patches, read_json(folder / EXPLANATIONS)["curves"]))
    return panels


def _number_panels(folder: Path, sections: Mapping[str, Any]) -> list[tuple[Draw, Any]]:
    panels: list[tuple[Draw, Any]] = []
    robustness = sections.get("robustness", {"mae": {}, "change": {}})
    if any(name.startswith(SHIFT) for name in robustness["change"]):
        panels.append((_draw_changes, robustness))
    if corruptions(robustness["mae"]):
        panels.append((_draw_errors, robustness))
    if "explanations" in sections:
        panels.append((_draw_number_patches, read_json(folder / EXPLANATIONS)["curves"]))
    return panels


def _set_limits(axes: Axes, of_numbers: bool, may_be_negative: bool) -> None:
    """Of shares all of it, and more: a part of a photo can convince more than the whole."""
    bottom, top = axes.get_ylim()
    if may_be_negative:
        axes.set_ylim(min(-0.02, bottom), max(1.02, top))
    elif of_numbers:
        axes.set_ylim(0.0, top)
    else:
        axes.set_ylim(-0.02, max(1.02, top))


def _strength(name: str) -> int:
    strength = name.rpartition("_")[2]
    return int(strength) if strength.isdigit() else 0


def _draw_moved(axes: Axes, robustness: Mapping[str, Any]) -> str:
    places, same = _draw_shifts(axes, robustness["consistency"])
    axes.set(title="same answer when moved", xlabel="pixels", ylabel="share of test photos", xticks=places)
    return f"The same answer for {same:.0%} of photos shifted by {places[-1]} pixels."


def _draw_changes(axes: Axes, robustness: Mapping[str, Any]) -> str:
    places, change = _draw_shifts(axes, robustness["change"])
    axes.set(title="how much the number changes when moved", xlabel="pixels", ylabel="mean change", xticks=places)
    return f"Shifted by {places[-1]} pixels, the number changes by {change:.3g} on average."


def _draw_shifts(axes: Axes, moved: Mapping[str, float]) -> tuple[list[int], float]:
    """The pixels of every shift, and what was measured at the farthest."""
    shifts = {_strength(name): value for name, value in moved.items() if name.rpartition("_")[0] == SHIFT}
    places = sorted(shifts)
    axes.plot(places, [shifts[place] for place in places], "o-", label="shifted")
    if "mirror" in moved:
        axes.axhline(moved["mirror"], color="black", linestyle=DASHED, label="mirrored")
    return places, shifts[places[-1]]


def _draw_errors(axes: Axes, robustness: Mapping[str, Any]) -> str:
    clean = robustness["clean_mae"]
    strongest = _draw_corruptions(axes, clean, robustness["mae"])
    axes.set(title="error when corrupted", ylabel="mean absolute error")
    errors = ", ".join(f"{kind} {value:.3g}" for kind, value in strongest.items())
    return f"Mean absolute error {clean:.3g}; at the strongest corruptions {errors}."


def _draw_corrupted(axes: Axes, robustness: Mapping[str, Any]) -> str:
    clean = robustness["clean_accuracy"]
    strongest = _draw_corruptions(axes, clean, robustness["accuracy"])
    axes.set(title="accuracy when corrupted", ylabel="test accuracy")
    accuracies = ", ".join(f"{kind} {value:.0%}" for kind, value in strongest.items())
    return f"Accuracy {clean:.0%}; at the strongest corruptions {accuracies}."


def _draw_corruptions(axes: Axes, clean: float, altered: Mapping[str, float]) -> dict[str, float]:
    """Each kind, by its name for people, and what was measured at its highest severity."""
    strongest = {}
    for number, (kind, by_severity) in enumerate(corruptions(altered).items()):
        name, values = kind.replace("_", " "), list(by_severity.values())
        axes.plot([0, *by_severity], [clean, *values], f"{MARKS[number % len(MARKS)]}-", label=name)
        strongest[name] = values[-1]
    axes.set_xlabel("severity; 0 is the photo as it is")
    return strongest


def _draw_reliability(axes: Axes, bins: Mapping[str, Any]) -> str:
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1, linestyle=DASHED)
    for key, label, look in (("before", "as it comes", "o--"), ("after", "temperature-scaled", "s-")):
        confidence, accuracy = ([entry[axis] for entry in bins[key]] for axis in ("confidence", "accuracy"))
        axes.plot(confidence, accuracy, look, label=label)
    axes.set(title="reliability", xlabel="how sure it says it is", ylabel="how often it is right")
    counts = [entry["count"] for entry in bins["before"]]
    sure, right = (
        np.average([entry[key] for entry in bins["before"]], weights=counts) for key in ("confidence", "accuracy")
    )
    return f"On average {sure:.0%} sure and {right:.0%} right."


def _draw_patches(axes: Axes, curves: Mapping[str, Any]) -> str:
    left, by_chance = _draw_order(axes, curves)
    axes.set(title="patches", xlabel="share taken away, or shown", ylabel="confidence, as a share of the whole")
    return f"After the first step of deletion {left:.0%} of its confidence is left, {by_chance:.0%} in a random order."


def _draw_number_patches(axes: Axes, curves: Mapping[str, Any]) -> str:
    left, by_chance = (1 - share for share in _draw_order(axes, curves))
    axes.set(title="patches", xlabel="share taken away, or shown", ylabel="1 − change, in standard deviations")
    return (
        f"After the first step of deletion the number has changed by {left:.2f} standard deviations of the true "
        f"numbers, by {by_chance:.2f} in a random order."
    )


def _draw_order(axes: Axes, curves: Mapping[str, Any]) -> tuple[float, float]:
    """What is left after the first step of deletion, by occlusion and in a random order."""
    for kind, mark in (("deletion", "o"), ("insertion", "^")):
        places = np.linspace(0, 1, len(curves[f"chance_{kind}"]))
        axes.plot(places, curves[f"occlusion_{kind}"], f"{mark}-", label=f"{kind}, by occlusion")
        axes.plot(
            places, curves[f"chance_{kind}"], color="grey", marker=mark, linestyle=DASHED, label=f"{kind}, random"
        )
    return curves["occlusion_deletion"][1], curves["chance_deletion"][1]
