"""Rows that must stay on one side of every split: those of one patient, shop or machine, or those that are alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.datasets.cells.errors import TableError


def number_alike(table: pd.DataFrame) -> np.ndarray:
    """(N,) a number for each distinct row."""
    return table.groupby(list(table.columns), dropna=False, sort=False).ngroup().to_numpy()


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
        TableError: all rows are of one group, so nothing can be tested on.
    """
    if column is not None and groups is not None and len(np.unique(groups)) < 2:
        raise TableError(
            f"{file}: data.group = {column!r}: all {len(groups)} rows are of one group, and groups are not divided; "
            "name a column that tells several apart, or set data.group to null"
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
