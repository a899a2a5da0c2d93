"""The figures of the report as inline SVG: the same numbers give the same bytes, and none needs colour to be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.comparison.report.drawing import (
    COLOURS,
    INK,
    MUTED,
    STYLE,
    WIDTH,
    family_legend,
    marker,
    name_rows,
    new_figure,
    number_axis,
    number_points,
    percent_axis,
    to_svg,
)
from pipeline.comparison.statistics.ranks import Ranks
from pipeline.comparison.tables.frames import Row, records
from pipeline.comparison.tables.studies.growth import Growth
from pipeline.comparison.verdict.words import ScoreWords, number, percent, short_name
from pipeline.scores import ACCURACY, Score

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RELATION_MARKS = {"best": "best", "equivalent": "equivalent", "indistinguishable": "undecided", "worse": ""}
NAME_HEIGHT = 0.055  # of a curve's name, as a share of growth_plot's height
NUMBERED_UP_TO = 20  # classes; beyond, numbers in the cells of a confusion matrix cannot be read


def ranking_plot(ranking: Sequence[Row], floor: float, confidence: str, score: Score, words: ScoreWords) -> str:
    """The score of every candidate with its interval, best on top; filled where it is not shown to be worse."""
    from matplotlib import rc_context

    with rc_context(STYLE):
        figure, axes = new_figure(0.235 * len(ranking) + 1.0)
        column, most = f"test_{score.name}", max(row["high"] for row in ranking)
        unit = 1.0 if score is ACCURACY else most
        for place, row in enumerate(ranking):
            _interval(axes, place, row[column], row["low"], row["high"], row)
            if mark := RELATION_MARKS[row["relation_to_best"]]:
                axes.text(row["high"] + 0.012 * unit, place, mark, va="center", fontsize=8, color=MUTED)
        axes.axvline(floor, color=MUTED, linewidth=1, linestyle=(0, (2, 2)))
        axes.text(floor + 0.008 * unit, -0.85, words.floor, fontsize=8, color=MUTED, va="center")
        axes.set_xlim(0, min(1.0, most + 0.16) if score is ACCURACY else max(most, floor) * 1.2)
        name_rows(axes, [f"{_name(row)}\u2002{row['rank']}" for row in ranking])
        _score_axis(axes, "x", score)
        axes.set_xlabel(f"{words.name} with {confidence} interval")
        family_legend(figure, [row["family"] for row in ranking])
        best = ranking[0]
        told = f"Best is {best['candidate']} with {words.value(best[column])}. All numbers stand in the table below."
        name = words.name[0].upper() + words.name[1:]
        return to_svg(figure, f"{name} of {len(ranking)} candidates with intervals, best first. {told}")


def gap_plot(ranking: Sequence[Row], fits: Mapping[str, str], score: Score, words: ScoreWords) -> str:
    """The gap of every candidate with its interval, smallest on top."""
    from matplotlib import rc_context

    ordered = sorted(ranking, key=lambda row: (row["gap"], row["candidate"]))
    with rc_context(STYLE):
        figure, axes = new_figure(0.235 * len(ordered) + 1.0)
        furthest = max(row["gap_high"] for row in ordered)
        unit = 1.0 if score is ACCURACY else furthest - min(row["gap_low"] for row in ordered)
        for place, row in enumerate(ordered):
            _interval(axes, place, row["gap"], row["gap_low"], row["gap_high"], row)
            place_of_word = row["gap_high"] + 0.012 * unit
            axes.text(place_of_word, place, fits[row["candidate"]], va="center", fontsize=8, color=MUTED)
        axes.axvline(0, color=MUTED, linewidth=1)
        axes.set_xlim(right=furthest + 0.14 * unit)
        name_rows(axes, [_name(row) for row in ordered])
        if score is ACCURACY:
            axes.xaxis.set_major_formatter(lambda value, _: f"{value * 100:.0f}".replace("-", "−"))
            axes.grid(axis="x")
            axes.set_xlabel("training accuracy minus test accuracy, points")
        else:
            number_axis(axes, "x")
            axes.set_xlabel("test RMSE minus training RMSE")
        family_legend(figure, [row["family"] for row in ordered])
        least, most = ordered[0], ordered[-1]
        low, high = words.difference(least["gap"]), words.difference(most["gap"])
        ends = f"from {least['candidate']} ({low}) to {most['candidate']} ({high})"
        return to_svg(figure, f"Gap between training and test accuracy of each candidate with its interval, {ends}.")


def learning_curves(history: pd.DataFrame, name: str, score: Score = ACCURACY) -> str:
    """Loss and score over the epochs: the mean of the seeds in bold, each seed thin, phases marked by number."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 2.4), layout="constrained")
        panels = figure.subplots(1, 2)
        for axes, quantity in zip(panels, ("loss", score.name), strict=True):
            _curve(axes, history, f"train_{quantity}", COLOURS["classical"], (0, (4, 1.5)), "training")
            _curve(axes, history, f"val_{quantity}", COLOURS["finetune"], "solid", "validation")
            axes.set_title(quantity.replace("rmse", "RMSE"), fontsize=9, loc="left", color=INK, pad=14)
            axes.set_xlabel("epoch")
            axes.grid(axis="y")
            _mark_phases(axes, history)
        panels[0].set_ylim(bottom=0)
        _score_axis(panels[1], "y", score)
        panels[1].legend(loc="lower right" if score is ACCURACY else "upper right", handlelength=2.4)
        return to_svg(figure, _told_curves(history, name, score))


