"""A series → a table of windows: each value beside those that came before it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.datasets.tables.reading import TableError
from pipeline.params.data import Data


def make_windows(table: pd.DataFrame, file: Path, settings: Data) -> tuple[pd.DataFrame, np.ndarray]:
    """One row for each value that has `window` values before it, in the order of time, and its name.

    Columns: "lag w" … "lag 1" (the value just before), then the target. A window with a gap in it has NaN there.

    Raises:
        TableError: for a time that is missing, cannot be ordered or stands twice, or a series that is too short.
    """
    time, target, window = str(settings.time), str(settings.target), int(settings.window or 1)
    moments = _moments(table[time], f"{file}: data.time = {time!r}")
    order = np.argsort(moments.to_numpy(), kind="stable")
    values = table[target].iloc[order].reset_index(drop=True)
    if not pd.api.types.is_numeric_dtype(values):
        raise TableError(f"{file}: data.target = {target!r}: {values.iloc[0]!r} is no number; a series is of numbers")
    if len(values) <= window:
        raise TableError(f"{file}: {len(values)} rows are no more than data.window = {window}; give more, or lower it")
    lags = {f"lag {back}": values.shift(back) for back in range(window, 0, -1)}
    windows = pd.DataFrame({**lags, target: values}).iloc[window:].reset_index(drop=True)
    names = table[time].iloc[order].map(_name).iloc[window:].to_numpy(np.str_)
    width = len(str(len(names)))
    return windows, np.array([f"{number:0{width}d} at {name}" for number, name in enumerate(names, start=1)])


def _moments(column: pd.Series, where: str) -> pd.Series:
    """Something that can be ordered: numbers as they are, else dates."""
    if column.isna().any():
        raise TableError(f"{where}: is missing in {int(column.isna().sum())} rows; fill it in, or remove these rows")
    if pd.api.types.is_numeric_dtype(column):
        moments = column
    else:
        moments = pd.to_datetime(column, errors="coerce", format="ISO8601")
        if moments.isna().any():
            value = column[moments.isna()].iloc[0]
            raise TableError(f"{where}: {value!r} is neither a number nor a date; write dates as 2024-12-31")
    if moments.duplicated().any():
        value = column[moments.duplicated()].iloc[0]
        raise TableError(
            f"{where}: {_name(value)} stands twice; a series has one value at a time: keep one series in the file"
        )
    return moments


def _name(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
