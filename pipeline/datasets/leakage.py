"""The same picture twice: within a split it counts double, across splits the test is no test any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.datasets.folders import Photo

TWO_LABELS = "the same picture stands under two labels"
IN_TEST = "the same picture stands in the test split"
TWICE = "a second copy of the same picture"


@dataclass(frozen=True)
class Quarantined:
    """A row of quarantine.csv: what was left out, why, and which kept example it repeats."""

    example: str
    reason: str
    duplicate_of: str
    split: str
    class_name: str


def quarantine(photo: Photo, reason: str, duplicate_of: str = "") -> Quarantined:
    return Quarantined(photo.example, reason, duplicate_of, photo.split or "", photo.class_name)


def find_duplicates(photos: Sequence[Photo], digests: Sequence[str | None]) -> list[Quarantined]:
    """Which photos to leave out so that every picture is left once, under one label, and none in both splits.

    A picture under two labels goes altogether, since nobody can say which label is right. A picture in test and
    elsewhere stays in test: the test split of a source is not to be bent. Otherwise the first by path stays.

    Args:
        digests: of each photo's pixels; equal means the same picture, None that it could not be read.
    """
    copies: dict[str, list[Photo]] = {}
    for photo, digest in zip(photos, digests, strict=True):
        if digest is not None:
            copies.setdefault(digest, []).append(photo)
    return sorted(
        (left_out for group in copies.values() if len(group) > 1 for left_out in _left_out(group)),
        key=lambda left_out: left_out.example,
    )


def _left_out(copies: list[Photo]) -> list[Quarantined]:
    """What goes of two or more copies of one picture."""
    ordered = sorted(copies)
    if len({photo.class_name for photo in ordered}) > 1:
        return [quarantine(photo, TWO_LABELS, _under_another_label(photo, ordered)) for photo in ordered]
    kept = min(ordered, key=lambda photo: (photo.split != "test", photo))
    return [
        quarantine(photo, IN_TEST if kept.split == "test" != photo.split else TWICE, kept.example)
        for photo in ordered
        if photo is not kept
    ]


def _under_another_label(photo: Photo, copies: list[Photo]) -> str:
    return next(other.example for other in copies if other.class_name != photo.class_name)
