"""From a table, or the windows of a series, to rows that learn and rows that test: targets, repeated rows, splits."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.datasets.columns import Column, describe_columns
from pipeline.datasets.photos.folders import Quarantined
from pipeline.datasets.splits import draw_limited, draw_test, last_stretch
from pipeline.datasets.tables.reading import TableError
from pipeline.datasets.tables.series import make_windows
from pipeline.params.data import Data

NO_TARGET = "has no target"
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
        ids: (N,) names of rows, sorted.
        class_names: empty for a regression.
        splits: sorted rows of "development" and "test".
        columns_left_out: {name: why}.
        quarantined: rows that are left out.
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

    def counts(self, split: str) -> dict[str, int]:
        """How many rows of each class a split has; nothing for a regression."""
        numbers = Counter(self.targets[self.splits[split]].tolist())
        return {name: numbers[number] for number, name in enumerate(self.class_names)}


def prepare_rows(table: pd.DataFrame, file: Path, settings: Data) -> Rows:
    """Take the target out, leave out what cannot be learned from, and split.

    The test split is drawn at random (stratified by class), or is the last stretch of a series. Rows that repeat
    another are treated as data.duplicates says.

    Raises:
        TableError: naming the file, the column, its value and what to do.
    """
    _check_columns(table, file, settings)
    table = table.drop(columns=settings.drop)
    ids = np.array([f"row {number:0{len(str(len(table)))}d}" for number in range(1, len(table) + 1)])
    if settings.time is not None:
        table, ids = make_windows(table, file, settings)
    target = table[str(settings.target)]
    known = target.notna().to_numpy()
    quarantined = [Quarantined(str(name), NO_TARGET, "", "", "") for name in ids[~known]]
    table, ids, target = table[known].reset_index(drop=True), ids[known], target[known].reset_index(drop=True)
    if settings.kind == "table":
        kept, copies = _without_copies(table, ids, file, settings)
        table, ids, target = table[kept].reset_index(drop=True), ids[kept], target[kept].reset_index(drop=True)
        quarantined += copies
    targets, class_names = _targets(target, file, settings)
    features = table.drop(columns=[str(settings.target)])
    groups = _alike(features) if settings.duplicates == "together" else None
    splits = _split(targets, groups, class_names, settings)
    columns, left_out = describe_columns(features.iloc[splits["development"]])
    if not columns:
        raise TableError(
            f"{file}: no column is left to learn from ({_listed(left_out)}); give some that tell rows apart"
        )
    features = features[[column.name for column in columns]]
    found = Rows(features, columns, targets, groups, ids, class_names, splits, left_out, quarantined)
    _check_splits(found, file, settings)
    return found


def _check_columns(table: pd.DataFrame, file: Path, settings: Data) -> None:
    wanted: dict[str, list[str | None]] = {"target": [settings.target], "time": [settings.time]}
    wanted["drop"] = list(settings.drop)
    for key, names in wanted.items():
        for name in names:
            if name is not None and name not in table:
                known = ", ".join(map(str, table.columns))
                raise TableError(f"{file}: data.{key} = {name!r}: there is no such column; columns: {known}")


def _targets(target: pd.Series, file: Path, settings: Data) -> tuple[np.ndarray, list[str]]:
    where = f"{file}: data.target = {settings.target!r}"
    if target.nunique() < 2:
        value = f"always {target.iloc[0]!r}" if len(target) else "empty"
        raise TableError(f"{where}: is {value}, so there is nothing to predict; name another column")
    numeric = pd.api.types.is_numeric_dtype(target)
    if settings.task == "regression":
        if not numeric:
            raise TableError(
                f"{where}: {target.iloc[0]!r} is no number, and data.task = 'regression' predicts numbers; name a "
                "column of numbers, or set data.task to classification"
            )
        return target.to_numpy(np.float64), []
    if numeric and (target.nunique() > len(target) / 2 or not (target == target.round()).all()):
        raise TableError(
            f"{where}: has {target.nunique()} different numbers in {len(target)} rows, hardly classes; set data.task "
            "to regression"
        )
    names = [f"{value:g}" if numeric else str(value) for value in sorted(target.unique())]
    numbers = {value: number for number, value in enumerate(sorted(target.unique()))}
    return target.map(numbers).to_numpy(np.int64), names


def _without_copies(
    table: pd.DataFrame, ids: np.ndarray, file: Path, settings: Data
) -> tuple[np.ndarray, list[Quarantined]]:
    """Which rows stay, (N,) bool, and those that repeat an earlier one in all their columns, target included."""
    numbers = _alike(table)
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


def _alike(table: pd.DataFrame) -> np.ndarray:
    """(N,) a number for each distinct row."""
    return table.groupby(list(table.columns), dropna=False, sort=False).ngroup().to_numpy()


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
