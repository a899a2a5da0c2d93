"""Cells of Parquet files as a CSV has to have them, so that the study reads in it what it reads in the Parquet file."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd

from pipeline.datasets.store.columns import Column
from pipeline.datasets.tables.column_types import name_of


def as_written(cells: pd.DataFrame, columns: Sequence[Column]) -> pd.DataFrame:
    """Numbers as text: a category or a name 1.0 as 1, a number with the decimal mark of its column.

    Args:
        cells: as `read_cells` gives them: text, and of Parquet float64; NaN where one is empty.
        columns: the study's; columns beside these hold names.
    """
    marks = {column.name: column.decimal for column in columns if column.categories is None}
    return cells.apply(lambda column: column.map(partial(_text, mark=marks.get(str(column.name))), na_action="ignore"))


def _text(cell: Any, mark: str | None) -> Any:
    if isinstance(cell, str):
        return cell
    return name_of(cell) if mark is None else name_of(cell).replace(".", mark)
