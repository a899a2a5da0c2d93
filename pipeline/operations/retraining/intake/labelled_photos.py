"""Photos that somebody labelled in a table → data/incoming/<class>/: what `label-next` proposes, filled in.

The photos of such a table were chosen because models are unsure of them, so they are no sample of what will come. They
lie in a sub-folder of their class by which they are known ever after: they are never sealed as test, where they would
make every model look worse than it is, and as photos of one folder they count once where drift is measured.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from pipeline.datasets.accepted import CHOSEN
from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.cells.reading import read_cells
from pipeline.datasets.file_kinds import is_system_folder
from pipeline.datasets.photos.decoding import PhotoError, decode_photo
from pipeline.datasets.photos.folders import readable
from pipeline.datasets.tables.column_types import name_of
from pipeline.ground.files import replacing, without_apostrophe
from pipeline.ground.fingerprints import hash_path
from pipeline.operations.retraining.intake.incoming import INCOMING, IncomingError

FILE, LABEL = "file", "label"  # columns of the table
SIDE = 32  # pixels at which a photo is decoded to see that it is one

log = logging.getLogger("kiyas")


def bring_labelled(table: Path) -> list[str]:
    """Copy the photos that have a label; the others wait for theirs.

    Args:
        table: a CSV or Parquet file with a path and a label a row; paths are seen from where it lies.

    Returns:
        Their places in data/incoming.

    Raises:
        IncomingError: it cannot be read, lacks a column, has no label at all, one that no folder can be called, two for
            one photo, or a path that leads to no photo. Nothing was copied then.
    """
    pairs, labels = list(_pairs(table)), dict[str, str]()
    for row, file, label in pairs:
        _refuse_what_is_no_photo(file, f"{table}: row {row}: column {FILE!r}: {file}")
        if "/" in label or "\\" in label or is_system_folder(label):
            raise IncomingError(f"{table}: row {row}: column {LABEL!r}: {label!r} is no name of a class; correct it")
        if (other := labels.setdefault(_name_of(file), label)) != label:
            raise IncomingError(
                f"{table}: row {row}: column {LABEL!r}: {file} is called {label!r} here and {other!r} in an earlier "
                "row; correct one of them"
            )
    return [_bring(file, label) for _, file, label in pairs]


def is_chosen(place: str) -> bool:
    """Whether a photo was proposed by `label-next`.

    Args:
        place: its path within data/incoming.

    >>> is_chosen("apple/label-next/1-0a1b2c3d.jpg"), is_chosen("apple/1.jpg")
    (True, False)
    """
    return Path(place).parent.name == CHOSEN


def _pairs(table: Path) -> Iterator[tuple[int, Path, str]]:
    """(row, file, label) of the rows that have a label; rows are counted from 1."""
    try:
        cells = read_cells(table)
    except TableError as error:
        raise IncomingError(str(error)) from error
    if lacking := [column for column in (FILE, LABEL) if column not in cells]:
        raise IncomingError(
            f"{table}: has no column {lacking[0]!r}; a table of labelled photos has {FILE} and {LABEL}, as `python -m "
            "pipeline label-next` writes it"
        )
    filled = cells[cells[LABEL].notna()]
    if filled.empty:
        raise IncomingError(f"{table}: column {LABEL!r} is empty in all {len(cells)} rows; fill some in")
    if len(filled) < len(cells):
        log.info("%s: %d of %d rows have no label yet and stay out", table, len(cells) - len(filled), len(cells))
    for row, (file, label) in zip(filled.index, filled[[FILE, LABEL]].itertuples(index=False), strict=True):
        if pd.isna(file):
            raise IncomingError(f"{table}: row {row + 1}: column {FILE!r} is empty; name the photo")
        yield row + 1, _photo(table.parent, str(file)), readable(label if isinstance(label, str) else name_of(label))


def _photo(folder: Path, name: str) -> Path:
    """`label-next` writes names that a spreadsheet would compute behind an apostrophe."""
    return folder / name if (folder / name).is_file() else folder / without_apostrophe(name)


def _refuse_what_is_no_photo(file: Path, place: str) -> None:
    """A table may come from a stranger: a path to a private file would bring that file into what DVC pushes.

    Raises:
        IncomingError: naming its place in the table.
    """
    if not file.is_file():
        raise IncomingError(f"{place}: there is no such file; correct its path")
    try:
        decode_photo(file, SIDE)
    except (PhotoError, OSError) as error:
        raise IncomingError(
            f"{place}: is no photo that can be read ({error}); correct its path, or empty its label"
        ) from None


def _bring(file: Path, label: str) -> str:
    """A label that was corrected since the photo was brought replaces the earlier one."""
    name = _name_of(file)
    place = f"{label}/{CHOSEN}/{name}"
    for folder in sorted(INCOMING.iterdir()) if INCOMING.is_dir() else ():
        if folder.name != label:
            (folder / CHOSEN / name).unlink(missing_ok=True)
    with replacing(INCOMING / place) as temporary:
        shutil.copyfile(file, temporary)
    return place


def _name_of(file: Path) -> str:
    """By its content, too, since photos of several folders may have one name."""
    return f"{file.stem}-{hash_path(file)[:8]}{file.suffix}"
