"""Unlabelled photos: read as `prepare` reads them, without those that are known already or repeat one another."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.datasets.cells.text import clean_text
from pipeline.datasets.file_kinds import endings_of, is_system_file
from pipeline.datasets.photos.decoding import WHITE, decode_photo
from pipeline.datasets.photos.likeness import find_alike, hash_and_sketch
from pipeline.datasets.photos.reading import Decoded, read_photos
from pipeline.datasets.store.pixels import Images
from pipeline.datasets.store.prepared import Prepared
from pipeline.operations.labelling.pool import LabelNextError, Pool
from pipeline.operations.labelling.waiting import waiting_photos

KEEP = Path(".kiyas/label-next")  # pixels that are read, until the proposal is written
UNREADABLE, KNOWN, REPEATED = "cannot be read", "repeat photos that are known", "repeat another one of them"
UNWRITABLE = "have a name that a table cannot hold"
WAITING = "have a label that waits for the next retraining"
SHOWN = 3  # unreadable files that are named


def look_at_photos(files: Sequence[Path], known: Sequence[Prepared], near: bool, white: int = WHITE) -> Pool:
    """Read photos at the size of the prepared ones.

    Args:
        files: what was named, or lies in a folder that was named.
        known: the prepared splits, both of them: a photo of either needs no label.
        near: whether a photo that shows nearly the same picture counts as a repetition (data.near_duplicates).
        white: the value of white in the prepared photos of 16 bits, by which these are scaled, too.

    Raises:
        LabelNextError: none of them can be proposed.
    """
    paths = [file.absolute() for file in files if not is_system_file(file.name)]
    decoded = _scaled_by(read_photos(paths, known[0].images.shape[1], KEEP), paths, white)
    _name_unreadable(paths, decoded)
    usable = np.array([row for row in range(len(paths)) if row not in decoded.failures], np.int64)
    if not len(usable):
        raise LabelNextError(
            f"{_place_of(files)}: holds no photo that can be read ({_held(paths, decoded)}); name others"
        )
    reasons = _repeats(decoded, usable, known, near)
    reasons |= {int(row): UNWRITABLE for row in usable if not _fits_a_table(str(paths[row]))}
    reasons |= dict.fromkeys(waiting_photos(paths) - set(decoded.failures), WAITING)
    kept = np.array([row for row in usable if int(row) not in reasons], np.int64)
    told = [*reasons.values(), *(UNREADABLE for _ in decoded.failures)]
    left_out = {why: told.count(why) for why in (UNREADABLE, KNOWN, REPEATED, UNWRITABLE, WAITING)}
    return Pool("photo", [str(paths[row]) for row in kept], kept, decoded.images, len(paths), left_out)


def _scaled_by(decoded: Decoded, paths: Sequence[Path], white: int) -> Decoded:
    """Photos of 16 bits by the white of the training photos: by their own they would be brighter or darker than these.

    They are read once more, into the same file; photos of 8 bits have no such scale.
    """
    rows = np.flatnonzero(decoded.largest) if decoded.white != white else np.empty(0, np.int64)
    digests, hashes, sketches = list(decoded.digests), decoded.hashes.copy(), decoded.sketches.copy()
    for row in rows.tolist():
        if row in decoded.failures:
            continue
        pixels = decode_photo(paths[row], decoded.images.shape[1], white)[None]
        decoded.images.write(row, pixels)
        digests[row] = hashlib.sha256(pixels.data).hexdigest()
        hashes[row : row + 1], sketches[row : row + 1] = hash_and_sketch(pixels)
    return replace(decoded, digests=digests, hashes=hashes, sketches=sketches, white=white)


def _name_unreadable(paths: Sequence[Path], decoded: Decoded) -> None:
    for row in sorted(decoded.failures)[:SHOWN]:
        print(f"kiyas label-next: {paths[row]}: {decoded.failures[row]}", file=sys.stderr)
    if (more := len(decoded.failures) - SHOWN) > 0:
        print(f"kiyas label-next: and {more} more that cannot be read", file=sys.stderr)


def _place_of(files: Sequence[Path]) -> str:
    return str(files[0] if len(files) == 1 else files[0].parent)


def _held(paths: Sequence[Path], decoded: Decoded) -> str:
    if len(paths) == 1:
        return decoded.failures[0]
    return f"{len(paths)} files, {endings_of(list(paths))}" if paths else "only what systems put there"


def _fits_a_table(path: str) -> bool:
    """Whether a CSV can hold the path, and whoever reads it gets the same path back."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return clean_text(path) == path and path.isprintable()


def _repeats(decoded: Decoded, usable: NDArray[np.int64], known: Sequence[Prepared], near: bool) -> dict[int, str]:
    """{row: which kind of repetition it is}; of photos that repeat one another the first stays."""
    taken = {hashlib.sha256(np.ascontiguousarray(image).data).hexdigest() for part in known for image in part.images}
    reasons: dict[int, str] = {}
    seen: set[str | None] = set()
    for row in usable.tolist():
        digest = decoded.digests[row]
        if digest in taken or digest in seen:
            reasons[row] = KNOWN if digest in taken else REPEATED
        seen.add(digest)
    return reasons | (_near_repeats(decoded, usable, known, reasons) if near else {})


def _near_repeats(
    decoded: Decoded, usable: NDArray[np.int64], known: Sequence[Prepared], gone: dict[int, str]
) -> dict[int, str]:
    rows = np.array([row for row in usable.tolist() if row not in gone], np.int64)
    hashes, sketches = zip(*(hash_and_sketch(part.images) for part in known), strict=True)
    first = sum(len(part.images) for part in known)
    pairs, _ = find_alike(
        _Stacked([part.images for part in known], decoded.images, rows),
        np.concatenate([*hashes, decoded.hashes[rows]]),
        np.concatenate([*sketches, decoded.sketches[rows]]),
    )
    reasons: dict[int, str] = {}
    left = set[int]()
    for earlier, later in pairs.tolist():  # sorted by the earlier one, so what it repeats has been decided
        if later < first or earlier in left:
            continue
        left.add(later)
        reasons.setdefault(int(rows[later - first]), KNOWN if earlier < first else REPEATED)
    return reasons


@dataclass(frozen=True)
class _Stacked:
    """Known photos, and behind them some rows of the new ones, as if they were one array."""

    known: Sequence[NDArray[np.uint8]]
    images: Images
    rows: NDArray[np.int64]

    @property
    def shape(self) -> tuple[int, ...]:
        return (sum(map(len, self.known)) + len(self.rows), *self.images.shape[1:])

    def __getitem__(self, places: NDArray[np.int64]) -> NDArray[np.uint8]:
        images = np.empty((len(places), *self.images.shape[1:]), np.uint8)
        start = 0
        for part in self.known:
            inside = (places >= start) & (places < start + len(part))
            images[inside] = part[places[inside] - start]
            start += len(part)
        images[places >= start] = self.images[self.rows[places[places >= start] - start]]
        return images
