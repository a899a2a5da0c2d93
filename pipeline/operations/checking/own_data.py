"""The user's own data as `prepare` will understand it: classes, how many examples each has, what is left out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.datasets.cells.reading import find_table
from pipeline.datasets.photos.archives import is_archive
from pipeline.datasets.photos.listing import list_folder
from pipeline.datasets.photos.reasons import with_reasons
from pipeline.datasets.tables.preparing import describe_rows, read_rows
from pipeline.operations.checking.own_photos import describe_photos
from pipeline.params.data import Data


@dataclass(frozen=True)
class OwnData:
    """
    Attributes:
        lines: what data.path holds, in words.
        examples: how many photos there are; None where they are not counted yet, and for rows, which take no space.
    """

    lines: list[str]
    examples: int | None = None


def describe_own_data(settings: Data) -> OwnData:
    """What data.path holds; of a table, how it was read is told as well.

    Raises:
        FolderError, TableError: nothing can be learned from it as it is.
    """
    path = Path(settings.path)
    if settings.kind != "images":
        return OwnData([describe_rows(read_rows(find_table(path), settings))])
    if is_archive(path):
        return OwnData(["an archive: its classes are counted when `prepare` has unpacked it"])
    with with_reasons([]):
        listing = list_folder(path, settings)
    return OwnData(describe_photos(listing, settings), len(listing.photos))
