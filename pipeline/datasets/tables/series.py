"""A series → a table of windows: each value beside those that came before it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.tables.times import Times, find_gaps
from pipeline.params.data import Data

ACROSS_GAP = "its window reaches across a gap in time"


@dataclass(frozen=True)
class Windows:
    """
    Attributes:
        table: "lag w" … "lag 1" (the value just before), then the target, in the order of time; a value that the file
            lacks is NaN.
        names: (N,) of the times of the targets.
        across_gap: times whose window would reach across a gap.
        notes: what to tell of the steps.
    """

    table: pd.DataFrame
    names: np.ndarray
    across_gap: list[str]
    notes: list[str]


def make_windows(values: pd.Series, times: Times, file: Path, settings: Data) -> Windows:
    """One row for each value that has `window` values before it, each one step after the other.

    Args:
        values: (N,) of the target, float64; times: of these rows, in any order.

    Raises:
        TableError: for a series that is too short, or has gaps nearly everywhere.
    """
    target, window = str(settings.target), int(settings.window or 1)
    order = np.argsort(times.keys, kind="stable")
    times, values = times.sorted_by(order), values.iloc[order].reset_index(drop=True)
    if len(values) <= window:
        raise TableError(f"{file}: {len(values)} rows are no more than data.window = {window}; give more, or lower it")
    gaps, step = find_gaps(times)
    lags = {f"lag {back}": values.shift(back) for back in range(window, 0, -1)}
    table = pd.DataFrame({**lags, target: values})
    # A gap before place p lies in the windows of p, p + 1, …, p + window - 1.
    crossed = pd.Series(gaps).rolling(window, min_periods=1).max().to_numpy().astype(bool)
    kept = ~crossed & (np.arange(len(values)) >= window)
    if not kept.any():
        raise TableError(
            f"{file}: data.time = {settings.time!r}: its step is {step}, and every window of {window} values reaches "
            f"across one of {gaps.sum()} gaps, {_example(times, gaps)}; add the missing times, with an empty cell "
            "where there is no value, or lower data.window"
        )
    left_out = times.names[crossed & (np.arange(len(values)) >= window)].tolist()
    return Windows(
        table[kept].reset_index(drop=True), times.names[kept], left_out, _notes(times, gaps, step, file, settings)
    )


def _notes(times: Times, gaps: np.ndarray, step: str, file: Path, settings: Data) -> list[str]:
    where = f"{file}: data.time = {settings.time!r}"
    if not step:
        return [f"{where}: its steps differ too much to tell a gap; windows follow the order of time alone"]
    if not gaps.any():
        return []
    return [
        f"{where}: its step is {step}, and there are {gaps.sum()} gaps, {_example(times, gaps)}; no window reaches "
        "across one (add the missing times, with an empty cell where there is no value, to have windows with holes)"
    ]


def _example(times: Times, gaps: np.ndarray) -> str:
    place = int(np.flatnonzero(gaps)[0])
    return f"the first between {times.names[place - 1]} and {times.names[place]}"
