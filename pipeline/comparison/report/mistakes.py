"""Which classes a candidate takes for which, and photos of it."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline import trials
from pipeline.files import read_json

PAIRS_SHOWN = 6


@dataclass(frozen=True)
class Photo:
    """A test example as the page shows it; `uri` holds the picture itself."""

    uri: str
    example: str
    right_class: str
    predicted_class: str
    probability: float


@dataclass(frozen=True)
class ConfusedPair:
    """How often examples of one class were taken for another, over all seeds."""

    right_class: str
    predicted_class: str
    times: int
    share: float  # of all predictions on examples of the right class
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
            photos=tuple(
                photo
                for photo in photos
                if (photo.right_class, photo.predicted_class) == (class_names[row], class_names[column])
            ),
        )
        for row, column in places
        if mistakes[row, column]
    ]


def read_photos(candidate: str, class_names: Sequence[str]) -> list[Photo]:
    """The thumbnails that evaluation kept; none where it kept none."""
    folder = trials.evaluation_folder(candidate) / "figures"
    if not (folder / "thumbnails.json").is_file():
        return []
    return photos_of(folder, read_json(folder / "thumbnails.json"), class_names)


def photos_of(folder: Path, entries: Sequence[Mapping[str, Any]], class_names: Sequence[str]) -> list[Photo]:
    """Of the entries that evaluation wrote: file, example, label, predicted, probability."""
    return [
        Photo(
            uri=data_uri(folder / entry["file"]),
            example=entry["example"],
            right_class=class_names[entry["label"]],
            predicted_class=class_names[entry["predicted"]],
            probability=entry["probability"],
        )
        for entry in entries
    ]


def has_sheet(candidate: str) -> bool:
    """Whether evaluation left a contact sheet of its most confident mistakes: it made some, and was asked for it."""
    return (trials.evaluation_folder(candidate) / "figures" / "mistakes.jpg").is_file()


def data_uri(path: Path) -> str:
    """A JPEG as text that a page can hold."""
    return f"data:image/jpeg;base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
