"""A folder of labelled photos: one sub-folder a class, or train/, val/ and test/ with one sub-folder a class each."""

from __future__ import annotations

import logging
import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.datasets.file_kinds import endings_of, is_system_file, is_system_folder, looks_like_photo
from pipeline.params.data import ARCHIVES

SPLITS = ("train", "val", "test")
OTHER_NAMES = {"training": "train", "valid": "val", "validation": "val", "dev": "val", "testing": "test"}
LIKE_SPLITS = {*SPLITS, *OTHER_NAMES}
NO_PHOTOS = "is no photo, in a folder without any"

log = logging.getLogger("kiyas")


def name_of_split(written: str) -> str:
    """As this project calls the split that a table of labels names; a name that is none stays."""
    name = written.strip().lower()
    return OTHER_NAMES.get(name, name)


class FolderError(ValueError):
    """A folder of photos from which nothing can be learnt as it is.

    Attributes:
        left_out: what had been left out by then, for quarantine.csv.
    """

    def __init__(self, message: str, left_out: Sequence[Quarantined] = ()) -> None:
        super().__init__(message)
        self.left_out = list(left_out)


@dataclass(frozen=True, order=True, slots=True)
class Photo:
    """One file.

    Attributes:
        example: its name everywhere: the path within its folder, with slashes.
        split: train, val or test; None where the folder has none.
        class_name: its label: the class, or the number to predict as `labels.numbers.number_text` writes it.
        group: photos of one group must never be in two splits, such as photos of one patient; None: it has none.
        root: 0 for the folder itself, 1, 2, … for the batches that were accepted later.
    """

    example: str
    split: str | None
    class_name: str
    group: str | None = None
    root: int = 0


@dataclass(frozen=True)
class Quarantined:
    """A row of quarantine.csv: what was left out, why, and which kept example it repeats."""

    example: str
    reason: str
    duplicate_of: str
    split: str
    class_name: str


@dataclass(frozen=True)
class Listing:
    """What was found, before any file is opened.

    Attributes:
        photos: sorted by example.
        files: of these, in the same order.
        left_out: what is no file that could be read.
    """

    photos: list[Photo]
    files: list[Path]
    left_out: list[Quarantined] = field(default_factory=list)


def quarantine(photo: Photo, reason: str, duplicate_of: str = "") -> Quarantined:
    return Quarantined(photo.example, reason, duplicate_of, photo.split or "", photo.class_name)


def list_class_folders(folder: Path, prefix: str = "", root: int = 0) -> Listing:
    """All files under the class folders, sorted by path; hidden ones are left out.

    A folder without anything that looks like a photo is no class; what systems add by themselves is not looked at.

    Args:
        prefix: goes before each example's path within the folder.

    Raises:
        FolderError: when there are no class folders, or splits that do not fit together.
    """
    tops = _folders_in(folder)
    if not tops:
        raise FolderError(
            f"{folder}: has no class folders; make one sub-folder a class and put its photos inside{_instead(folder)}"
        )
    if _comes_in_splits(folder, tops, train_needed=root == 0):
        places: list[tuple[str, str | None, str]] = [
            (f"{split}/{name}", split, name) for split in tops for name in _classes_of_split(folder, split)
        ]
    else:
        places = [(name, None, name) for name in tops]
        _warn_of_strays(folder)
    found: list[tuple[Photo, Path]] = []
    left_out = []
    for inside, split, class_name in places:
        for file, fault in _files_under(folder / inside, folder.resolve()):
            example = prefix + readable(file.relative_to(folder).as_posix())
            photo = Photo(example, split, readable(class_name), root=root)
            if fault:
                left_out.append(quarantine(photo, fault))
            else:
                found.append((photo, file))
    found.sort(key=lambda pair: pair[0].example)
    found, strays = _without_photoless_classes(folder, found, {readable(name) for _, _, name in places})
    return Listing([photo for photo, _ in found], [file for _, file in found], left_out + strays)


