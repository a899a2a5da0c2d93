"""Which classes a candidate takes for which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.comparison.report.drawing import INK, STYLE, new_figure, to_svg
from pipeline.comparison.report.examples.photos import Photo
from pipeline.formats import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAIRS_SHOWN = 6
NUMBERED_UP_TO = 20  # classes; beyond, numbers in the cells of a confusion matrix cannot be read


@dataclass(frozen=True)
class ConfusedPair:
    """How often examples of one class were taken for another, over all seeds.

    Attributes:
        share: of all predictions on examples of the right class.
    """

    right_class: str
    predicted_class: str
    times: int
    share: float
    photos: tuple[Photo, ...]


def confusion_counts(predictions: pd.DataFrame, classes: int) -> NDArray[np.int64]:
    """(classes, classes) on the test split, summed over the seeds: rows are the right classes."""
    test = predictions.query("split == 'test'")
    counts = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(counts, (test["label"].to_numpy(), test["predicted"].to_numpy()), 1)
    return counts


def worst_pairs(
    counts: NDArray[np.int64], class_names: Sequence[str], photos: Sequence[Photo], shown: int = PAIRS_SHOWN
) -> list[ConfusedPair]:
    """The most frequent mistakes, most frequent first."""
    mistakes = counts * (1 - np.eye(len(counts), dtype=np.int64))
    order = np.argsort(-mistakes, axis=None, kind="stable")[:shown]
    places = [(int(place) // len(counts), int(place) % len(counts)) for place in order]
    return [
        ConfusedPair(
            right_class=class_names[row],
            predicted_class=class_names[column],
            times=int(counts[row, column]),
            share=float(counts[row, column] / counts[row].sum()),
            photos=_photos_of(photos, class_names[row], class_names[column]),
        )
        for row, column in places
        if mistakes[row, column]
    ]


def _photos_of(photos: Sequence[Photo], right: str, predicted: str) -> tuple[Photo, ...]:
    return tuple(photo for photo in photos if (photo.right_class, photo.predicted_class) == (right, predicted))


def confusion_plot(
    counts: NDArray[np.int64], class_names: Sequence[str], candidate: str, over: str = " over all seeds"
) -> str:
    """Rows are the right classes, columns the predictions; shades are shares of a row, numbers are counts.

    Args:
        over: what the counts are summed over, after the candidate's name.
    """
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
        diagonal = f"{right} of all predictions stand on the diagonal. The most frequent mistakes are listed below."
        return to_svg(figure, f"Confusion matrix of {candidate}{over}. {diagonal}")


def _number_cells(axes: Axes, counts: NDArray[np.int64], shares: NDArray[np.float64]) -> None:
    size = 8 if len(counts) <= 15 else 6.5
    for row, column in np.argwhere(counts):
        colour, number = "white" if shares[row, column] > 0.5 else INK, str(counts[row, column])
        axes.text(column + 0.5, row + 0.5, number, ha="center", va="center", fontsize=size, color=colour)