def cost_plot(ranking: Sequence[Row], front: Sequence[str], score: Score, words: ScoreWords) -> str:
    """The score against the seconds that training one seed takes; the Pareto front is drawn as a line."""
    from matplotlib import rc_context

    with rc_context(STYLE):
        figure, axes = new_figure(4.0)
        leading = sorted((row for row in ranking if row["candidate"] in front), key=lambda row: row["cost_seconds"])
        column = f"test_{score.name}"
        steps = [(row["cost_seconds"], row[column]) for row in leading]
        axes.step(*zip(*steps, strict=True), where="post", color=MUTED, linewidth=1, linestyle=(0, (2, 2)), zorder=1)
        for row in ranking:
            point = (row["cost_seconds"], row[column])
            axes.plot(*point, zorder=3, **marker(row["family"], filled=row["candidate"] in front, size=7))
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.set_xlabel("seconds to train one seed, each step ten times as long")
        axes.set_ylabel(words.name)
        _score_axis(axes, "y", score)
        family_legend(figure, [row["family"] for row in ranking])
        places = [(row["cost_seconds"], row[column]) for row in ranking]
        number_points(figure, axes, places, [str(row["rank"]) for row in ranking])
        names = ", ".join(row["candidate"] for row in leading)
        name = words.name[0].upper() + words.name[1:]
        return to_svg(figure, f"{name} against training cost. On the Pareto front, cheapest first: {names}.")


def growth_plot(growth: Growth) -> str:
    """Test accuracy against training examples: measured sizes joined, what the power laws say of more dashed."""
    from matplotlib import rc_context

    with rc_context(STYLE):
        figure, axes = new_figure(3.6)
        for _, rows in growth.table.sort_values("training_examples").groupby("candidate", sort=False):
            _grown(axes, rows)
        axes.set_xscale("log")
        sizes = sorted(set(growth.table["training_examples"].round()))
        axes.set_xticks(sizes, [f"{size:,.0f}" for size in sizes])
        axes.minorticks_off()
        axes.set_xlabel("training examples of each seed, drawn by their logarithm")
        axes.set_ylabel("test accuracy")
        axes.set_xlim(right=sizes[-1] * (sizes[-1] / sizes[0]) ** 0.42)  # room for the names
        _name_ends(axes, growth.table)
        percent_axis(axes, "y")
        family_legend(figure, list(growth.table["family"]))
        ends = [growth.row(str(name), 1.0) for name in growth.at(1.0)["candidate"]]
        told = ", ".join(f"{row['candidate']} {percent(row['test_accuracy'])}" for row in ends)
        return to_svg(figure, f"Test accuracy by number of training examples. With all of them: {told}.")


