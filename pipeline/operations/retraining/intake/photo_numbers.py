"""New photos of which a number is predicted: photos in data/incoming/, and beside them tables that name each number.

A table has the columns of the study's own (data.labels), and its paths are seen from data/incoming. Photos of a group
that is known go to its side. New groups are drawn whole, by a hash of their name, so that a group is on the same side
whatever batch brings it.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.datasets.photos.examples import clean, read_examples
from pipeline.datasets.photos.folders import FolderError, Listing, readable
from pipeline.datasets.photos.listing import BATCH_LABELS, list_batches, list_source
from pipeline.datasets.store.prepared import DEVELOPMENT, TEST, Prepared, load_prepared
from pipeline.datasets.store.splits import draw_test, quantile_strata
from pipeline.ground.files import write_csv
from pipeline.ground.fingerprints import hash_path
from pipeline.operations.retraining.contenders import ReigningChampion
from pipeline.operations.retraining.intake.incoming import INCOMING, refuse_unwritable_names
from pipeline.operations.retraining.intake.number_tables import (
    as_waiting,
    list_tables,
    tables_of,
    waiting_files,
    within,
    without_known,
)
from pipeline.operations.retraining.intake.photos import KEEP, Newcomer, PhotoBatch, as_gate, pixels_of
from pipeline.operations.retraining.intake.rows import hash_of_files, is_sealed, keep_files
from pipeline.operations.retraining.row_drift import RowDrift, RowSample, measure_photo_drift
from pipeline.params.data import Data

UNNAMED = "is named by no table beside it; name it in one, with its number"


@dataclass(frozen=True)
class NumberBatch(PhotoBatch):
    """All photos and tables in data/incoming/, looked at; a `Batch`. Of a newcomer `class_name` is its number, as text.

    Attributes:
        tables: name → SHA-256.
        groups: path → the group of a photo that has one.
        sides: group → "development" or "test", of those that are known.
        faulty: sentences about tables that cannot be read as labels of the study.
    """

    tables: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    sides: Mapping[str, str] = field(default_factory=dict)
    faulty: Sequence[str] = ()

    @property
    def total(self) -> int:
        return max(len(self.newcomers), len(self.faulty))

    @property
    def unusable_count(self) -> int:
        return len(self.unusable) or len(self.faulty)

    @property
    def content(self) -> str:
        return hash_of_files(self.files)

    @property
    def files(self) -> dict[str, str]:
        return {**super().files, **self.tables}

    @property
    def numbers(self) -> np.ndarray:
        """(N,) of the usable photos."""
        return np.array([float(newcomer.class_name) for newcomer in self.usable], np.float64)

    def counts(self) -> dict[str, int]:
        return {self.noun: len(self.usable)}

    def why_refused(self, limit: float) -> list[str]:
        if self.faulty:
            return [f"{sentence.rstrip('.')}. Nothing was taken in." for sentence in self.faulty]
        return self.why_too_many_unusable(limit)

    def drift(self, champion: ReigningChampion) -> RowDrift:
        development, test = load_prepared(DEVELOPMENT), load_prepared(TEST)
        named = [self.groups.get(newcomer.path, newcomer.path) for newcomer in self.usable]
        groups = np.unique(named, return_inverse=True)[1].astype(np.int64)
        new = RowSample(pixels_of(self.usable, champion.image_size, champion.served.white), self.numbers, groups)
        known = np.concatenate([_one_of_each_group(part) for part in (development, test)])
        return measure_photo_drift(new, known, champion.unlearnt(test), champion, test)

    def write(self, folder: Path, test_fraction: float, seed: int) -> int:
        """photos/{train,test}/… with photos/labels.csv, quarantine/…, and the tables as they came in files/."""
        sealed = self._sealed(test_fraction, seed)
        kept = {newcomer.path: newcomer for newcomer in self.usable}
        for path in super().files:
            side = f"photos/{'test' if path in sealed else 'train'}" if path in kept else "quarantine"
            (folder / side / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(INCOMING / path, folder / side / path)
        rows = []
        for path, newcomer in kept.items():
            side = "test" if path in sealed else "train"
            rows.append((f"{side}/{path}", newcomer.class_name, side, self.groups.get(path, "")))
        table = pd.DataFrame(rows, columns=["path", "label", "split", "group"])
        write_csv(folder / "photos" / BATCH_LABELS.file, table, read_back=True)
        keep_files(dict(self.tables), folder)
        return len(sealed)

    def _sealed(self, fraction: float, seed: int) -> set[str]:
        """Which paths are test: the same for the same files whatever they are called."""
        sealed, free = set(), list[Newcomer]()
        for newcomer in sorted(self.usable, key=lambda newcomer: (newcomer.sha256, newcomer.path)):
            group = self.groups.get(newcomer.path)
            if group is None:
                free.append(newcomer)
            elif (self.sides[group] == "test") if group in self.sides else is_sealed(group, fraction, seed):
                sealed.add(newcomer.path)
        if free:
            strata = quantile_strata(np.array([float(newcomer.class_name) for newcomer in free]))
            sealed |= {free[row].path for row in draw_test(strata, fraction, seed)[1]}
        return sealed


def look_at_numbers(settings: Data) -> NumberBatch:
    """Read data/incoming/ beside all known photos: as `photos.look_at_incoming`, and photos that no table names or that
    have no number are left out.

    Raises:
        IncomingError: two tables name one photo, or a table is a link, or a name cannot be kept.
        FolderError: the known photos cannot be read.
    """
    refuse_unwritable_names()
    waiting = waiting_files()
    if not waiting:
        return NumberBatch([])
    tables = tables_of(waiting)
    digests = {file.name: hash_path(file) for file in tables}
    known = [list_source(settings, KEEP / "unpacked"), *list_batches(has_classes=False)]
    try:
        listing = without_known(list_tables(tables, settings, len(known)), known[0], waiting)
    except FolderError as error:
        return NumberBatch([], tables=digests, faulty=[str(error)])
    examples = read_examples([*known, listing], settings.image_size, KEEP / "read", has_classes=False)
    gone = clean(examples, as_gate(settings)).gone
    first = len(examples.photos) - len(listing.photos)
    faults = {row - first: quarantined.reason for row, quarantined in gone.items()}
    newcomers = _newcomers(listing, faults, waiting)
    shutil.rmtree(KEEP, ignore_errors=True)
    pairs = zip(listing.photos, listing.files, strict=True)
    groups = {within(file): photo.group for photo, file in pairs if photo.group is not None}
    return NumberBatch(newcomers, tables=digests, groups=groups, sides=_known_sides(known))


def _newcomers(listing: Listing, faults: Mapping[int, str], waiting: Mapping[str, Path]) -> list[Newcomer]:
    """The photos that tables name, what is left out of these, and what no table names.

    Args:
        faults: row of the listing → why its photo goes.
        waiting: as `waiting_files` gives it.
    """
    found = [
        Newcomer(within(file), photo.class_name, hash_path(file), faults.get(row, ""))
        for row, (photo, file) in enumerate(zip(listing.photos, listing.files, strict=True))
    ]
    for left in listing.left_out:
        path, sha256 = as_waiting(left.example, waiting)
        found.append(Newcomer(path, left.class_name, sha256, left.reason))
    named = {readable(newcomer.path) for newcomer in found} | {readable(file.name) for file in tables_of(waiting)}
    for name in sorted(waiting.keys() - named):
        path, sha256 = as_waiting(name, waiting)
        found.append(Newcomer(path, "", sha256, UNNAMED))
    return found


def _one_of_each_group(known: Prepared) -> np.ndarray:
    """(M,) numbers, as few as the new ones are thinned to: tests of a shift take examples as independent."""
    return RowSample(known.labels, known.labels, known.groups).one_of_each_group.targets


def _known_sides(known: Sequence[Listing]) -> dict[str, str]:
    """Group → the side that its photos are on, as data/prepared has them."""
    sides = {"development": DEVELOPMENT, "test": TEST}
    places = {str(example): side for side, folder in sides.items() for example in load_prepared(folder).example_ids}
    return {
        photo.group: places[photo.example]
        for listing in known
        for photo in listing.photos
        if photo.group is not None and photo.example in places
    }
