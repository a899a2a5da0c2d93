"""From a table, or the windows of a series, to rows that learn and rows that test: targets, repeated rows, splits."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.photos.folders import Quarantined
from pipeline.datasets.store.columns import Column
from pipeline.datasets.tables.column_types import TypedTable
from pipeline.datasets.tables.descriptions import describe_columns
from pipeline.datasets.tables.giveaways import find_counters, find_predictors
from pipeline.datasets.tables.grouping import check_groups, check_sides, number_alike, number_groups, read_names
from pipeline.datasets.tables.ready_rows import (
    Rows,
    carrying,
    check_splits,
    refuse_no_column,
    split_rows,
    strata_of_targets,
    target_values,
    type_table,
    written_as,
)
from pipeline.datasets.tables.series_rows import series_rows
from pipeline.params.data import ALL_COLUMNS, Data

REPEATED = "repeats another row in all its columns"


def prepare_rows(
    cells: pd.DataFrame,
    file: Path,
    settings: Data,
    delimiter: str | None = None,
    unread: Collection[str] = (),
    steps: pd.DataFrame | None = None,
) -> Rows:
    """Find what the columns are, take the target out, leave out what cannot be learned from, and split.

    The test split is drawn at random (stratified by class), or is the last stretch of a series. Rows that repeat
    another are treated as data.duplicates says.

    Args:
        cells: as read_cells gives them.
        delimiter: of a CSV, which helps to tell how its numbers are written; None for Parquet.
        unread: columns that the file has beside these.
        steps: of a series, its steps (time, target) that were accepted later.

    Raises:
        TableError: naming the file, the column, its value and what to do.
    """
    _check_columns([*map(str, cells.columns), *unread], file, settings)
    cells = cells.drop(columns=unread_columns(cells.columns, settings))
    ids = np.array([f"row {number:0{len(str(len(cells)))}d}" for number in range(1, len(cells) + 1)])
    if settings.kind == "series":
        return series_rows(cells, file, settings, delimiter, steps)
    name = str(settings.target)
    names, cells = read_names(cells, file, settings)
    typed, target = type_table(cells, file, settings, delimiter)
    notes, table = typed.notes, typed.table.drop(columns=name, errors="ignore")
    counters = find_counters(table, cells)
    table[name] = target.values
    known = target.values.notna().to_numpy()
    quarantined = [
        Quarantined(str(example), fault, "", "", "")
        for example, fault in zip(ids[~known], target.faults[~known], strict=True)
    ]
    with carrying(quarantined):
        table, names, ids = (*_only(known, table, names), ids[known])
        kept, copies = _without_copies(table, names, ids, file, settings)
        quarantined += copies
        table, names, ids = (*_only(kept, table, names), ids[kept])
        group = names[settings.group] if settings.group else None
        targets, class_names = target_values(table[name], file, settings, notes)
        features = table.drop(columns=name)
        groups = number_groups(group, number_alike(features) if settings.duplicates == "together" else None)
        check_groups(groups, file, settings.group)
        splits = split_rows(targets, groups, class_names, settings)
        check_sides(splits, strata_of_targets(targets, class_names), groups, file, settings.group)
        columns, left_out = _columns(features, targets, splits["development"], counters, typed, file, settings)
        features = features[[column.name for column in columns]]
        written = None if class_names else written_as(typed, settings)
        rows = Rows(
            features, columns, targets, groups, ids, class_names, splits, left_out, quarantined, notes, names, written
        )
        check_splits(rows, file, settings)
    return rows


def _only(chosen: np.ndarray, table: pd.DataFrame, names: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    return table[chosen].reset_index(drop=True), names[chosen].reset_index(drop=True)


def unread_columns(names: Iterable[str], settings: Data) -> list[str]:
    """Columns that need not be read: dropped ones but group and key, and of a series all but target and time."""
    if settings.kind == "series":
        return [name for name in names if name not in (settings.target, settings.time)]
    dropped = {*settings.drop, *(name for name, kind in settings.columns.items() if kind == "drop")}
    return [name for name in names if name in dropped and name not in (settings.group, settings.key)]


def _columns(
    features: pd.DataFrame,
    targets: np.ndarray,
    development: np.ndarray,
    counters: dict[str, str],
    typed: TypedTable,
    file: Path,
    settings: Data,
) -> tuple[list[Column], dict[str, str]]:
    """What is learned from, and why the rest is not: as the rows of development show it."""
    table = features.iloc[development]
    columns, left_out = describe_columns(table, typed.readings, settings.missing)
    refuse_no_column(columns, left_out, file)
    open_to_doubt = [column.name for column in columns if column.name not in settings.columns]
    found = {name: counters[name] for name in open_to_doubt if name in counters}
    rest = table[[name for name in open_to_doubt if name not in found]]
    found |= find_predictors(rest, targets[development], settings.task == "classification")
    for name, why in found.items():
        kind = "number" if pd.api.types.is_numeric_dtype(table[name]) else "time" if "dates" in why else "category"
        typed.notes.doubts.append(
            f"{file}: column {name!r} {why}, and is left out; data.columns: {{{name}: {kind}}} keeps it"
        )
    if len(found) == len(columns):
        typed.notes.doubts.append(f"{file}: no other column would be left to learn from, so these stay")
        return columns, left_out
    return [column for column in columns if column.name not in found], left_out | found


def _check_columns(names: Collection[str], file: Path, settings: Data) -> None:
    wanted: dict[str, list[str | None]] = {"target": [settings.target], "time": [settings.time]}
    wanted |= {"group": [settings.group], "key": [settings.key]}
    wanted |= {"drop": list(settings.drop), "columns": list(settings.columns)}
    wanted["numbers"] = [name for name in settings.numbers if name != ALL_COLUMNS]
    for key, asked in wanted.items():
        for name in asked:
            if name is not None and name not in names:
                above = "" if len(names) > 2 else " (the first line has to be the header: is there a title above it?)"
                raise TableError(
                    f"{file}: data.{key} = {name!r}: there is no such column; columns: {', '.join(names)}{above}"
                )


def _without_copies(
    table: pd.DataFrame, names: pd.DataFrame, ids: np.ndarray, file: Path, settings: Data
) -> tuple[np.ndarray, list[Quarantined]]:
    """Which rows stay, (N,) bool, and those that repeat an earlier one in all columns, target, group and key too."""
    numbers = number_alike(pd.concat([table, names], axis=1))
    copies = pd.Series(numbers).duplicated().to_numpy()
    if settings.duplicates in ("keep", "together") or not copies.any():
        return np.ones(len(table), bool), []
    first = {number: name for number, name in zip(numbers[~copies], ids[~copies], strict=True)}
    if settings.duplicates == "fail":
        row = int(np.flatnonzero(copies)[0])
        raise TableError(
            f"{file}: data.duplicates = 'fail': {copies.sum()} rows repeat another, such as {ids[row]}, which repeats "
            f"{first[numbers[row]]}; remove them, or set data.duplicates to drop, keep or together"
        )
    return ~copies, [
        Quarantined(str(ids[row]), REPEATED, first[numbers[row]], "", "") for row in np.flatnonzero(copies)
    ]
