"""Labelled photos, in whatever shape they come → the prepared store."""

from __future__ import annotations

import logging
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.datasets.photos.decoding import WHITE
from pipeline.datasets.photos.examples import Cleaned, Examples, clean, read_examples, split_rows
from pipeline.datasets.photos.folders import FolderError, Listing, Quarantined
from pipeline.datasets.photos.labels.classes import check_counts
from pipeline.datasets.photos.labels.numbers import check_sides, describe_numbers
from pipeline.datasets.photos.listing import list_batches, list_source
from pipeline.datasets.photos.reading import Reading, due_reading
from pipeline.datasets.photos.reasons import with_reasons
from pipeline.datasets.sources.photos import SOURCES
from pipeline.datasets.store.prepared import task_of, write_prepared
from pipeline.datasets.store.splits import NONE_TO_DRAW, can_draw_groups
from pipeline.params.data import Data

KEEP = Path(".kiyas/prepare")  # unpacked archives and pixels that are read, until all is done

log = logging.getLogger("kiyas")


@dataclass(frozen=True)
class Built:
    """What prepare has made, whatever the kind of data.

    Attributes:
        facts: the content of dataset.json.
        left_out: the rows of quarantine.csv.
        summary: what to tell at the end, a line each.
    """

    facts: dict[str, Any]
    left_out: list[Quarantined]
    summary: list[str]


def build_photos(settings: Data, scratch: Path) -> Built:
    """Read, clean and split the photos of data.path and the batches accepted since; write scratch/{development,test}/.

    Raises:
        FolderError: when nothing can be learnt from them as they are.
        LeakageError: when there are repeated pictures, and the settings say that there must be none.
    """
    log.info("reading the photos in %s", settings.path)
    left_out: list[Quarantined] = []
    with with_reasons(left_out):
        listings = _list_all(settings)
        left_out += [row for listing in listings for row in listing.left_out]
        examples = read_examples(listings, settings.image_size, KEEP / "read", settings.has_classes)
        cleaned = clean(examples, settings)
        left_out += cleaned.gone.values()
        rows = split_rows(examples, cleaned, settings)
        left_out[:] = sorted([*examples.left_out, *cleaned.gone.values()], key=lambda row: row.example)
        counts = {split: examples.count(found) for split, found in rows.items()}
        groups = _groups_of(examples, rows)
        _check_groups(examples, rows, groups, settings)
        if settings.has_classes:
            check_counts(Path(settings.path), examples.class_names, counts["development"], counts["test"])
        else:
            check_sides(Path(settings.path), *(examples.labels[rows[split]] for split in ("development", "test")))
    hashes = {split: _write_split(scratch / split, examples, found, groups[split]) for split, found in rows.items()}
    facts = {"counts": counts, "sizes": {split: len(found) for split, found in rows.items()}, "hashes": hashes}
    facts |= {} if settings.has_classes else describe_target(examples, rows, settings)
    shutil.rmtree(KEEP, ignore_errors=True)
    return Built(
        describe(examples, settings, facts, cleaned) | {"quarantined": len(left_out)},
        left_out,
        summarise(examples, rows, left_out),
    )


def _list_all(settings: Data) -> list[Listing]:
    return [list_source(settings, KEEP / "unpacked"), *list_batches(has_classes=settings.has_classes)]


def due_reading_of(settings: Data) -> Reading:
    """What `build_photos` would have to read next; chunks that somebody else lays there it takes as they are.

    Raises:
        FolderError: when nothing can be learnt from the photos as they are.
    """
    files = [file for listing in _list_all(settings) for file in listing.files]
    return due_reading(files, settings.image_size, KEEP / "read")


def _groups_of(examples: Examples, rows: Mapping[str, np.ndarray]) -> dict[str, np.ndarray | None]:
    """Of each split (N,) int64: equal for photos of one group; None for all where no photo of any split has one."""
    groups = examples.groups(np.concatenate([*rows.values()]))
    if groups is None:
        return dict.fromkeys(rows)
    ends = np.cumsum([len(found) for found in rows.values()])
    return dict(zip(rows, np.split(groups, ends[:-1]), strict=True))


