"""What models have to know of a table's columns. Without scikit-learn, which takes seconds to import: networks of rows
read this, and parameters name those networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MOST_CATEGORIES = 255  # of a column that becomes one input for each
MOST_CELLS = 2**25  # of all such inputs of all rows: 256 MB


@dataclass(frozen=True)
class Layout:
    """The columns of a row, in order.

    Attributes:
        categories: how many categories each column has; 0 for a column of numbers.
        missing: which columns lack a value in some row to learn from.
        many: columns of so many categories that one input for each would fill the memory.
    """

    categories: tuple[int, ...]
    missing: tuple[bool, ...]
    many: tuple[int, ...] = ()

    @property
    def numbers(self) -> list[int]:
        return [column for column, count in enumerate(self.categories) if not count]

    @property
    def categorical(self) -> list[int]:
        return [column for column, count in enumerate(self.categories) if count]


def layout_of(categories: Sequence[Sequence[str] | None], rows: np.ndarray) -> Layout:
    """
    Args:
        categories: of each column; None for numbers.
        rows: (N, columns), NaN where a value is missing.
    """
    counts = tuple(len(names) if names is not None else 0 for names in categories)
    return Layout(counts, tuple(map(bool, np.isnan(rows).any(axis=0))), _of_many(counts, len(rows)))


def _of_many(counts: Sequence[int], rows: int) -> tuple[int, ...]:
    """Columns beyond MOST_CATEGORIES, and the largest others as long as all together take more than MOST_CELLS."""
    many, width = [], 0
    for column in sorted((column for column, count in enumerate(counts) if count), key=lambda column: counts[column]):
        if counts[column] > MOST_CATEGORIES or (width + counts[column]) * rows > MOST_CELLS:
            many.append(column)
        else:
            width += counts[column]
    return tuple(sorted(many))
