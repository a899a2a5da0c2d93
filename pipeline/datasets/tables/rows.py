"""From a table, or the windows of a series, to rows that learn and rows that test: targets, repeated rows, splits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.cells.number_formats import find_formats
from pipeline.datasets.cells.numbers import NumberFormat
from pipeline.datasets.photos.folders import Quarantined
from pipeline.datasets.photos.reasons import commonest
from pipeline.datasets.store.columns import Column
from pipeline.datasets.store.splits import draw_limited, draw_test, last_stretch
from pipeline.datasets.tables.column_types import Notes, Reading, TypedTable, given_formats, name_of, type_columns
from pipeline.datasets.tables.descriptions import describe_columns
from pipeline.datasets.tables.giveaways import find_counters, find_predictors
from pipeline.datasets.tables.grouping import check_groups, check_sides, number_alike, number_groups, read_names
from pipeline.datasets.tables.series import ACROSS_GAP, make_windows
from pipeline.datasets.tables.targets import (
    NO_TARGET,
    Target,
    check_numbers,
    number_classes,
    read_class_target,
    read_number_target,
)
from pipeline.datasets.tables.times import read_times
from pipeline.params.data import ALL_COLUMNS, Data

REPEATED = "repeats another row in all its columns"
FEWEST = 5  # rows a class to learn from, as with photos
FEWEST_ROWS = 20  # to learn from where the target is a number


@dataclass(frozen=True)
class Rows:
    """A table ready to be stored.

    Attributes:
        table: the columns to learn from, (N, F).
        targets: (N,) int64 class numbers, or float64.
        groups: (N,) equal for rows that must stay on one side; None where each is on its own.
        ids: (N,) names of rows.
        class_names: empty for a regression.
        splits: sorted rows of "development" and "test".
        columns_left_out: {name: why}.
        quarantined: rows that are left out.
        notes: what is to be told of how the table was read.
        names: (N, …) texts of the columns data.group and data.key, those of them that are named.
        target: how the cells of a target of numbers are written; None for classes.
    """

    table: pd.DataFrame
    columns: list[Column]
    targets: np.ndarray
    groups: np.ndarray | None
    ids: np.ndarray
    class_names: list[str]
    splits: dict[str, np.ndarray]
    columns_left_out: dict[str, str]
    quarantined: list[Quarantined]
    notes: Notes = field(default_factory=Notes)
    names: pd.DataFrame = field(default_factory=pd.DataFrame)
    target: Column | None = None

    def counts(self, split: str) -> dict[str, int]:
        """How many rows of each class a split has; nothing for a regression."""
        numbers = Counter(self.targets[self.splits[split]].tolist())
        return {name: numbers[number] for number, name in enumerate(self.class_names)}


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
        return _series_rows(cells, file, settings, delimiter, steps)
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
        targets, class_names = _targets(table[name], file, settings, notes)
        features = table.drop(columns=name)
        groups = number_groups(group, number_alike(features) if settings.duplicates == "together" else None)
        check_groups(groups, file, settings.group)
        splits = _split(targets, groups, class_names, settings)
        check_sides(splits, groups, file, settings.group)
        columns, left_out = _columns(features, targets, splits["development"], counters, typed, file, settings)
        features = features[[column.name for column in columns]]
        written = None if class_names else written_as(typed, settings)
        rows = Rows(
            features, columns, targets, groups, ids, class_names, splits, left_out, quarantined, notes, names, written
        )
        _check_splits(rows, file, settings)
    return rows


def _only(chosen: np.ndarray, table: pd.DataFrame, names: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    return table[chosen].reset_index(drop=True), names[chosen].reset_index(drop=True)


def written_as(typed: TypedTable, settings: Data) -> Column:
    """The target of numbers as a column, so that later cells of it are read as the table's."""
    name = str(settings.target)
    reading = typed.readings.get(name, Reading())
    return Column(name, None, reading.format.decimal, reading.format.thousands, missing=settings.missing)


def unread_columns(names: Iterable[str], settings: Data) -> list[str]:
    """Columns that need not be read: dropped ones but group and key, and of a series all but target and time."""
    if settings.kind == "series":
        return [name for name in names if name not in (settings.target, settings.time)]
    dropped = {*settings.drop, *(name for name, kind in settings.columns.items() if kind == "drop")}
    return [name for name in names if name in dropped and name not in (settings.group, settings.key)]


