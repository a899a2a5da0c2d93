"""Rows that must stay on one side of every split: those of one patient, shop or machine, or those that are alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.cells.missing import missing_words
from pipeline.datasets.store.splits import NONE_TO_DRAW, can_draw_groups
from pipeline.datasets.tables.column_types import name_of
from pipeline.params.data import Data

FEWEST_GROUPS = 3  # one to learn from, one to validate on, one to test on


def number_alike(table: pd.DataFrame) -> np.ndarray:
    """(N,) a number for each distinct row."""
    return table.groupby(list(table.columns), dropna=False, sort=False).ngroup().to_numpy()


def read_names(cells: pd.DataFrame, file: Path, settings: Data) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The columns that name groups and rows, (N, 0 to 2) texts; and the others.

    Raises:
        TableError: a key stands in two rows.
    """
    columns = [name for name in (settings.group, settings.key) if name is not None]
    names = pd.DataFrame({name: name_texts(cells[name], settings.missing) for name in columns}, index=cells.index)
    if settings.key is not None:
        _check_key(names[settings.key], file)
    return names, cells.drop(columns=columns)


def name_texts(cells: pd.Series, missing: Sequence[str] | None) -> pd.Series:
    """(N,) names as text, so that CSV and Parquet name alike; empty where a cell is, or has a word for what is missing.

    Args:
        cells: (N,) text or float64.
        missing: data.missing.
    """
    texts = cells.map(name_of, na_action="ignore") if pd.api.types.is_numeric_dtype(cells) else cells
    present = texts.dropna()
    if present.str.endswith(".0").any() and present.str.fullmatch(r"[+-]?\d+(\.0)?").all():
        texts = texts.str.removesuffix(".0")  # as programs write whole numbers where some are missing
    return texts.astype(object).mask(texts.isin(missing_words(missing)))


def _check_key(key: pd.Series, file: Path) -> None:
    again = key.duplicated() & key.notna()
    if again.any():
        second = int(np.flatnonzero(again)[0])
        first = int(np.flatnonzero(key == key.iloc[second])[0])
        raise TableError(
            f"{file}: data.key = {key.name!r}: {key.iloc[second]!r} stands in rows {first + 1} and {second + 1}; a key "
            "names one row: remove one of them, name another column, or set data.key to null"
        )


def number_groups(named: pd.Series | None, alike: np.ndarray | None) -> np.ndarray | None:
    """(N,) a number for each group, in the order of the rows; None where every row is on its own.

    Rows are of one group where they have the same name, or are alike, or both are so with a third one in between.

    Args:
        named: (N,) the group's column; a row with an empty cell is a group of its own.
        alike: (N,) a number for each distinct row, where rows that are alike stay together.
    """
    if named is None:
        return alike
    names = _numbered(named)
    return names if alike is None else _joined(names, alike)


def check_groups(groups: np.ndarray | None, file: Path, column: str | None) -> None:
    """
    Raises:
        TableError: there are too few groups to learn from one, to validate on another, and to test on a third.
    """
    if column is None or groups is None:
        return
    if (count := len(np.unique(groups))) < FEWEST_GROUPS:
        rows = f"all {len(groups)} rows are of one group" if count == 1 else f"there are {count} groups"
        raise TableError(
            f"{file}: data.group = {column!r}: {rows}, and groups are not divided: to learn from, to validate on and "
            f"to test on takes at least {FEWEST_GROUPS}; name a column that tells more apart, or set data.group to null"
        )


def check_sides(
    splits: Mapping[str, np.ndarray], strata: np.ndarray, groups: np.ndarray | None, file: Path, column: str | None
) -> None:
    """
    Args:
        strata: (N,) what draws keep in proportion; see `splits.strata_of`.

    Raises:
        TableError: whole groups leave a side without rows, or nothing to validate on.
    """
    if column is None or groups is None:
        return
    if not len(splits["test"]):
        raise TableError(
            f"{file}: data.group = {column!r}: no group can be set aside as test, since each class stands in a single "
            "group; name a column of which each class has several values, or set data.group to null"
        )
    if len(np.unique(groups[splits["development"]])) < 2:
        raise TableError(
            f"{file}: data.group = {column!r}: a single group is left to learn from, and none to validate on; lower "
            "data.test_fraction, or name a column that tells more groups apart"
        )
    if not can_draw_groups(strata[splits["development"]], groups[splits["development"]]):
        raise TableError(
            f"{file}: data.group = {column!r}: of what is left to learn from {NONE_TO_DRAW}, to validate on; lower "
            "data.test_fraction, or name a column of which each class has several values"
        )


def _numbered(named: pd.Series) -> np.ndarray:
    empty = named.isna().to_numpy()
    numbers = pd.factorize(named)[0].astype(np.int64)
    numbers[empty] = len(named) + np.arange(empty.sum())
    return np.unique(numbers, return_inverse=True)[1].astype(np.int64)


def _joined(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The finest grouping in which both hold: connected components of the graph whose nodes are the groups of both."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    size = int(first.max()) + 1
    nodes = size + int(second.max()) + 1
    edges = coo_array((np.ones(len(first)), (first, size + second)), shape=(nodes, nodes))
    return np.asarray(connected_components(edges, directed=False)[1][first], np.int64)
