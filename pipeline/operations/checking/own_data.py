"""The user's own data as `prepare` will understand it: classes, how many examples each has, what is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.datasets.accepted import ACCEPTED
from pipeline.datasets.cells.reading import find_table
from pipeline.datasets.photos.archives import is_archive
from pipeline.datasets.photos.listing import list_folder
from pipeline.datasets.photos.reasons import with_reasons
from pipeline.datasets.tables.preparing import describe_rows, read_rows
from pipeline.operations.checking.own_photos import count_sides, describe_photos, look_at, usable_photos
from pipeline.params.data import Data


@dataclass(frozen=True)
class OwnData:
    """
    Attributes:
        lines: what data.path holds, in words.
        examples: how many photos there are; None where they are not counted yet, and for rows, which take no space.
        class_names: those that were seen; empty for numbers, and where nobody has looked yet.
        tested: how many test examples each class will have; None where that is not known yet.
        developed: of rows, how many there will be to learn from, those to validate on included; None of photos,
            and where that is not known yet.
    """

    lines: list[str]
    examples: int | None = None
    class_names: Sequence[str] = ()
    tested: Mapping[str, int] | None = None
    developed: int | None = None


def describe_own_data(settings: Data) -> OwnData:
    """What data.path holds; of a table, how it was read is told as well.

    Raises:
        FolderError, TableError: nothing can be learned from it as it is.
    """
    path = Path(settings.path)
    if settings.kind != "images":
        rows = read_rows(find_table(path), settings)
        tested = rows.counts("test") if rows.class_names and not _grows() else None
        developed = None if _grows() else len(rows.splits["development"])
        return OwnData([describe_rows(rows)], class_names=rows.class_names, tested=tested, developed=developed)
    if is_archive(path):
        counted = "its classes are counted" if settings.has_classes else "its numbers are read"
        return OwnData([f"an archive: {counted} when `prepare` has unpacked it"])
    with with_reasons([]):
        listing = list_folder(path, settings)
    looked = look_at(listing)
    lines = describe_photos(listing, settings, looked)
    if not settings.has_classes:
        return OwnData(lines, len(listing.photos))
    sides = None if _grows() else count_sides(usable_photos(listing, looked), settings)
    names = sorted({photo.class_name for photo in listing.photos})
    return OwnData(lines, len(listing.photos), names, sides[1] if sides else None)


def _grows() -> bool:
    """Whether batches were accepted, some of whose examples `prepare` adds to those to test on."""
    return any(batch.is_dir() for batch in ACCEPTED.glob("*"))
