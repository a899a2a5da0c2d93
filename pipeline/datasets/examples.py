"""From a folder of photos to the rows that learn and the rows that test: read, cleaned, split."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.datasets.decoding import Decoded, decode_photos
from pipeline.datasets.folders import Photo, list_photos
from pipeline.datasets.leakage import Quarantined, find_duplicates, quarantine
from pipeline.datasets.splits import draw_limited, draw_test
from pipeline.params import Data


@dataclass(frozen=True)
class Examples:
    """All that a folder holds, usable or not, sorted by path.

    Attributes:
        decoded: its rows belong to `photos`.
        labels: (N,) int64, indices into class_names.
    """

    photos: list[Photo]
    decoded: Decoded
    class_names: list[str]
    labels: np.ndarray

    @property
    def has_test(self) -> bool:
        return any(photo.split == "test" for photo in self.photos)

    def count(self, rows: np.ndarray) -> Counter[str]:
        """How many of these rows each class has."""
        return Counter(self.photos[row].class_name for row in rows)

    def ids(self, rows: np.ndarray) -> list[str]:
        return [self.photos[row].example for row in rows]


def read_examples(folder: Path, size: int, scratch: Path) -> Examples:
    """List and decode all photos of a folder; their pixels go to the file `scratch`.

    Raises:
        FolderError: when the folder is not one of labelled photos.
    """
    photos = list_photos(folder)
    decoded = decode_photos([folder / photo.example for photo in photos], size, scratch)
    class_names = sorted({photo.class_name for photo in photos})
    numbers = {name: number for number, name in enumerate(class_names)}
    return Examples(photos, decoded, class_names, np.array([numbers[photo.class_name] for photo in photos], np.int64))


def unusable(examples: Examples) -> list[Quarantined]:
    """Unreadable files and repeated pictures, by path."""
    photos, decoded = examples.photos, examples.decoded
    unreadable = [quarantine(photos[row], reason) for row, reason in decoded.failures.items()]
    return sorted(unreadable + find_duplicates(photos, decoded.digests), key=lambda left_out: left_out.example)


def split_rows(examples: Examples, left_out: list[Quarantined], settings: Data) -> dict[str, np.ndarray]:
    """Sorted rows of "development" and "test", without what is left out, and no more than data.limit of each.

    A test split that the folder brings is the test split; its train and val together are development. A folder
    without one has it drawn, once and for all candidates alike.
    """
    gone = {row.example for row in left_out}
    usable = np.array([row for row, photo in enumerate(examples.photos) if photo.example not in gone], np.int64)
    if examples.has_test:
        in_test = np.array([examples.photos[row].split == "test" for row in usable], bool)
        rows = {"development": usable[~in_test], "test": usable[in_test]}
    else:
        development, test = draw_test(examples.labels[usable], settings.test_fraction, settings.seed)
        rows = {"development": usable[development], "test": usable[test]}
    if settings.limit is None:
        return rows
    labels, limit, seed = examples.labels, settings.limit, settings.seed
    return {split: found[draw_limited(labels[found], limit, seed)] for split, found in rows.items()}
