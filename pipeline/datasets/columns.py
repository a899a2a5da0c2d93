"""What the columns of a table are, and how its rows become numbers.

Numbers stay as they are, NaN where they are missing. A category becomes its place in the column's list, NaN where it
is missing or not in the list. Filling in, scaling and one-hot encoding are learned, and so belong to each model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

IDENTIFIER = 0.95  # a column of text whose values differ in this share of its rows names rows, and describes nothing


@dataclass(frozen=True)
class Column:
    """`categories` is None for a column of numbers."""

    name: str
    categories: list[str] | None = None

    def plain(self) -> dict[str, Any]:
        return asdict(self)


def describe_columns(table: pd.DataFrame) -> tuple[list[Column], dict[str, str]]:
    """The columns to learn from, as the rows of development show them; and {name: why it is left out} of the others."""
    kept, left_out = [], {}
    for name in table.columns:
        present = table[name].dropna()
        distinct = present.nunique()
        text = not pd.api.types.is_numeric_dtype(table[name])
        if distinct == 0:
            left_out[str(name)] = "has no value in any row"
        elif distinct == 1 and len(present) == len(table):
            left_out[str(name)] = "has the same value in every row"
        elif text and distinct > IDENTIFIER * len(present) and len(present) > 20:
            left_out[str(name)] = "is text that differs in nearly every row"
        else:
            kept.append(Column(str(name), sorted(map(str, present.unique())) if text else None))
    return kept, left_out


def encode(table: pd.DataFrame, columns: Sequence[Column]) -> np.ndarray:
    """(N, columns) float64, as every model of this project takes rows.

    Raises:
        KeyError: naming a column that the table lacks.
    """
    rows = np.empty((len(table), len(columns)))
    for position, column in enumerate(columns):
        if column.name not in table:
            raise KeyError(f"the table has no column {column.name!r}; it has {', '.join(map(str, table.columns))}")
        values = table[column.name]
        if column.categories is None:
            rows[:, position] = pd.to_numeric(values, errors="coerce").to_numpy(np.float64)
        else:
            numbers = {name: float(number) for number, name in enumerate(column.categories)}
            rows[:, position] = [np.nan if pd.isna(value) else numbers.get(str(value), np.nan) for value in values]
    return rows
