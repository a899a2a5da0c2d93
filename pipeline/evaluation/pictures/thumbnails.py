"""Small test photos of one candidate for the report: its most confident mistakes, and what it got right."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.evaluation.answers.predictions import SplitPredictions
from pipeline.ground.files import write_jpeg, write_json

THUMBNAIL_SIDE = 96  # pixels, at most


def write_thumbnails(
    folder: Path,
    images: NDArray[np.uint8],
    answers: SplitPredictions,
    count: int,
) -> None:
    """Small photos of test examples, thumb-<n>.jpg, and thumbnails.json: file, example, label, predicted, probability.

    Args:
        images: (N, H, W, 3) uint8.
        answers: to the same photos.
        count: how many photos at most.
    """
    entries: list[dict[str, Any]] = []
    labels, probabilities = answers.labels, answers.probabilities
    for number, index in enumerate(choose_examples(labels, probabilities, count)):
        file = f"thumb-{number}.jpg"
        write_thumbnail(folder / file, images[index])
        predicted = int(probabilities[index].argmax())
        entries.append(
            {
                "file": file,
                "example": str(answers.examples[index]),
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


def write_thumbnail(path: Path, image: NDArray[np.uint8]) -> None:
    """A photo as a JPEG of at most THUMBNAIL_SIDE pixels a side."""
    photo = Image.fromarray(np.ascontiguousarray(image))
    photo.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    write_jpeg(path, photo, quality=80)
