"""How long a set of parameters takes here."""

from __future__ import annotations

from pipeline.configuration.whole import Params
from pipeline.operations.checking.expected import expected_minutes


def expected_total(params: Params, examples: int | None) -> float:
    """Minutes.

    Args:
        examples: how many photos or rows there are, where that is known.
    """
    return sum(expected_minutes(params, examples or 1000)) / 2
