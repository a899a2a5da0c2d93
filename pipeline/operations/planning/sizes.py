"""How many examples there are to learn from and to test on, as far as is known before `prepare` has run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile, ZipFile, is_zipfile

from pipeline.datasets.accepted import ACCEPTED
from pipeline.datasets.file_kinds import PHOTO_ENDINGS
from pipeline.datasets.sources.photos import SOURCES
from pipeline.ground.files import DamagedFileError, read_json
from pipeline.ground.paths import DATASET
from pipeline.params.data import TABLE_FILES, Data

UNKNOWN = 1000  # examples, where nobody has counted them


@dataclass(frozen=True)
class Sizes:
    """
    Attributes:
        development: examples to learn from, validation included.
        test: sealed ones.
        classes: how many there are; None of numbers, and where nobody knows yet.
    """

    development: int
    test: int
    classes: int | None = None


def sizes_of(data: Data, checkout: Path = Path(), known: Sizes | None = None) -> Sizes:
    """
    Args:
        known: what there is before `data.limit`, where that is known better than from data/prepared.
    """
    if known is None and (counted := _prepared(data, checkout)):
        return counted
    if known is None and data.fetch and data.fetch[0] in PREPARED_SOURCES:
        known = PREPARED_SOURCES[data.fetch[0]]
    elif known is None:
        known = divided(counted_examples(data, checkout) or UNKNOWN, data)
    return Sizes(_limited(known.development, data), _limited(known.test, data), known.classes)


def divided(examples: int, data: Data, classes: int | None = None) -> Sizes:
    """So many examples, of which the test split is still to be drawn."""
    test = round(examples * data.test_fraction)
    return Sizes(examples - test, test, classes)


def _prepared(data: Data, checkout: Path) -> Sizes | None:
    """As `prepare` has counted them, where it did so of these data and by no smaller limit; None where it did not."""
    try:
        dataset = read_json(checkout / DATASET)
        source = dataset["source"]
        target = data.target or (data.labels.label if data.labels and not data.has_classes else None)
        asked = next(iter(data.fetch), None), data.path, target
        if (source.get("name"), source.get("path"), dataset.get("target")) != asked:
            return None
        sizes, limit = dataset["sizes"], dataset.get("limit")
        counted = Sizes(sizes["development"], sizes["test"], len(dataset.get("class_names") or []) or None)
        if limit == data.limit:  # what was accepted since stands outside the limit
            return counted
        if limit is not None and (data.limit is None or limit < data.limit):
            return None
        return Sizes(_limited(counted.development, data), _limited(counted.test, data), counted.classes)
    except (OSError, DamagedFileError, KeyError, TypeError, AttributeError):
        return None


# What `prepare` keeps of a source that brings a test split of its own.
PREPARED_SOURCES = {"groceries": Sizes(732, 661, classes=14)}


def counted_examples(data: Data, checkout: Path = Path()) -> int | None:
    """Photos or rows that `prepare` will find, by their names or ends alone; None where there is nothing to count. Rows
    that were accepted later are left out, photos are not."""
    found = _photos_of_source(data) or _own_examples(data, checkout)
    return found + _photos_in(checkout / ACCEPTED) if found and data.kind == "images" else found


def _photos_of_source(data: Data) -> int | None:
    source = SOURCES.get(data.fetch[0]) if data.fetch else None
    return source.photos if source else None


def _limited(number: int, data: Data) -> int:
    return number if data.limit is None else min(number, data.limit)


def _photos_in(folder: Path) -> int:
    """By their names, sub-folders included."""
    return sum(_is_photo(name) for _, _, names in os.walk(folder) for name in names)


def _own_examples(data: Data, checkout: Path) -> int | None:
    """Photos in an own folder or zip by their names, rows of a CSV by its lines, of Parquet by what its end says."""
    place = checkout / data.path
    try:
        if place.is_dir():
            return _photos_in(place) or None
        if is_zipfile(place):
            with ZipFile(place) as archive:
                return sum(_is_photo(name) for name in archive.namelist()) or None
        if place.suffix.lower() == ".parquet":
            import pyarrow.parquet

            return int(pyarrow.parquet.read_metadata(place).num_rows)
        if place.suffix.lower() in TABLE_FILES:
            with place.open("rb") as lines:
                return max(sum(1 for _ in lines) - 1, 0) or None
    except (OSError, ValueError, BadZipFile, NotImplementedError):  # the stage that reads it says what is wrong with it
        return None
    return None


def _is_photo(name: str) -> bool:
    return Path(name).suffix.lower() in PHOTO_ENDINGS
