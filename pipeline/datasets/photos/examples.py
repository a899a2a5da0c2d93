"""From labelled photos to the rows that learn and the rows that test: read, cleaned, split."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from pipeline.datasets.photos.folders import Listing, Photo, Quarantined, quarantine
from pipeline.datasets.photos.labels.numbers import numbers_of
from pipeline.datasets.photos.leakage import (
    LeakageError,
    as_pairs,
    count_kinds,
    find_copies,
    find_divided_groups,
    find_near_copies,
    find_on_other_side,
)
from pipeline.datasets.photos.likeness import find_alike
from pipeline.datasets.photos.reading import Decoded, read_photos
from pipeline.datasets.store.splits import FEWEST_KEPT, draw_limited, draw_test, quantile_strata
from pipeline.ground.files import write_csv
from pipeline.params.data import Data

DUPLICATES = Path(".kiyas/duplicates.csv")

log = logging.getLogger("kiyas")


@dataclass(frozen=True)
class Examples:
    """All photos, usable or not: those of the folder sorted by path, then those of each batch.

    Attributes:
        decoded: its rows belong to `photos`.
        class_names: empty where numbers are predicted.
        labels: (N,) int64, indices into class_names; or float64, the numbers to predict.
        left_out: what the listing found that is no file to read.
    """

    photos: list[Photo]
    decoded: Decoded
    class_names: list[str]
    labels: np.ndarray
    left_out: list[Quarantined]

    @property
    def has_test(self) -> bool:
        return any(photo.split == "test" for photo in self.photos if photo.root == 0)

    def count(self, rows: np.ndarray) -> Counter[str]:
        """How many of these rows each class has."""
        return Counter(self.photos[row].class_name for row in rows)

    def strata(self, rows: np.ndarray) -> np.ndarray:
        """(N,) int64: what a draw among these rows keeps in proportion: their classes, or the quantiles of their
        numbers."""
        labels = self.labels[rows]
        return labels if self.class_names else quantile_strata(labels)

    def ids(self, rows: np.ndarray) -> list[str]:
        return [self.photos[row].example for row in rows]

    def groups(self, rows: np.ndarray) -> np.ndarray | None:
        """(N,) int64, equal for photos of one group; None where no photo has one. Others are groups of their own."""
        names = [self.photos[row].group for row in rows]
        if not any(names):
            return None
        numbers = {name: number for number, name in enumerate(sorted({name for name in names if name is not None}))}
        alone = iter(range(len(numbers), len(numbers) + len(names)))
        return np.array([next(alone) if name is None else numbers[name] for name in names], np.int64)


@dataclass(frozen=True)
class Cleaned:
    """What the gate says.

    Attributes:
        gone: {row: why it is left out}.
        repeats: for dataset.json: by exact and near, the policy and how many of each kind were found.
    """

    gone: dict[int, Quarantined]
    repeats: dict[str, Any] = field(default_factory=dict)


def read_examples(listings: Sequence[Listing], size: int, keep: Path, has_classes: bool = True) -> Examples:
    """Decode all photos; `keep` holds their pixels, for the caller to remove when they are stored elsewhere.

    Args:
        has_classes: whether their labels are classes; else they are the numbers to predict.
    """
    photos = [photo for listing in listings for photo in listing.photos]
    decoded = read_photos([file for listing in listings for file in listing.files], size, keep)
    left_out = [row for listing in listings for row in listing.left_out]
    if not has_classes:
        return Examples(photos, decoded, [], numbers_of(photos), left_out)
    class_names = sorted({photo.class_name for photo in photos})
    numbers = {name: number for number, name in enumerate(class_names)}
    labels = np.array([numbers[photo.class_name] for photo in photos], np.int64)
    return Examples(photos, decoded, class_names, labels, left_out)


def clean(examples: Examples, settings: Data) -> Cleaned:
    """Which rows are unreadable or repeat a picture, and what data.duplicates and data.near_duplicates make of that.

    Raises:
        LeakageError: where these say `fail` and there are repeats.
    """
    photos, decoded = examples.photos, examples.decoded
    unreadable = {row: quarantine(photos[row], reason) for row, reason in decoded.failures.items()}
    copies = find_copies(photos, decoded.digests)
    single = np.array([row for row in range(len(photos)) if row not in unreadable and row not in copies], np.int64)
    pairs, proposed = find_alike(_Rows(decoded, single), decoded.hashes[single], decoded.sketches[single])
    near = find_near_copies(photos, as_pairs(pairs, single))
    _refuse("data.duplicates", settings.duplicates, copies)
    _refuse("data.near_duplicates", settings.near_duplicates, near)
    repeats = {
        "exact": {"policy": settings.duplicates, **count_kinds(copies, near=False)},
        "near": {
            "policy": settings.near_duplicates,
            "pairs_proposed": proposed,
            "pairs_confirmed": len(pairs),
            **count_kinds(near, near=True),
        },
    }
    gone = unreadable | (copies if settings.duplicates == "drop" else {})
    return Cleaned(gone | (near if settings.near_duplicates == "drop" else {}), repeats)


def split_rows(examples: Examples, cleaned: Cleaned, settings: Data) -> dict[str, np.ndarray]:
    """Sorted rows of "development" and "test", of the folder no more than data.limit of each.

    A test split that the folder brings is the test split; its train and val together are development. A folder
    without one has it drawn, once and for all candidates alike. Groups are kept on one side: photos whose group has
    another one in the given test split join `cleaned.gone`. Batches say themselves where their photos belong.
    """
    rows = np.array([row for row in range(len(examples.photos)) if row not in cleaned.gone], np.int64)
    divided = find_divided_groups(examples.photos, rows.tolist())
    cleaned.gone.update(divided)
    rows = rows[~np.isin(rows, list(divided))]
    later = np.array([examples.photos[row].root > 0 for row in rows], bool)
    found, newer = _split_folder(examples, rows[~later], settings), rows[later]
    moved = find_on_other_side(examples.photos, newer.tolist(), {split: own.tolist() for split, own in found.items()})
    cleaned.gone.update(moved)
    newer = newer[~np.isin(newer, list(moved))]
    in_test = np.array([examples.photos[row].split == "test" for row in newer], bool)
    added = {"development": newer[~in_test], "test": newer[in_test]}
    return {split: np.concatenate([found[split], added[split]]) for split in found}


def _split_folder(examples: Examples, rows: np.ndarray, settings: Data) -> dict[str, np.ndarray]:
    if examples.has_test:
        in_test = np.array([examples.photos[row].split == "test" for row in rows], bool)
        found = {"development": rows[~in_test], "test": rows[in_test]}
    else:
        groups = examples.groups(rows)
        strata, of_classes = examples.strata(rows), bool(examples.class_names)
        development, test = draw_test(strata, settings.test_fraction, settings.seed, groups, of_classes)
        found = {"development": rows[development], "test": rows[test]}
    if settings.limit is None:
        return found
    limit, seed, at_least = settings.limit, settings.seed, FEWEST_KEPT
    if not examples.class_names:
        limit, at_least = max(limit, FEWEST_KEPT), 0
    return {
        split: chosen[draw_limited(examples.strata(chosen), limit, seed, at_least)] for split, chosen in found.items()
    }


def _refuse(key: str, policy: Literal["drop", "fail", "keep", "together"], found: dict[int, Quarantined]) -> None:
    if policy == "fail" and found:
        rows = sorted(found.values(), key=lambda row: row.example)
        write_csv(DUPLICATES, pd.DataFrame(rows))
        raise LeakageError(
            f"params.yaml: {key} = 'fail', and there are {len(rows)}, such as {rows[0].example} "
            f"({rows[0].reason}: {rows[0].duplicate_of}); all of them stand in {DUPLICATES}: remove them, or set {key} "
            "to drop"
        )
    if policy == "keep" and found:
        log.warning("%s: keep: %d repeated pictures stay, which makes test results look better", key, len(found))


@dataclass(frozen=True)
class _Rows:
    """Some rows of the decoded images, as if they were all."""

    decoded: Decoded
    rows: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.rows), *self.decoded.images.shape[1:])

    def __getitem__(self, positions: np.ndarray) -> np.ndarray:
        return self.decoded.images[self.rows[positions]]
