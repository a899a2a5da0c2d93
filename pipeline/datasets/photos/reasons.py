"""Why photos are left out, in a few words: when nothing is left to learn from, and as the rows of quarantine.csv."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pipeline.datasets.photos.folders import FolderError, Quarantined

SHOWN = 3  # reasons
# The beginning of a reason, and what to do about it.
REMEDIES = {
    "is HEIC": "install it, or convert them to JPEG",
    "is not a picture of a known kind": "convert them to JPEG or PNG",
    "is empty": "copy them anew",
    "cannot be decoded": "they are damaged or cut off: copy them anew",
    "there is no such file, but": "write the paths as the files are called, seen from the table",
    "there is no such file": "write paths as they are seen from where the table lies, such as Apple/1.jpg",
    "is a link out of the folder": "copy the photos into the folder, or name the folder that holds them all",
    "is a link that leads nowhere": "copy the photos themselves",
    "is a link to a folder": "copy the folder itself",
    "lies outside the folder": "name a folder in data.path that holds them all",
    "has no label": "fill in the column of labels, or name another one in data.labels.label",
    "has no number": "correct it in the table, or say how numbers are written (data.numbers)",
    "has no path": "fill in the column of paths, or name another one in data.labels.path",
    "has no split": "fill in the column of splits, or set data.labels.split to null",
    "has floating-point pixels": "convert them to 8 or 16 bits",
    "is no photo": "name a folder of photos",
}
BY_ENDING = {
    (".zip", ".tar", ".gz", ".tgz", ".rar", ".7z"): "unpack them: archives within the folder are not opened",
    (".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".rw2", ".raf"): "convert raw photos to JPEG",
    (".dcm",): "convert DICOM to PNG of 16 bits",
}


@contextmanager
def with_reasons(left_out: list[Quarantined]) -> Iterator[None]:
    """A refusal within says why photos were left out, and carries them for quarantine.csv.

    Args:
        left_out: what is known of it, which may grow within.
    """
    try:
        yield
    except FolderError as error:
        rows = error.left_out or left_out
        raise FolderError("\n".join([str(error), *commonest(rows)]), rows) from error


def commonest(left_out: Sequence[Quarantined]) -> list[str]:
    """A line each of the commonest reasons: how many, an example, and the likely remedy."""
    rows: dict[str, list[Quarantined]] = defaultdict(list)
    for row in left_out:
        rows[_kind(row.reason)].append(row)
    kinds = sorted(rows, key=lambda kind: (-len(rows[kind]), kind))
    lines = [f"left out {len(rows[kind])}: {_told(rows[kind][0])}" for kind in kinds[:SHOWN]]
    more = sum(len(rows[kind]) for kind in kinds[SHOWN:])
    return [*lines, f"left out {more} for other reasons"] if more else lines


def _kind(reason: str) -> str:
    """The reason without what belongs to one file alone."""
    return next((start for start in REMEDIES if reason.startswith(start)), reason)


def _told(row: Quarantined) -> str:
    ending = Path(row.example).suffix.lower()
    remedy = REMEDIES.get(_kind(row.reason))
    if row.reason.startswith("is not a picture"):
        remedy = next((advice for endings, advice in BY_ENDING.items() if ending in endings), remedy)
    return f"{row.example} {row.reason}{f'; {remedy}' if remedy else ''}"
