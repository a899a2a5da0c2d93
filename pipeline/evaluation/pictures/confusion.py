"""A candidate's confusion matrix, drawn."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.pictures.svg import SVG_SETTINGS, save_svg

NUMBERED_UP_TO = 30  # classes; beyond, numbers in the cells cannot be read


def write_confusion(path: Path, counts: NDArray[np.int64], class_names: Sequence[str], title: str) -> None:
    """A confusion matrix as SVG: rows are the right classes, columns the predicted ones.

    Numbers stand in the cells, so that nothing depends on colour; shades are shares of the row (light to dark in
    one hue); the SVG carries a title and a description for screen readers.

    Args:
        counts: (classes, classes).
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    side = 1.6 + 0.42 * len(class_names)
    with rc_context(SVG_SETTINGS):
        figure = Figure(figsize=(side + 0.6, side), layout="constrained")
        _draw(figure.subplots(), counts, class_names, title)
        save_svg(figure, path, title, _described(counts, class_names))


def _draw(axes: Any, counts: NDArray[np.int64], class_names: Sequence[str], title: str) -> None:
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.pcolormesh(shares, cmap="Blues", vmin=0, vmax=1, edgecolors="white", linewidth=0.5)
    axes.set_aspect("equal")
    axes.invert_yaxis()
    axes.set(title=title, xlabel="predicted class", ylabel="right class")
    centres = np.arange(len(class_names)) + 0.5
    axes.set_xticks(centres, class_names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(centres, class_names)
    if len(class_names) > NUMBERED_UP_TO:
        return
    for row, column in np.argwhere(counts):
        shade = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column + 0.5, row + 0.5, str(counts[row, column]), ha="center", va="center", color=shade, fontsize=8)


def _described(counts: NDArray[np.int64], class_names: Sequence[str]) -> str:
    right, total = int(np.trace(counts)), int(counts.sum())
    mistakes = counts * (1 - np.eye(len(counts), dtype=np.int64))
    row, column = divmod(int(mistakes.argmax()), len(counts))
    most = f" Most often {class_names[row]} is taken for {class_names[column]} ({mistakes[row, column]} times)."
    return f"{right} of {total} predictions are right.{most if mistakes.any() else ''}"
