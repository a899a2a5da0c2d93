"""How many more seeds or test examples would tell two candidates apart."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import stats


@dataclass(frozen=True)
class Gulf:
    """The difference of two candidates with what makes it uncertain, and how much was measured."""

    difference: float
    example_variance: float
    seed_variance: float
    seeds: int
    examples: int


@dataclass(frozen=True)
class Needs:
    """What would settle it. `seeds` or `examples` alone is None where no number of it alone would do."""

    seeds: int | None
    examples: int | None
    both: tuple[int, int]  # seeds and examples, both raised by the same factor


def needs(gulf: Gulf, margin: float, confidence: float, threshold: float) -> Needs:
    """What would settle the pair if its difference stays as observed.

    Beyond the margin it is settled by showing the difference, which takes `threshold` standard errors among the
    candidates that are still open; within the margin by an interval that fits into it. The variance of the example
    part falls with the examples, that of the seed part with the seeds.
    """
    apart = abs(gulf.difference) > margin
    target = abs(gulf.difference) if apart else max(margin - abs(gulf.difference), margin / 2)
    allowed = (target / (threshold if apart else stats.norm.ppf((1 + confidence) / 2))) ** 2
    factor = max((gulf.example_variance + gulf.seed_variance) / allowed, 1.0)
    return Needs(
        seeds=_raised(gulf.seeds, gulf.seed_variance, allowed - gulf.example_variance),
        examples=_raised(gulf.examples, gulf.example_variance, allowed - gulf.seed_variance),
        both=(math.ceil(gulf.seeds * factor), round_up(gulf.examples * factor)),
    )


def _raised(now: int, variance: float, room: float) -> int | None:
    if room <= 0:
        return None
    return round_up(max(now, now * variance / room))


def round_up(number: float) -> int:
    """Up to two significant digits, since such a forecast is not worth more."""
    scale = 10 ** max(math.floor(math.log10(number)) - 1, 0) if number >= 1 else 1
    return math.ceil(number / scale - 1e-9) * scale
