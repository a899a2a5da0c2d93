"""Data frames as they are written to disk and as they are read row by row."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pipeline.formats import significant

Row = dict[str, Any]


def tidy(table: pd.DataFrame) -> pd.DataFrame:
    """Every number as our files have it."""
    rounded = table.copy()
    for column in rounded.select_dtypes("float").columns:
        rounded[column] = [significant(value) for value in rounded[column]]
    return rounded


def records(table: pd.DataFrame) -> list[Row]:
    """The rows of a data frame as plain dictionaries."""
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]