def critical_difference_plot(ranks: Ranks, level: float) -> str:
    """Average ranks on a line, best to the left; a bar joins groups that Nemenyi's test does not tell apart."""
    import scikit_posthocs
    from matplotlib import rc_context

    assert ranks.nemenyi is not None
    with rc_context(STYLE):
        figure, axes = new_figure(0.22 * len(ranks.average) + 0.9)
        scikit_posthocs.critical_difference_diagram(
            pd.Series(ranks.average),
            ranks.nemenyi,
            alpha=level,
            ax=axes,
            label_fmt_left="{label} ({rank:.2f})",
            label_fmt_right="({rank:.2f}) {label}",
            label_props={"fontsize": 9.5},
            marker_props={"s": 24},
            elbow_props={"color": INK, "linewidth": 1},
            crossbar_props={"color": COLOURS["finetune"], "linewidth": 4, "marker": ""},
        )
        told = ", ".join(f"{name} {rank:.2f}" for name, rank in ranks.average.items())
        reach = ranks.critical_difference(level)
        return to_svg(figure, f"Average ranks over {ranks.blocks} blocks: {told}. Critical difference {reach:.2f}.")


def confusion_plot(counts: NDArray[np.int64], class_names: Sequence[str], candidate: str) -> str:
    """Rows are the right classes, columns the predictions; shades are shares of a row, numbers are counts."""
    from matplotlib import rc_context

    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    with rc_context(STYLE):
        figure, axes = new_figure(5.4)
        axes.pcolormesh(shares, cmap="Blues", vmin=0, vmax=1, edgecolors="white", linewidth=0.6)
        axes.set_aspect("equal")
        axes.invert_yaxis()
        centres = np.arange(len(class_names)) + 0.5
        axes.set_xticks(centres, class_names, rotation=50, ha="right", rotation_mode="anchor")
        axes.set_yticks(centres, class_names)
        axes.tick_params(length=0)
        axes.set(xlabel="predicted", ylabel="right class")
        for side in axes.spines.values():
            side.set_visible(False)
        if len(class_names) <= NUMBERED_UP_TO:
            _number_cells(axes, counts, shares)
        right = percent(float(np.trace(counts) / max(counts.sum(), 1)))
        told = f"{right} of all predictions stand on the diagonal. The most frequent mistakes are listed below."
        return to_svg(figure, f"Confusion matrix of {candidate} over all seeds. {told}")


def fit_plot(targets: NDArray[np.float64], predicted: NDArray[np.float64], candidate: str) -> str:
    """What was predicted, the mean of the seeds, against what is true, one dot an example; on the line both are equal.

    Args:
        targets, predicted: (N,) each.
    """
    from matplotlib import rc_context

    with rc_context(STYLE):
        figure, axes = new_figure(4.6)
        axes.plot(targets, predicted, "o", color=COLOURS["finetune"], markersize=3.5, alpha=0.5, markeredgewidth=0)
        ends = [min(targets.min(), predicted.min()), max(targets.max(), predicted.max())]
        axes.plot(ends, ends, color=MUTED, linewidth=1)
        number_axis(axes, "x")
        number_axis(axes, "y")
        axes.set(xlabel="true", ylabel="predicted")
        told = "On the line they are equal."
        return to_svg(figure, f"Predicted against true numbers of {candidate}, {len(targets)} test examples. {told}")


def pareto_front(ranking: Sequence[Row], score: Score = ACCURACY) -> list[str]:
    """Candidates than which none is both at least as good and at least as cheap, and better in one of the two."""
    places = {row["candidate"]: (row["cost_seconds"], -score.sign * row[f"test_{score.name}"]) for row in ranking}
    return [
        name
        for name, (cost, worse) in places.items()
        if not any(other[0] <= cost and other[1] <= worse and other != (cost, worse) for other in places.values())
    ]


def _score_axis(axes: Axes, which: str, score: Score) -> None:
    (percent_axis if score is ACCURACY else number_axis)(axes, which)


def _interval(axes: Axes, place: int, value: float, low: float, high: float, row: Row) -> None:
    colour = COLOURS[row["family"]]
    axes.plot([low, high], [place, place], color=colour, linewidth=1.6, solid_capstyle="butt", zorder=2)
    axes.plot(value, place, zorder=3, **marker(row["family"], filled=row["relation_to_best"] != "worse"))


