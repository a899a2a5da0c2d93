"""A folder of labelled photos: one sub-folder a class, or train/, val/ and test/ with one sub-folder a class each."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SPLITS = ("train", "val", "test")
LIKE_SPLITS = {*SPLITS, "training", "valid", "validation", "dev", "testing"}
FEWEST = 5  # photos a class to learn from: each seed's training and validation need some, cross-validation has 5 folds

log = logging.getLogger("kiyas")


class FolderError(ValueError):
    """A folder of photos from which nothing can be learnt as it is."""


@dataclass(frozen=True, order=True)
class Photo:
    """One file. `example` is its path within the folder, with slashes; `split` is None where the folder has none."""

    example: str
    split: str | None
    class_name: str


def list_photos(folder: Path) -> list[Photo]:
    """All files under the class folders, sorted by path; hidden ones are left out.

    Raises:
        FolderError: when there are no class folders, only one, or splits that do not fit together.
    """
    tops = _folders_in(folder)
    if not tops:
        raise FolderError(f"{folder}: has no class folders; make one sub-folder a class and put its photos inside")
    if _comes_in_splits(folder, tops):
        photos = [photo for split in tops for photo in _photos_of_split(folder, split)]
    else:
        photos = [photo for name in tops for photo in _photos_under(folder, name, None, name)]
        _warn_of_strays(folder)
    _check_names(folder, photos)
    _check_classes(folder, photos)
    return sorted(photos)


def check_counts(folder: Path, class_names: Sequence[str], development: Counter[str], test: Counter[str]) -> None:
    """Refuse classes with too few usable photos to learn from; warn of those that the test split lacks.

    Raises:
        FolderError: naming each such class and what it has.
    """
    few = [f"{name} has {development[name]}" for name in class_names if development[name] < FEWEST]
    if few:
        raise FolderError(
            f"{folder}: too few usable photos to learn from: {', '.join(few)}; each class needs at least {FEWEST} "
            "outside the test split: add photos, or move the class out of the folder"
        )
    absent = [name for name in class_names if not test[name]]
    if len(absent) == len(class_names):
        raise FolderError(f"{folder}: the test split has no usable photo; add some, or remove test/ to have it drawn")
    if absent:
        log.warning("no test photo of %s: the answer says nothing about them", ", ".join(absent))


def _comes_in_splits(folder: Path, tops: list[str]) -> bool:
    """Whether the top folders are splits. Classes called Train and Test would be a mistake that nobody sees."""
    alike = [name for name in tops if name.lower() in LIKE_SPLITS]
    if alike != tops and not ("train" in tops and _folders_in(folder / "train")):
        return False
    unknown = [name for name in tops if name not in SPLITS]
    if unknown or "train" not in tops:
        raise FolderError(
            f"{folder}: holds {', '.join(tops)}: splits are called train, val and test (train must be there); rename "
            "them, and move everything else out"
        )
    return True


def _photos_of_split(folder: Path, split: str) -> list[Photo]:
    names = _folders_in(folder / split)
    if not names:
        raise FolderError(f"{folder / split}: has no class folders; put its photos into one sub-folder a class")
    _warn_of_strays(folder / split)
    return [photo for name in names for photo in _photos_under(folder, f"{split}/{name}", split, name)]


def _photos_under(folder: Path, inside: str, split: str | None, class_name: str) -> list[Photo]:
    files = (file.relative_to(folder) for file in (folder / inside).rglob("*") if file.is_file())
    visible = (file for file in files if not any(part.startswith(".") for part in file.parts))
    return [Photo(file.as_posix(), split, class_name) for file in visible]


def _check_names(folder: Path, photos: list[Photo]) -> None:
    for photo in photos:
        try:
            photo.example.encode()
        except UnicodeEncodeError:
            raise FolderError(f"{folder}: {photo.example!a}: a name that is not UTF-8; rename it") from None


def _check_classes(folder: Path, photos: list[Photo]) -> None:
    learnt = {photo.class_name for photo in photos if photo.split != "test"}
    unlearnt = sorted({photo.class_name for photo in photos if photo.split == "test"} - learnt)
    if unlearnt:
        raise FolderError(
            f"{folder}: {', '.join(unlearnt)}: in test/ but not in train/; no model can learn a class that it never "
            "sees: add it to train/, or remove it from test/"
        )
    if len(learnt) < 2:
        found = f"only one class with photos, {learnt.pop()!r}" if learnt else "no photo in any class folder"
        raise FolderError(f"{folder}: {found}; there is nothing to tell apart: give at least two class folders")


def _folders_in(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise FolderError(f"{folder}: there is no such folder; correct data.path in params.yaml")
    return sorted(child.name for child in folder.iterdir() if child.is_dir() and not child.name.startswith("."))


def _warn_of_strays(folder: Path) -> None:
    strays = sorted(child.name for child in folder.iterdir() if child.is_file() and not child.name.startswith("."))
    if strays:
        log.warning("%s: %d files beside the class folders are not used, such as %s", folder, len(strays), strays[0])
