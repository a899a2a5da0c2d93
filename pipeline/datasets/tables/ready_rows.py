"""Rows ready to be stored, and what a table and the windows of a series have in common on the way there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.cells.numbers import NumberFormat
from pipeline.datasets.photos.folders import Quarantined
from pipeline.datasets.photos.reasons import commonest
from pipeline.datasets.store.columns import Column
from pipeline.datasets.store.splits import draw_limited, draw_test, last_stretch
from pipeline.datasets.tables.column_types import Notes, Reading, TypedTable, type_columns
from pipeline.datasets.tables.targets import (
    Target,
    check_numbers,
    number_classes,
    read_class_target,
    read_number_target,
)
from pipeline.params.data import Data

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
        time_format: of a series, how its times are written where they are numbers; None for a table.
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
    time_format: NumberFormat | None = None

    def counts(self, split: str) -> dict[str, int]:
        """How many rows of each class a split has; nothing for a regression."""
        numbers = Counter(self.targets[self.splits[split]].tolist())
        return {name: numbers[number] for number, name in enumerate(self.class_names)}


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


def written_as(typed: TypedTable, settings: Data) -> Column:
    """The target of numbers as a column, so that later cells of it are read as the table's."""
    name = str(settings.target)
    reading = typed.readings.get(name, Reading())
    return Column(name, None, reading.format.decimal, reading.format.thousands, missing=settings.missing)


def target_values(target: pd.Series, file: Path, settings: Data, notes: Notes) -> tuple[np.ndarray, list[str]]:
    where = f"{file}: data.target = {settings.target!r}"
    if settings.task == "classification":
        return number_classes(target, where, settings)
    check_numbers(target, where)
    return target.to_numpy(np.float64), []


def split_rows(
    targets: np.ndarray, groups: np.ndarray | None, class_names: list[str], settings: Data
) -> dict[str, np.ndarray]:
    """Sorted rows of development and test, no more than data.limit of each: of a series those where the two meet."""
    limit = settings.limit
    if settings.kind == "series":
        development, test = last_stretch(len(targets), settings.test_fraction)
        return {"development": development[-limit:] if limit else development, "test": test[:limit]}
    strata = strata_of_targets(targets, class_names)
    development, test = draw_test(strata, settings.test_fraction, settings.seed, groups)
    splits = {"development": development, "test": test}
    if limit is None:
        return splits
    return {split: rows[draw_limited(strata[rows], limit, settings.seed)] for split, rows in splits.items()}


def strata_of_targets(targets: np.ndarray, class_names: list[str]) -> np.ndarray:
    """(N,) what draws keep in proportion: the classes; of numbers nothing."""
    return targets if class_names else np.zeros(len(targets), np.int64)


def refuse_no_column(columns: list[Column], left_out: dict[str, str], file: Path) -> None:
    if not columns:
        why = _listed(left_out) or "the target is the only one"
        raise TableError(f"{file}: no column is left to learn from ({why}); give some that tell rows apart")


def check_splits(rows: Rows, file: Path, settings: Data) -> None:
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
