"""From the steps of a series to windows that learn and windows that test, the latest ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.datasets.cells.number_formats import find_formats
from pipeline.datasets.cells.numbers import NumberFormat
from pipeline.datasets.photos.folders import Quarantined
from pipeline.datasets.tables.column_types import given_formats, name_of
from pipeline.datasets.tables.descriptions import describe_columns
from pipeline.datasets.tables.ready_rows import (
    Rows,
    carrying,
    check_splits,
    refuse_no_column,
    split_rows,
    target_values,
    type_table,
    written_as,
)
from pipeline.datasets.tables.series import ACROSS_GAP, make_windows
from pipeline.datasets.tables.targets import NO_TARGET
from pipeline.datasets.tables.times import read_times
from pipeline.params.data import Data

AT = " at "  # between a window's number and its time, in its id


def series_rows(
    cells: pd.DataFrame, file: Path, settings: Data, delimiter: str | None, steps: pd.DataFrame | None
) -> Rows:
    """The windows of a series: the target, and the values before it.

    Args:
        cells: (N, 2) its target and its time, as read_cells gives them.
        delimiter: of a CSV, which helps to tell how its numbers are written; None for Parquet.
        steps: those (time, target) that were accepted later.

    Raises:
        TableError: naming the file, the column, its value and what to do.
    """
    name, time = str(settings.target), str(settings.time)
    typed, target = type_table(cells[[name]], file, settings, delimiter)
    where = f"{file}: data.time = {time!r}"
    values, written = with_steps(target.values, cells[time], steps)
    format = time_format(cells, settings, delimiter)
    times = read_times(written, where, settings.columns.get(time) == "number", format)
    windows = make_windows(values, times, file, settings)
    typed.notes.doubts.extend(windows.notes)
    # Names of steps stay what they are when later ones come.
    width = len(str(np.isin(windows.names, times.names[: len(cells)]).sum()))
    ids = np.array([f"{number:0{width}d}{AT}{moment}" for number, moment in enumerate(windows.names, start=1)])
    known = windows.table[name].notna().to_numpy()
    quarantined = [Quarantined(str(example), NO_TARGET, "", "", "") for example in ids[~known]]
    quarantined += [Quarantined(f"at {moment}", ACROSS_GAP, "", "", "") for moment in windows.across_gap]
    with carrying(quarantined):
        table = windows.table[known].reset_index(drop=True)
        targets, class_names = target_values(table[name], file, settings, typed.notes)
        features = table.drop(columns=name)
        splits = split_rows(targets, None, class_names, settings)
        columns, left_out = describe_columns(features.iloc[splits["development"]], {}, settings.missing)
        refuse_no_column(columns, left_out, file)
        features = features[[column.name for column in columns]]
        parts = (class_names, splits, left_out, quarantined, typed.notes)
        written_so = written_as(typed, settings)
        rows = Rows(features, columns, targets, None, ids[known], *parts, target=written_so, time_format=format)
        check_splits(rows, file, settings)
    return rows


def moment_of(example: str) -> str:
    """The time in a window's id, as the file has it."""
    return example.partition(AT)[2] or example


def time_format(cells: pd.DataFrame, settings: Data, delimiter: str | None) -> NumberFormat:
    """How the times of a series are written, where they are numbers."""
    name, time = str(settings.target), str(settings.time)
    texts = {column: cells[column].dropna().map(str).unique() for column in (time, name)}
    return find_formats(texts, delimiter, given_formats(settings, [time, name]))[time].format


def with_steps(values: pd.Series, times: pd.Series, steps: pd.DataFrame | None) -> tuple[pd.Series, pd.Series]:
    """The series with the steps that were accepted later: (N,) values, and (N,) times as they are written."""
    if steps is None or not len(steps):
        return values, times
    later = [steps[name].set_axis(range(len(times), len(times) + len(steps))) for name in (values.name, times.name)]
    moments = times if times.dtype == object else times.map(name_of).astype(object)
    return pd.concat([values, later[0]]), pd.concat([moments, later[1]])
