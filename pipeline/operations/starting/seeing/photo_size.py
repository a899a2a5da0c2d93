"""Which size photos are reduced to: by what they show themselves, and by what the backbones were trained on."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

SIZES = (32, 48, 64, 96, 128, 160, 224)  # pixels a side, of which one is proposed
USUAL = 96  # without a reason for another: the size of the default comparison
# As keras.applications documents for their ImageNet weights; rows of backbones.yaml have only the least that they take.
BACKBONES_OWN = "backbones were trained on 224, InceptionV3 and Xception on 299"


def propose_size(sides: Sequence[int], current: int, wanted: int | None) -> tuple[int, list[str]]:
    """A size and the reasons for it, a sentence each.

    The usual size, or the largest that enlarges no more than half of the photos where they are smaller. Not a larger
    one: time and disk grow with the square, and whether more detail pays is measured (studies/image_size.yaml).

    Args:
        sides: the shorter side of each photo, in pixels; empty where nobody has looked.
        current: data.image_size of params.yaml, taken where nothing is known.
        wanted: what a person asked for, now or when `current` was written.
    """
    middle = int(statistics.median(sides)) if sides else None
    size = wanted or (current if middle is None else fitting_size(middle))
    if middle is None:
        return size, []
    reason = f"half of the photos have {middle} pixels or more on their shorter side"
    if wanted:
        reason = "as params.yaml says" if wanted == current else "as you ask"
    lines = [f"photo size {size} ({reason}; {BACKBONES_OWN})"]
    if (larger := next_size(size)) is not None:
        useful = "keeps finer detail" if larger <= middle else "only enlarges most of these photos"
        lines.append(f"{larger} would cost about {times(size, larger):.1f} times the time and disk, and {useful}")
    return size, lines


def fitting_size(middle: int) -> int:
    """
    Args:
        middle: the median of the photos' shorter sides.
    """
    return max([size for size in SIZES if size <= min(middle, USUAL)], default=SIZES[0])


def largest_size(sides: Sequence[int]) -> int:
    """The largest one that enlarges no more than half of the photos."""
    return max([size for size in SIZES if size <= statistics.median(sides)], default=SIZES[0])


def next_size(size: int) -> int | None:
    """The next larger one that is proposed; None above 224, the backbones' own."""
    return next((larger for larger in SIZES if larger > size), None)


def times(size: int, larger: int) -> float:
    """How many times the work and the disk, of networks and of kept photos."""
    return (larger / size) ** 2