def _check_groups(
    examples: Examples, rows: Mapping[str, np.ndarray], groups: Mapping[str, np.ndarray | None], settings: Data
) -> None:
    """
    Raises:
        FolderError: groups that are not divided leave nothing to test on, or nothing to validate on.
    """
    of_development = groups["development"]
    if of_development is None:
        return
    named = settings.labels.group if settings.labels else None
    where = f"data.labels.group = {named!r}" if named else "photos of one thing"
    if not examples.class_names:
        if len(np.unique(of_development)) < 2 or not len(rows["test"]):
            raise FolderError(
                f"{settings.path}: {where}: too few groups to learn from, to validate on and to test on, since groups "
                "are not divided; give photos of at least three, or set data.labels.group to null"
            )
        return
    if not len(rows["test"]) and not examples.has_test:
        raise FolderError(
            f"{settings.path}: {where}: {NONE_TO_DRAW}, to test on; give each class photos of several groups, or set "
            "data.labels.group to null"
        )
    lower = "" if examples.has_test else "lower data.test_fraction, "
    if not can_draw_groups(examples.strata(rows["development"]), of_development):
        raise FolderError(
            f"{settings.path}: {where}: of what is left to learn from {NONE_TO_DRAW}, to validate on; give each class "
            f"photos of several groups, {lower}or set data.labels.group to null"
        )


def _write_split(folder: Path, examples: Examples, rows: np.ndarray, groups: np.ndarray | None) -> str:
    images, labels, ids = examples.decoded.images, examples.labels[rows], examples.ids(rows)
    return write_prepared(folder, images, rows, labels, ids, examples.class_names, groups)


def describe(examples: Examples, settings: Data, facts: dict[str, Any], cleaned: Cleaned) -> dict[str, Any]:
    """dataset.json: what was asked for, and what came of it."""
    name = next(iter(settings.fetch), None)
    package = SOURCES[name].package if name else None
    carrier = f"{package.name} {package.version} ({package.registry})" if package else None
    classes = examples.class_names
    return {
        "task": task_of(classes),
        "class_names": classes,
        "image_size": settings.image_size,
        "limit": settings.limit,
        "source": {"name": name, "path": settings.path, "package": carrier},
        **facts,
        "counts": {split: {name: found[name] for name in classes} for split, found in facts["counts"].items()},
        "test_split": "given" if examples.has_test else "drawn",
        "repeats": cleaned.repeats,
        **({} if examples.decoded.white == WHITE else {"white": examples.decoded.white}),
    }


def describe_target(examples: Examples, rows: dict[str, np.ndarray], settings: Data) -> dict[str, Any]:
    """What dataset.json says of a number to predict: its column, and what any model must beat: always the mean of the
    numbers to learn from."""
    assert settings.labels is not None
    mean = examples.labels[rows["development"]].mean()
    rmse = float(np.sqrt(np.square(examples.labels[rows["test"]] - mean).mean()))
    return {"target": settings.labels.label, "floor": {"says": "the mean", "test_rmse": rmse}}


def doubts_of_range(largest: np.ndarray, white: int) -> list[str]:
    """What to tell of pictures of 16 bits whose ranges differ.

    Args:
        largest: (N,) the largest value of each, 0 of other pictures.
    """
    dark = int(((largest > 0) & (largest < white / 8)).sum())
    if not dark:
        return []
    return [
        f"{dark} of {int((largest > 0).sum())} pictures of 16 bits go no further than an eighth of {white}, which is "
        "white in all of them: where they have a range of their own, convert them to 8 bits"
    ]


def _counted(examples: Examples, rows: dict[str, np.ndarray], most: int = 20) -> str:
    """Such as "Apple 25 and 10 in test, Pear 20 and 5 in test"."""
    development, test = (examples.count(rows[split]) for split in ("development", "test"))
    named = [f"{name} {development[name]} and {test[name]} in test" for name in examples.class_names]
    return ", ".join(named[:most]) + (f" and {len(named) - most} more" if len(named) > most else "")


def summarise(examples: Examples, rows: dict[str, np.ndarray], left_out: list[Quarantined]) -> list[str]:
    """What was kept, and what was left out for which reason."""
    development, test = len(rows["development"]), len(rows["test"])
    total = len(examples.photos) + len(examples.left_out)
    kept = f"kept {development + test} of {total} photos"
    kept += f" in {len(examples.class_names)} classes" if examples.class_names else ""
    lines = [f"{kept}: {development} to learn from, {test} sealed as test"]
    if unchosen := total - len(left_out) - development - test:
        lines.append(f"left out {unchosen}: more than data.limit asks for")
    if examples.class_names:
        lines.append(f"classes: {_counted(examples, rows)}")
    else:
        sides = {split: describe_numbers(examples.labels[chosen]) for split, chosen in rows.items()}
        lines.append("; ".join(f"{split}: {numbers}" for split, numbers in sides.items()))
    lines += doubts_of_range(examples.decoded.largest, examples.decoded.white)
    reasons = Counter(row.reason for row in left_out).most_common()
    return lines + [f"left out {number}: {reason}" for reason, number in reasons]
