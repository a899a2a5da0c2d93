"""What waits in data/incoming/ where numbers are predicted: photos, and tables at the top that name each number."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.datasets.cells.numbers import NumberFormat
from pipeline.datasets.cells.reading import read_header
from pipeline.datasets.photos.folders import Listing, Photo, Quarantined, fault_of, readable
from pipeline.datasets.photos.label_table import read_label_table, read_labelled
from pipeline.datasets.photos.labels.numbers import format_of, formats_of
from pipeline.ground.files import read_json
from pipeline.ground.fingerprints import hash_path
from pipeline.operations.retraining.intake.batches import accepted_batches
from pipeline.operations.retraining.intake.incoming import INCOMING, TABLES, IncomingError, is_offered
from pipeline.params.data import Data


def waiting_files() -> dict[str, Path]:
    """Path within data/incoming, as text → the file, whose letters may be composed otherwise."""
    return {readable(within(file)): file for file in sorted(INCOMING.rglob("*")) if is_offered(file)}


def tables_of(waiting: Mapping[str, Path]) -> list[Path]:
    """
    Raises:
        IncomingError: one of them is a link.
    """
    tables = [file for file in waiting.values() if file.parent == INCOMING and file.suffix.lower() in TABLES]
    if link := next((table for table in tables if table.is_symlink()), None):
        raise IncomingError(f"{link}: is a link; put the table itself there")
    return tables


def list_tables(tables: Sequence[Path], settings: Data, root: int) -> Listing:
    """The photos that the tables name.

    Args:
        root: see `Photo`.

    Raises:
        IncomingError: two of them name one photo.
        FolderError: one of them cannot be read as labels of the study.
    """
    assert settings.labels is not None
    photos, files, left_out, named_by = list[Photo](), list[Path](), list[Quarantined](), dict[str, str]()
    usual = _format_of_study(settings)
    for table in tables:
        labels = settings.labels.model_copy(update={"file": table.name, "split": None})
        listing = read_labelled(INCOMING, labels, settings.missing, formats_of(settings), root=root, usual=usual)
        for photo, file in zip(listing.photos, listing.files, strict=True):
            if (other := named_by.setdefault(photo.example, table.name)) != table.name:
                raise IncomingError(
                    f"{INCOMING / table.name}: names {photo.example}, as {other} does; leave it in one of them"
                )
            photos.append(photo)
            files.append(file)
        left_out += listing.left_out
    return Listing(photos, files, left_out)


def _format_of_study(settings: Data) -> NumberFormat | None:
    """How the study's table writes its numbers; None where it lies in an archive, or is not there any more."""
    assert settings.labels is not None
    file = Path(settings.path) / settings.labels.file
    if not file.is_file():
        return None
    labels = read_label_table(file, settings.labels, settings.missing, of_numbers=True)["label"]
    return format_of(labels, settings.labels.label, formats_of(settings) or {}, read_header(file)[1])


def without_known(listing: Listing, study: Listing, waiting: Mapping[str, Path]) -> Listing:
    """Without rows of photos that the study has, or that an earlier batch took in: a table may grow."""
    known = {readable(path) for batch in accepted_batches() for path in read_json(batch / "batch.json")["files"]}
    known |= {photo.example for photo in study.photos} | {left.example for left in study.left_out}
    left_out = [left for left in listing.left_out if left.example in waiting or left.example not in known]
    return Listing(listing.photos, listing.files, left_out)


def as_waiting(example: str, waiting: Mapping[str, Path]) -> tuple[str, str]:
    """Path within data/incoming as it is on disk, and SHA-256 of what is to be moved into the batch's quarantine.

    The hash is "" where there is nothing to move: a path that leads out of the folder, or a link that does, is named
    and left alone.
    """
    file = waiting.get(example)
    if file is None or fault_of(file, INCOMING.resolve()) is not None:
        return example, ""
    return within(file), hash_path(file)


def within(file: Path) -> str:
    """Its place in data/incoming, with its letters composed as they are on disk, however the path leads there."""
    home, place = Path(os.path.abspath(INCOMING)), Path(os.path.abspath(file))
    if not place.is_relative_to(home):
        home, place = home.resolve(), place.resolve()
    return place.relative_to(home).as_posix()
