"""The user's own photos as `prepare` will find them, from their names and the heads of their files alone."""

from __future__ import annotations

import statistics
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from pipeline.datasets.photos.chunks import quieten
from pipeline.datasets.photos.decoding import PhotoError, size_of
from pipeline.datasets.photos.folders import Listing, Photo, Quarantined, quarantine
from pipeline.datasets.photos.labels.classes import check_classes, check_counts, describe_classes
from pipeline.datasets.photos.labels.numbers import check_labels, check_sides, describe_numbers, numbers_of
from pipeline.datasets.photos.reasons import commonest, with_reasons
from pipeline.datasets.store.splits import draw_test, quantile_strata
from pipeline.params.data import Data

LOOKED_AT = 2000  # files whose heads are read; of more, as many at even distances
WIDER = 2.0  # times image_size, from which on it is said what a larger one would keep


@dataclass(frozen=True)
class Looked:
    """What the heads of some files say.

    Attributes:
        sizes: (width, height) of each that is a photo.
        failures: those that are none, by their place in the listing.
        whole: whether every file was looked at.
    """

    sizes: list[tuple[int, int]]
    failures: dict[int, Quarantined]
    whole: bool


def describe_photos(
    listing: Listing, settings: Data, looked: Looked | None = None, advises_size: bool = True
) -> list[str]:
    """What there is to learn from and to test on, what will be left out, and how large the photos are.

    Args:
        looked: what the heads of the files say, where somebody has looked already.
        advises_size: whether another data.image_size is proposed; not where somebody chooses it anyway.

    Raises:
        FolderError: `prepare` would refuse it, whatever it finds when it decodes the photos.
    """
    looked = looked or look_at(listing)
    usable = usable_photos(listing, looked)
    left_out = [*listing.left_out, *looked.failures.values()]
    with with_reasons(left_out):
        labels = (_described_classes if settings.has_classes else _described_numbers)(usable, left_out, settings)
    seen = "" if looked.whole else f" of the {LOOKED_AT} files that were looked at"
    return [
        *labels,
        *_described_sizes(looked.sizes, settings.image_size),
        *(_advised_size(looked.sizes, settings.image_size) if advises_size else []),
        *(f"{line}{seen}" for line in commonest(left_out)),
    ]


def _described_classes(usable: Sequence[Photo], left_out: Sequence[Quarantined], settings: Data) -> list[str]:
    """
    Raises:
        FolderError: they cannot be compared.
    """
    check_classes(Path(settings.path), usable, left_out)
    if (sides := count_sides(usable, settings)) is None:
        return [describe_classes(usable)]
    check_counts(Path(settings.path), sorted({photo.class_name for photo in usable}), *sides)
    return [describe_classes(usable), _described_sides(sides[0].total(), sides[1].total(), usable, settings)]


def _described_numbers(usable: Sequence[Photo], left_out: Sequence[Quarantined], settings: Data) -> list[str]:
    """
    Raises:
        FolderError: there is nothing to predict.
    """
    check_labels(Path(settings.path), usable, left_out)
    numbers, tests = numbers_of(usable), _tests_among(usable, quantile_strata(numbers_of(usable)), settings)
    if tests is None:
        return [describe_numbers(numbers)]
    in_test = np.isin(np.arange(len(numbers)), list(tests))
    check_sides(Path(settings.path), numbers[~in_test], numbers[in_test])
    return [describe_numbers(numbers), _described_sides((~in_test).sum(), in_test.sum(), usable, settings)]


def usable_photos(listing: Listing, looked: Looked) -> list[Photo]:
    """Those that were not found to be no photo."""
    return [photo for row, photo in enumerate(listing.photos) if row not in looked.failures]


def look_at(listing: Listing) -> Looked:
    """Read the heads of the files; more than LOOKED_AT are stood for by some, as many of each part of the folder."""
    count = len(listing.files)
    rows = range(count) if count <= LOOKED_AT else np.linspace(0, count - 1, LOOKED_AT).astype(int).tolist()
    sizes, failures = [], {}
    with warnings.catch_warnings():
        quieten()
        for row in rows:
            try:
                sizes.append(size_of(listing.files[row]))
            except PhotoError as error:
                failures[row] = quarantine(listing.photos[row], str(error))
    return Looked(sizes, failures, len(rows) == count)


def count_sides(photos: Sequence[Photo], settings: Data) -> tuple[Counter[str], Counter[str]] | None:
    """How many photos of each class to learn from, and to test on, where none repeats another.

    None where groups are divided, which `prepare` does when it knows which photos it has.
    """
    names = [photo.class_name for photo in photos]
    numbers = {name: number for number, name in enumerate(sorted(set(names)))}
    tests = _tests_among(photos, np.array([numbers[name] for name in names], np.int64), settings)
    if tests is None:
        return None
    learnt = Counter(name for row, name in enumerate(names) if row not in tests)
    return learnt, Counter(names[row] for row in tests)


def _tests_among(photos: Sequence[Photo], strata: np.ndarray, settings: Data) -> set[int] | None:
    """Rows of the photos to test on; None where groups are divided, which `prepare` does."""
    if any(photo.split == "test" for photo in photos):
        return {row for row, photo in enumerate(photos) if photo.split == "test"}
    if any(photo.group for photo in photos):
        return None
    return set(draw_test(strata, settings.test_fraction, settings.seed)[1].tolist())


def _described_sizes(sizes: Sequence[tuple[int, int]], image_size: int) -> Iterator[str]:
    if not sizes:
        return
    by_area = sorted(sizes, key=lambda size: (prod(size), size))
    usual = by_area[len(sizes) // 2]
    yield (
        f"{_times(by_area[0])} to {_times(by_area[-1])} pixels, half of them {_times(usual)} or larger; each becomes "
        f"{_times((image_size, image_size))} (data.image_size)"
    )


def _advised_size(sizes: Sequence[tuple[int, int]], image_size: int) -> Iterator[str]:
    """What another data.image_size would keep, or save."""
    side = statistics.median(min(size) for size in sizes) if sizes else image_size
    if side >= WIDER * image_size:
        larger = 224 if image_size < 224 <= side else 2 * image_size
        cost = (larger / image_size) ** 2
        yield f"data.image_size: {larger} would keep finer detail, for about {cost:.1f} times the time and disk"
    elif side < image_size:
        yield f"most are smaller than data.image_size and are enlarged; {int(side)} would cost less and lose nothing"


def _described_sides(learnt: int, tests: int, photos: Sequence[Photo], settings: Data) -> str:
    drawn = f"data.test_fraction: {settings.test_fraction:g}"
    given = "the folder's own test split" if any(photo.split == "test" for photo in photos) else drawn
    return f"{learnt} to learn from, {tests} to test on ({given}), less those that repeat another"


def _times(size: tuple[int, int]) -> str:
    return f"{size[0]}×{size[1]}"
