"""The same picture twice: within a split it counts double, across splits the test is no test any more.

What an older root holds stays as it is, whatever comes later: a newcomer that repeats or contradicts it goes.
Within a root a picture under two labels goes altogether, since nobody can say which is right; a picture in test and
elsewhere stays in test, since the test split of a source is not to be bent; otherwise the first by path stays.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from pipeline.datasets.photos.folders import Photo, Quarantined, quarantine

TWICE = "a second copy of the same picture"
IN_TEST = "the same picture stands in the test split"
TWO_LABELS = "the same picture stands under two labels"
EARLIER = "the same picture came earlier"
CONTRADICTS = "the same picture came earlier under another label"
EXACT = (TWICE, IN_TEST, TWO_LABELS, EARLIER, CONTRADICTS)
# Nearly: saved again, confirmed by its pixels (see `likeness`).
NEARLY = {reason: reason.replace("the same picture", "nearly the same picture") for reason in EXACT}
OTHER_SIDE = "another photo of its group stands on the other side of the split"
GROUP_IN_TEST = "another photo of its group stands in the test split"
# What dataset.json calls them.
KINDS = dict(zip(EXACT, ("within_split", "in_test", "two_labels", "earlier", "contradicts_earlier"), strict=True))


class LeakageError(ValueError):
    """Repeated pictures where data.duplicates or data.near_duplicates says that there must be none."""


def find_copies(photos: Sequence[Photo], digests: Sequence[str | None]) -> dict[int, Quarantined]:
    """Which rows to leave out so that every picture is left once, under one label, and on one side.

    Args:
        digests: of each photo's pixels; equal means the same picture, None that it could not be read.
    """
    copies: dict[str, list[int]] = defaultdict(list)
    for row, digest in enumerate(digests):
        if digest is not None:
            copies[digest].append(row)
    groups = (rows for rows in copies.values() if len(rows) > 1)
    return {row: gone for rows in groups for row, gone in _leave_one(photos, rows).items()}


def find_near_copies(photos: Sequence[Photo], pairs: Iterable[tuple[int, int]]) -> dict[int, Quarantined]:
    """The same for nearly equal pictures. Likeness does not pass on, so each that goes is like one that stays.

    Args:
        pairs: rows that show the same picture, confirmed.
    """
    alike: dict[int, list[int]] = defaultdict(list)
    for a, b in pairs:
        alike[a].append(b)
        alike[b].append(a)
    left_out: dict[int, Quarantined] = {}
    kept: set[int] = set()
    for row in sorted(alike, key=lambda row: _precedence(photos[row])):
        photo = photos[row]
        against = [photos[other] for other in alike[row] if photos[other].class_name != photo.class_name]
        disputed = [other for other in against if other.root == photo.root]
        older = [photos[other] for other in alike[row] if photos[other].root < photo.root]
        before = [photos[other] for other in alike[row] if other in kept]
        if older:
            left_out[row] = quarantine(photo, *_nearly(_repeats(photo, min(older, key=_precedence))))
        elif disputed:
            left_out[row] = quarantine(photo, NEARLY[TWO_LABELS], min(disputed).example)
        elif before:
            left_out[row] = quarantine(photo, *_nearly(_repeats(photo, min(before, key=_precedence))))
        else:
            kept.add(row)
    return left_out


def find_divided_groups(photos: Sequence[Photo], rows: Iterable[int]) -> dict[int, Quarantined]:
    """Photos outside test, whose group has a photo in test: they leave, since a group must not cross splits.

    Photos without a split of their own have their test drawn, by whole groups; a batch goes to its groups' sides.
    """
    rows = [row for row in rows if photos[row].split is not None]
    in_test = {photos[row].group: photos[row].example for row in reversed(rows) if photos[row].split == "test"}
    return {
        row: quarantine(photos[row], GROUP_IN_TEST, in_test[photos[row].group])
        for row in rows
        if photos[row].group is not None and photos[row].split != "test" and photos[row].group in in_test
    }


def find_on_other_side(
    photos: Sequence[Photo], later: Iterable[int], sides: Mapping[str, Iterable[int]]
) -> dict[int, Quarantined]:
    """Later photos whose group is on the other side by now: the folder was split anew since they came.

    Args:
        later: rows of batches.
        sides: rows of the folder in "development" and in "test".
    """
    side_of = {photos[row].group: (side, row) for side, rows in sides.items() for row in rows}
    left_out = {}
    for row in later:
        side, known = side_of.get(photos[row].group, ("", row))
        if photos[row].group is not None and side not in ("", "test" if photos[row].split == "test" else "development"):
            left_out[row] = quarantine(photos[row], OTHER_SIDE, photos[known].example)
    return left_out


def count_kinds(left_out: Mapping[int, Quarantined], near: bool) -> dict[str, int]:
    """How many of each kind, by the names in KINDS."""
    counts = Counter(row.reason for row in left_out.values())
    return {kind: counts[NEARLY[reason] if near else reason] for reason, kind in KINDS.items()}


def _leave_one(photos: Sequence[Photo], rows: list[int]) -> dict[int, Quarantined]:
    """What goes of two or more copies of one picture."""
    ordered = sorted(rows, key=lambda row: _precedence(photos[row]))
    oldest = [row for row in ordered if photos[row].root == photos[ordered[0]].root]
    newcomers = ordered[len(oldest) :]
    first = photos[oldest[0]]
    left_out = {row: quarantine(photos[row], *_repeats(photos[row], first)) for row in newcomers}
    if len({photos[row].class_name for row in oldest}) > 1:
        by_path = sorted(photos[row] for row in oldest)
        for row in oldest:
            other = next(photo for photo in by_path if photo.class_name != photos[row].class_name)
            left_out[row] = quarantine(photos[row], TWO_LABELS, other.example)
    else:
        left_out |= {row: quarantine(photos[row], *_repeats(photos[row], first)) for row in oldest[1:]}
    return left_out


def _precedence(photo: Photo) -> tuple[int, bool, Photo]:
    """Older roots first, then test, then by path."""
    return photo.root, photo.split != "test", photo


def _repeats(photo: Photo, kept: Photo) -> tuple[str, str]:
    """Why `photo` goes where `kept` came before it, and the example that it repeats."""
    if kept.root < photo.root:
        return EARLIER if kept.class_name == photo.class_name else CONTRADICTS, kept.example
    return IN_TEST if kept.split == "test" != photo.split else TWICE, kept.example


def _nearly(told: tuple[str, str]) -> tuple[str, str]:
    return NEARLY[told[0]], told[1]


def as_pairs(pairs: np.ndarray, rows: np.ndarray) -> list[tuple[int, int]]:
    """(P, 2) positions within `rows` → the rows themselves."""
    return [(int(a), int(b)) for a, b in rows[pairs]]