def _instead(folder: Path) -> str:
    """What a folder without class folders holds: archives, or photos that a table may describe."""
    files = sorted(child for child in folder.iterdir() if not is_system_file(child.name))
    if packed := [file.name for file in files if file.name.lower().endswith((*ARCHIVES, ".rar", ".7z"))]:
        return f" (it holds {packed[0]}: unpack that)"
    if photos := [file.name for file in files if looks_like_photo(file)]:
        return (
            f", or name the table that labels them in data.labels ({len(photos)} photos lie in it, as {photos[0]} does)"
        )
    return ""


def _without_photoless_classes(
    folder: Path, found: list[tuple[Photo, Path]], names: set[str]
) -> tuple[list[tuple[Photo, Path]], list[Quarantined]]:
    """Leave out folders of annotations and the like, which hold no photo, and say so."""
    files = defaultdict(list)
    for photo, file in found:
        files[photo.class_name].append(file)
    photoless = {name for name in names if not any(map(looks_like_photo, files[name]))}
    for name in sorted(photoless):
        held = f"{len(files[name])} files, {endings_of(files[name])}" if files[name] else "it is empty"
        log.warning("%s: %s holds no photos (%s) and is not taken for a class", folder, name, held)
    strays = [quarantine(photo, NO_PHOTOS) for photo, _ in found if photo.class_name in photoless]
    return [pair for pair in found if pair[0].class_name not in photoless], strays


def readable(name: str) -> str:
    """A name as text: letters composed (macOS takes ç apart, others do not), bytes that are no UTF-8 spelt out."""
    return unicodedata.normalize("NFC", name).encode("utf-8", "backslashreplace").decode("utf-8")


def fault_of(file: Path, root: Path) -> str | None:
    """Why a path is not to be opened; None for a file within the folder `root` (resolved)."""
    try:
        target = file.resolve(strict=True)
    except (OSError, RuntimeError, ValueError):  # ValueError: a name that no file can have
        return "is a link that leads nowhere" if os.path.islink(file) else "there is no such file"
    if not target.is_relative_to(root):
        return "is a link out of the folder" if file.is_symlink() else "lies outside the folder"
    if target.is_dir():
        return "is a link to a folder" if file.is_symlink() else "is a folder"
    return None if target.is_file() else "is no regular file"


def _files_under(folder: Path, root: Path) -> Iterator[tuple[Path, str | None]]:
    """Every visible file at any depth, and what is wrong with it; links to folders are not followed."""
    if folder.is_symlink():
        yield folder, fault_of(folder, root)
        return
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if is_system_file(entry.name) or is_system_folder(entry.name):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _files_under(Path(entry), root)
            elif entry.is_file(follow_symlinks=False):
                yield Path(entry), None
            else:
                yield Path(entry), fault_of(Path(entry), root)


def _comes_in_splits(folder: Path, tops: list[str], train_needed: bool) -> bool:
    """Whether the top folders are splits. Classes called Train and Test would be a mistake that nobody sees."""
    alike = [name for name in tops if name.lower() in LIKE_SPLITS]
    if alike != tops and not ("train" in tops and _folders_in(folder / "train")):
        return False
    unknown = [name for name in tops if name not in SPLITS]
    if unknown or ("train" not in tops and train_needed):
        raise FolderError(
            f"{folder}: holds {', '.join(tops)}: splits are called train, val and test (train must be there); rename "
            "them, and move everything else out"
        )
    return True


def _classes_of_split(folder: Path, split: str) -> list[str]:
    names = _folders_in(folder / split)
    if not names:
        raise FolderError(f"{folder / split}: has no class folders; put its photos into one sub-folder a class")
    _warn_of_strays(folder / split)
    return names


def _folders_in(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise FolderError(f"{folder}: there is no such folder; correct data.path in params.yaml")
    return sorted(child.name for child in folder.iterdir() if child.is_dir() and not is_system_folder(child.name))


def _warn_of_strays(folder: Path) -> None:
    strays = sorted(child.name for child in folder.iterdir() if child.is_file() and not is_system_file(child.name))
    if strays:
        unused = f"{len(strays)} files beside the class folders are not used, such as"
        if len(strays) == 1:
            unused = "a file beside the class folders is not used:"
        log.warning("%s: %s %s", folder, unused, strays[0])