def _name(row: Row) -> str:
    return short_name(row["candidate"], row["family"])


def _grown(axes: Axes, rows: pd.DataFrame) -> None:
    """One curve of growth_plot."""
    measured, beyond = rows[rows["kind"] == "measured"], rows[rows["kind"] == "extrapolated"]
    family = str(rows["family"].iloc[0])
    colour, sizes = COLOURS[family], measured["training_examples"]
    axes.vlines(sizes, measured["low"], measured["high"], color=colour, linewidth=1.6)
    axes.plot(sizes, measured["test_accuracy"], color=colour, linewidth=1.2)
    axes.plot(sizes, measured["test_accuracy"], zorder=3, **marker(family, filled=True))
    if len(beyond):
        onwards = pd.concat([measured.tail(1), beyond])
        place = onwards["training_examples"]
        axes.fill_between(place, onwards["low"], onwards["high"], color=colour, alpha=0.13, linewidth=0)
        axes.plot(place, onwards["test_accuracy"], color=colour, linewidth=1.2, linestyle=(0, (4, 2)))
        axes.plot(beyond["training_examples"], beyond["test_accuracy"], zorder=3, **marker(family, filled=False))


def _name_ends(axes: Axes, table: pd.DataFrame) -> None:
    """Each curve's name behind its last point, pushed up where it would cover the one below."""
    ends = table.sort_values("training_examples").groupby("candidate").tail(1).sort_values("test_accuracy")
    bottom, top = axes.get_ylim()
    free = bottom
    for row in records(ends):
        height = max(row["test_accuracy"], free)
        free = height + NAME_HEIGHT * (top - bottom)
        name = short_name(row["candidate"], row["family"])
        axes.text(row["training_examples"] * 1.08, height, name, va="center", fontsize=8.5, color=INK)


def _curve(axes: Axes, history: pd.DataFrame, column: str, colour: str, dashes: Any, label: str) -> None:
    """The mean is drawn as far as every seed was trained; early stopping lets some end sooner."""
    by_seed = history.pivot(index="epoch", columns="seed", values=column).sort_index()
    for seed in by_seed.columns:
        axes.plot(by_seed.index, by_seed[seed], color=colour, linewidth=0.7, alpha=0.4, linestyle=dashes)
    mean = by_seed.dropna().mean(axis=1)
    axes.plot(mean.index, mean, color=colour, linewidth=1.9, linestyle=dashes, label=label)


def _mark_phases(axes: Axes, history: pd.DataFrame) -> None:
    """A line where each phase begins in each seed, and its number above."""
    if history["phase"].nunique() == 1:
        return
    starts = history.groupby(["seed", "phase"])["epoch"].min()
    for phase, epochs in starts.groupby("phase"):
        if phase != 1:
            for epoch in sorted(set(epochs)):
                axes.axvline(epoch - 0.5, color=MUTED, linewidth=0.7, linestyle=(0, (1, 2)))
        middle = float(epochs.median()) - (0.5 if phase != 1 else 0)
        above = axes.get_xaxis_transform()
        axes.text(middle, 1.03, str(phase), transform=above, fontsize=8, color=MUTED, ha="left")


def _told_curves(history: pd.DataFrame, name: str, score: Score) -> str:
    last = history.sort_values("epoch").groupby("seed").tail(1)
    called, told = ("accuracy", percent) if score is ACCURACY else ("RMSE", number)
    train, val = (told(last[f"{split}_{score.name}"].mean()) for split in ("train", "val"))
    ends = f"training {train}, validation {val}"
    shown = f"Learning curves of {name}: loss and {called} by epoch."
    return f"{shown} {called[0].upper()}{called[1:]} in the last epoch: {ends}."


def _number_cells(axes: Axes, counts: NDArray[np.int64], shares: NDArray[np.float64]) -> None:
    size = 8 if len(counts) <= 15 else 6.5
    for row, column in np.argwhere(counts):
        colour, number = "white" if shares[row, column] > 0.5 else INK, str(counts[row, column])
        axes.text(column + 0.5, row + 0.5, number, ha="center", va="center", fontsize=size, color=colour)
