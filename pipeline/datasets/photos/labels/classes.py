"""Classes of photos: whether they can be told apart and learned from, and how many photos each has."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from pipeline.datasets.cells.text import spelled_alike
from pipeline.datasets.photos.folders import FolderError, Photo, Quarantined

FEWEST = 5  # photos a class to learn from: each seed's training and validation need some, cross-validation has 5 folds

log = logging.getLogger("kiyas")


def check_classes(
    name: Path, photos: Iterable[Photo], left_out: Sequence[Quarantined] = (), labelled: bool = False
) -> None:
    """Refuse what cannot be compared: a single class, one that is only in test, two whose names differ in case alone.

    Args:
        left_out: goes with the refusal.
        labelled: whether a table says the classes, not folders.

    Raises:
        FolderError: naming the classes.
    """
    photos = list(photos)
    learnt = {photo.class_name for photo in photos if photo.split != "test"}
    unlearnt = sorted({photo.class_name for photo in photos if photo.split == "test"} - learnt)
    if unlearnt:
        raise FolderError(
            f"{name}: {', '.join(unlearnt)}: in test/ but not in train/; no model can learn a class that it never "
            "sees: add it to train/, or remove it from test/",
            left_out,
        )
    if len(learnt) < 2:
        none, wanted = (
            ("no row with a photo", "labels") if labelled else ("no photo in any class folder", "class folders")
        )
        found = f"only one class with photos, {min(learnt)!r}" if learnt else none
        deeper = "" if labelled else _deeper(photos)
        raise FolderError(
            f"{name}: {found}; there is nothing to tell apart: give at least two {wanted}{deeper}",
            left_out,
        )
    if alike := next(iter(spelled_alike(learnt)), None):
        how = "case" if len({class_name.casefold() for class_name in alike}) == 1 else "case, blanks or spelling"
        counts = Counter(photo.class_name for photo in photos)
        raise FolderError(
            f"{name}: classes {' and '.join(alike)} differ in {how} alone "
            f"({', '.join(f'{counts[name]} photos' for name in alike)}), so they are most likely one class; "
            "give them one name",
            left_out,
        )


def describe_classes(photos: Iterable[Photo], most: int = 20) -> str:
    """Such as "2 classes: Apple 30 (10 in test), Pear 20"."""
    photos = list(photos)
    counts, tests = (
        Counter(photo.class_name for photo in photos if not test or photo.split == "test") for test in (False, True)
    )
    named = [
        f"{name} {count}{f' ({tests[name]} in test)' if tests[name] else ''}" for name, count in sorted(counts.items())
    ]
    more = f" and {len(named) - most} more" if len(named) > most else ""
    return f"{len(named)} class{'' if len(named) == 1 else 'es'}: {', '.join(named[:most])}{more}"


def _deeper(photos: Sequence[Photo]) -> str:
    """A hint at what may be the classes where all photos lie in one folder of folders."""
    folders = {PurePosixPath(photo.example).parent for photo in photos if photo.split is None}
    outer = PurePosixPath(os.path.commonpath(folders)) if folders else PurePosixPath()
    inner = sorted({path.parts[len(outer.parts)] for path in folders if path != outer})
    if not outer.parts or len(inner) < 2:
        return ""
    return f" (are {', '.join(inner[:5])} the classes? then name the folder {outer} in data.path)"


def check_counts(name: Path, class_names: Sequence[str], development: Counter[str], test: Counter[str]) -> None:
    """Refuse classes with too few usable photos to learn from; warn of those that the test split lacks.

    Raises:
        FolderError: naming each such class and what it has.
    """
    few = [f"{name} has {development[name]}" for name in class_names if development[name] < FEWEST]
    if few:
        raise FolderError(
            f"{name}: too few usable photos to learn from: {', '.join(few)}; each class needs at least {FEWEST} "
            "outside the test split: add photos, or move the class out of the folder"
        )
    absent = [name for name in class_names if not test[name]]
    if len(absent) == len(class_names):
        raise FolderError(f"{name}: the test split has no usable photo; add some, or remove test/ to have it drawn")
    if absent:
        log.warning("no test photo of %s: the answer says nothing about them", ", ".join(absent))
