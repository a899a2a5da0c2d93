"""Which photos there are: in class folders, in a table of paths, in an archive of either, and in accepted batches."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pipeline.datasets.accepted import ACCEPTED, CHOSEN, absent_batch
from pipeline.datasets.cells.numbers import PLAIN_FORMAT
from pipeline.datasets.photos.archives import is_archive, only_folder, unpack
from pipeline.datasets.photos.folders import FolderError, Listing, Photo, Quarantined, list_class_folders
from pipeline.datasets.photos.label_table import list_labelled, read_labelled
from pipeline.datasets.photos.labels.classes import check_classes
from pipeline.datasets.photos.labels.numbers import formats_of
from pipeline.params.data import Data, Labels

BATCH_LABELS = Labels(file="labels.csv", split="split", group="group")  # of a batch of photos with numbers
BATCH_FORMATS = {BATCH_LABELS.label: PLAIN_FORMAT}

log = logging.getLogger("kiyas")


def list_source(settings: Data, keep: Path) -> Listing:
    """What data.path holds.

    Args:
        keep: where an archive is unpacked.

    Raises:
        FolderError: when nothing can be learnt from it as it is.
    """
    folder, left_out = Path(settings.path), list[Quarantined]()
    if not is_archive(folder):
        return list_folder(folder, settings)
    unpacked, left_out = unpack(folder, keep)
    with _called(unpacked, folder, left_out):
        found = list_folder(unpacked, settings)
    return Listing(found.photos, found.files, left_out + found.left_out)


def list_folder(folder: Path, settings: Data) -> Listing:
    """A folder of class folders, or one that a table describes; either may lie within the only folder of another.

    Raises:
        FolderError: when nothing can be learnt from it as it is.
    """
    inner = folder
    if folder.is_dir() and (settings.labels is None or not (folder / settings.labels.file).is_file()):
        inner = only_folder(folder)
    if inner != folder:
        log.info("the photos are those in %s within it", inner.relative_to(folder))
    if settings.labels is None:
        return list_photos(inner)
    return list_labelled(inner, settings.labels, settings.missing, formats_of(settings))


def list_photos(folder: Path) -> Listing:
    """All photos under the class folders.

    Raises:
        FolderError: when there are no class folders, only one, or splits that do not fit together.
    """
    listing = list_class_folders(folder)
    check_classes(folder, listing.photos, listing.left_out)
    return listing


@contextmanager
def _called(unpacked: Path, archive: Path, left_out: list[Quarantined]) -> Iterator[None]:
    """A refusal within names the archive, not the folder that it is unpacked in."""
    try:
        yield
    except FolderError as error:
        message = str(error).replace(str(unpacked), str(archive))
        raise FolderError(message, [*left_out, *error.left_out]) from error


def list_batches(accepted: Path = ACCEPTED, has_classes: bool = True) -> list[Listing]:
    """What was accepted later: <batch>/photos/<train|val|test>/<class>/, in the order of the batches' names.

    Examples are called accepted/<batch>/<split>/<class>/<file>. The split is the one that the folders say. Where
    numbers are predicted, <batch>/photos/labels.csv says number, split and group of each photo.

    Raises:
        FolderError: for a batch whose photos do not lie in splits, or that only its .dvc file is here of.
    """
    if absent := absent_batch(accepted):
        raise FolderError(absent)
    batches = sorted(folder for folder in accepted.glob("*/photos") if folder.is_dir())
    listings = []
    for number, folder in enumerate(batches, start=1):
        prefix = f"{accepted.name}/{folder.parent.name}/"
        if (folder / BATCH_LABELS.file).is_file() == has_classes:
            of = "numbers" if has_classes else "classes"
            raise FolderError(
                f"{folder.parent}: was accepted for a study of {of}, and data.task is another now; move the batch and "
                "its .dvc file out of data/accepted, or set data.task back"
            )
        if not has_classes:
            listings.append(read_labelled(folder, BATCH_LABELS, None, BATCH_FORMATS, prefix, number))
            continue
        found = list_class_folders(folder, prefix, number)
        if any(photo.split is None for photo in found.photos):
            raise FolderError(f"{folder}: a batch has train/ and test/ with one sub-folder a class each; make it so")
        listings.append(replace(found, photos=[replace(photo, group=_thing(photo, prefix)) for photo in found.photos]))
    return listings


def _thing(photo: Photo, prefix: str) -> str | None:
    """What a photo of a batch shows, where people sorted it: a sub-folder of its class, on either side of the split."""
    _, class_name, *places, _ = photo.example.removeprefix(prefix).split("/")
    return f"{prefix}{class_name}/{'/'.join(places)}" if places and places[-1] != CHOSEN else None
