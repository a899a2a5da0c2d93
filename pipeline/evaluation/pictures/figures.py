"""Pictures of a candidate: its confusion matrix, or its fit to numbers, and small test photos for the report.

Same input, same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.files import replacing, write_json

if TYPE_CHECKING:
    from matplotlib.figure import Figure

THUMBNAIL_SIDE = 96  # pixels, at most
SVG_SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "kiyas",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
}
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


def write_fit(path: Path, targets: NDArray[np.float64], predicted: NDArray[np.floating], title: str) -> None:
    """Predicted against true numbers as SVG: one dot an example and seed; on the line what is exactly right.

    Args:
        targets: (N,); predicted: (S, N).
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(SVG_SETTINGS):
        figure = Figure(figsize=(4.6, 4.2), layout="constrained")
        axes = figure.subplots()
        truth = np.tile(targets, (len(predicted), 1))
        axes.plot(truth.ravel(), predicted.ravel(), "o", markersize=3, alpha=0.4, markeredgewidth=0, rasterized=True)
        low, high = min(truth.min(), predicted.min()), max(truth.max(), predicted.max())
        axes.plot([low, high], [low, high], color="black", linewidth=0.8)
        axes.set(title=title, xlabel="true", ylabel="predicted")
        rmse = float(np.sqrt(np.square(predicted - truth).mean()))
        told = f"{len(targets)} examples, {len(predicted)} seeds; root mean squared error {rmse:.4g}."
        save_svg(figure, path, title, told, dpi=150)


def save_svg(figure: Figure, path: Path, title: str, told: str, dpi: float | None = None) -> None:
    """Within `SVG_SETTINGS`: the same bytes each time, with a title and `told` for screen readers.

    Args:
        dpi: of what is rasterized in it.
    """
    with replacing(path) as temporary:
        metadata = {"Date": None, "Creator": None, "Title": title}
        figure.savefig(temporary, format="svg", dpi=dpi or "figure", metadata=metadata)
        temporary.write_text(_readable_aloud(temporary, told), encoding="utf-8")


def write_thumbnails(
    folder: Path,
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    examples: NDArray[np.str_],
    probabilities: NDArray[np.float32],
    count: int,
) -> None:
    """Small photos of test examples, thumb-<n>.jpg, and thumbnails.json: file, example, label, predicted, probability.

    Args:
        images: (N, H, W, 3) uint8.
        labels: (N,) class numbers.
        probabilities: (N, classes).
        count: how many photos at most.
    """
    entries: list[dict[str, Any]] = []
    for number, index in enumerate(choose_examples(labels, probabilities, count)):
        file = f"thumb-{number}.jpg"
        _write_thumbnail(folder / file, images[index])
        predicted = int(probabilities[index].argmax())
        entries.append(
            {
                "file": file,
                "example": str(examples[index]),
                "label": int(labels[index]),
                "predicted": predicted,
                "probability": float(probabilities[index, predicted]),
            }
        )
    write_json(folder / "thumbnails.json", entries)


def choose_examples(labels: NDArray[np.int64], probabilities: NDArray[np.float32], count: int) -> list[int]:
    """Indices of examples worth showing: the most confident mistakes first, then what was right.

    Half of them are mistakes (more, or fewer, where there are not enough of the other kind). Among these the pairs of
    right and predicted class take turns, the most frequent pair first, so that the worst-confused ones can be seen;
    among what was right the classes do. Each gives its most confident example first.
    """
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    pairs = labels * probabilities.shape[1] + predicted
    often = np.bincount(pairs, minlength=probabilities.shape[1] ** 2)[pairs]
    wrong = _in_turns(np.flatnonzero(predicted != labels), pairs, confidence, first=often)
    right = _in_turns(np.flatnonzero(predicted == labels), labels, confidence, first=confidence)
    mistakes = min(len(wrong), max(count // 2, count - len(right)))
    return sorted(wrong[:mistakes], key=lambda index: -confidence[index]) + right[: count - mistakes]


def _in_turns(
    indices: NDArray[np.int64], groups: NDArray[np.int64], confidence: NDArray[np.float32], first: NDArray[Any]
) -> list[int]:
    """Indices by their rank within their group (by confidence), then those with the largest `first`."""
    ordered = sorted((int(index) for index in indices), key=lambda index: -confidence[index])
    shown: Counter[int] = Counter()
    ranks: dict[int, int] = {}
    for index in ordered:
        ranks[index] = shown[int(groups[index])]
        shown[int(groups[index])] += 1
    return sorted(ordered, key=lambda index: (ranks[index], -first[index]))


def _write_thumbnail(path: Path, image: NDArray[np.uint8]) -> None:
    photo = Image.fromarray(np.ascontiguousarray(image))
    photo.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    with replacing(path) as temporary:
        photo.save(temporary, format="JPEG", quality=80)


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


def _readable_aloud(path: Path, description: str) -> str:
    """The SVG as one picture with a title and a description, for screen readers."""
    drawn = path.read_text(encoding="utf-8").replace("<svg ", '<svg role="img" ', 1)
    return drawn.replace("</title>", f"</title>\n <desc>{escape(description)}</desc>", 1)


def _described(counts: NDArray[np.int64], class_names: Sequence[str]) -> str:
    right, total = int(np.trace(counts)), int(counts.sum())
    mistakes = counts * (1 - np.eye(len(counts), dtype=np.int64))
    row, column = divmod(int(mistakes.argmax()), len(counts))
    most = f" Most often {class_names[row]} is taken for {class_names[column]} ({mistakes[row, column]} times)."
    return f"{right} of {total} predictions are right.{most if mistakes.any() else ''}"
