"""What the columns of a table are, and how its rows become numbers.

Numbers stay as they are, NaN where they are missing. A category becomes its place in the column's list, NaN where it
is missing or not in the list. Filling in, scaling and one-hot encoding are learned, and so belong to each model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Column:
    """A column that is learned from, and how text in it is read, in training and ever after.

    Attributes:
        categories: None for a column of numbers.
        decimal, thousands: how it writes its numbers (see `numbers.NumberFormat`).
        time: the pattern of its dates, which are learned from as days since 1970; None where it has none.
        missing: the words that stand for a missing value, where the user has named them; None: the usual ones.
    """

    name: str
    categories: list[str] | None = None
    decimal: str = "."
    thousands: str = ""
    time: str | None = None
    missing: list[str] | None = None

    def plain(self) -> dict[str, Any]:
        """As JSON has it: name and categories, and beside them only what is not as usual."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        usual = {field.name: field.default for field in fields(self)[2:]}
        return {name: value for name, value in given.items() if name not in usual or value != usual[name]}


def recode(rows: np.ndarray, columns: Sequence[Column], wanted: Sequence[Column]) -> np.ndarray:
    """Rows as `encode` makes them by one set of columns → as it makes them by another one.

    Args:
        rows: (N, columns) float64.

    Raises:
        KeyError: with the name of a wanted column that there is none of.
    """
    places = {column.name: place for place, column in enumerate(columns)}
    recoded = np.empty((len(rows), len(wanted)))
    for position, column in enumerate(wanted):
        place = places.get(column.name)
        if place is None or (columns[place].categories is None) != (column.categories is None):
            raise KeyError(column.name)
        recoded[:, position] = rows[:, place]
        if column.categories is not None:
            numbers = {name: float(number) for number, name in enumerate(column.categories)}
            known = np.array([*(numbers.get(name, np.nan) for name in columns[place].categories or []), np.nan])
            recoded[:, position] = known[np.nan_to_num(rows[:, place], nan=len(known) - 1).astype(np.int64)]
    return recoded


def with_categories_of(table: pd.DataFrame, columns: Sequence[Column]) -> list[Column]:
    """Columns with the categories that the table has beside theirs, at the end: `encode` gives the others as before."""
    return [
        column if column.categories is None else replace(column, categories=_grown(column.categories, cells))
        for column, cells in ((column, table[column.name]) for column in columns)
    ]


def _grown(categories: Sequence[str], cells: pd.Series) -> list[str]:
    return [*categories, *sorted(set(map(str, cells.dropna().unique())).difference(categories))]


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