def _series_rows(
    cells: pd.DataFrame, file: Path, settings: Data, delimiter: str | None, steps: pd.DataFrame | None
) -> Rows:
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
    ids = np.array([f"{number:0{width}d} at {moment}" for number, moment in enumerate(windows.names, start=1)])
    known = windows.table[name].notna().to_numpy()
    quarantined = [Quarantined(str(example), NO_TARGET, "", "", "") for example in ids[~known]]
    quarantined += [Quarantined(f"at {moment}", ACROSS_GAP, "", "", "") for moment in windows.across_gap]
    with carrying(quarantined):
        table = windows.table[known].reset_index(drop=True)
        targets, class_names = _targets(table[name], file, settings, typed.notes)
        features = table.drop(columns=name)
        splits = _split(targets, None, class_names, settings)
        columns, left_out = describe_columns(features.iloc[splits["development"]], {}, settings.missing)
        _refuse_none(columns, left_out, file)
        features = features[[column.name for column in columns]]
        parts = (class_names, splits, left_out, quarantined, typed.notes)
        written_so = written_as(typed, settings)
        rows = Rows(features, columns, targets, None, ids[known], *parts, target=written_so)
        _check_splits(rows, file, settings)
    return rows


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


@contextmanager
def carrying(quarantined: list[Quarantined]) -> Iterator[None]:
    """A refusal within says why rows were left out, and carries them for quarantine.csv."""
    try:
        yield
    except TableError as error:
        refusal = TableError("\n".join([str(error), *commonest(quarantined)]))
        refusal.left_out = list(quarantined)
        raise refusal from error


def type_table(cells: pd.DataFrame, file: Path, settings: Data, delimiter: str | None) -> tuple[TypedTable, Target]:
    """All columns but a target of classes, which nothing is made of; and the target."""
    name, where = str(settings.target), f"{file}: data.target = {settings.target!r}"
    if settings.task == "classification":
        typed = type_columns(cells.drop(columns=name), file, settings, delimiter)
        return typed, read_class_target(cells[name], where, settings, typed.notes)
    typed = type_columns(cells, file, settings, delimiter, labels={name})
    return typed, read_number_target(cells[name], typed.table[name], where, settings, typed.notes)


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
    _refuse_none(columns, left_out, file)
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


def _refuse_none(columns: list[Column], left_out: dict[str, str], file: Path) -> None:
    if not columns:
        why = _listed(left_out) or "the target is the only one"
        raise TableError(f"{file}: no column is left to learn from ({why}); give some that tell rows apart")


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


def _targets(target: pd.Series, file: Path, settings: Data, notes: Notes) -> tuple[np.ndarray, list[str]]:
    where = f"{file}: data.target = {settings.target!r}"
    if settings.task == "classification":
        return number_classes(target, where, settings)
    check_numbers(target, where)
    return target.to_numpy(np.float64), []


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


def _split(
    targets: np.ndarray, groups: np.ndarray | None, class_names: list[str], settings: Data
) -> dict[str, np.ndarray]:
    """Sorted rows of development and test, no more than data.limit of each: of a series those where the two meet."""
    limit = settings.limit
    if settings.kind == "series":
        development, test = last_stretch(len(targets), settings.test_fraction)
        return {"development": development[-limit:] if limit else development, "test": test[:limit]}
    strata = targets if class_names else np.zeros(len(targets), np.int64)
    development, test = draw_test(strata, settings.test_fraction, settings.seed, groups)
    splits = {"development": development, "test": test}
    if limit is None:
        return splits
    return {split: rows[draw_limited(strata[rows], limit, settings.seed)] for split, rows in splits.items()}


def _check_splits(rows: Rows, file: Path, settings: Data) -> None:
    """Refuse what leaves too little to learn from."""
    if rows.class_names:
        counts = rows.counts("development")
        few = [f"{name} has {count}" for name, count in counts.items() if count < FEWEST]
        if few:
            raise TableError(
                f"{file}: data.target = {settings.target!r}: too few rows to learn from: {', '.join(few)}; each class "
                f"needs at least {FEWEST} outside the test split: add rows, or merge or remove the class"
            )
    elif len(rows.splits["development"]) < FEWEST_ROWS:
        raise TableError(
            f"{file}: {len(rows.splits['development'])} rows to learn from are too few; give at least {FEWEST_ROWS}"
        )
    if not len(rows.splits["test"]):
        raise TableError(f"{file}: data.test_fraction = {settings.test_fraction}: leaves no row to test; raise it")


def _listed(left_out: dict[str, str]) -> str:
    return "; ".join(f"{name!r} {why}" for name, why in left_out.items())
