"""Numbers that people write where a value is missing: -999, -9999.0, 99999. They are suspected, and never changed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

NINES = re.compile(r"-99|-?999+")  # 99 alone is a number like any other


def doubts_of_sentinels(
    values: Mapping[str, float], counts: Mapping[str, int] | pd.Series, where: str
) -> Iterator[str]:
    """What to tell of a column of numbers.

    Args:
        values: {text: number}, the distinct texts; counts: how often each stands there.
        where: the column in words, with its file.
    """
    for text in find_sentinels(values):
        yield (
            f"{where}: {text!r} ({counts[text]}) lies far from all other values, as a number that stands for missing "
            f"does, and is read as a number; with {text!r} among the words of data.missing it counts as missing"
        )


def find_sentinels(values: Mapping[str, float]) -> list[str]:
    """Which texts of a column of numbers may stand for missing: nines alone, and far from every other value.

    Far is further than the others are from each other, or below zero where no other value is.

    Args:
        values: {text: number}, the distinct texts.
    """
    numbers = np.fromiter(values.values(), np.float64, len(values))
    if not len(numbers):
        return []
    edges = {float(edge) for edge in (numbers.min(), numbers.max()) if _is_nines(float(edge))}
    rest = np.unique(numbers[~np.isin(numbers, list(edges))]) if edges else numbers
    if not edges or len(rest) < 2:
        return []
    low, high = float(rest[0]), float(rest[-1])
    far = {edge for edge in edges if (edge < 0 <= low) or max(low - edge, edge - high) > high - low}
    return [text for text, number in values.items() if number in far]


def _is_nines(number: float) -> bool:
    return number.is_integer() and NINES.fullmatch(str(int(number))) is not None
