"""Rows of a table without targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.champions.inputs import InputError, as_rows
from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.cells.missing import missing_words
from pipeline.datasets.store.columns import Column
from pipeline.datasets.store.prepared import DEVELOPMENT, TEST, PreparedError, load_prepared
from pipeline.datasets.tables.grouping import name_texts, number_groups
from pipeline.formats import count_of
from pipeline.operations.predicting.rows import read_asked
from pipeline.operations.retraining.contenders import ReigningChampion
from pipeline.operations.retraining.row_drift import RowSample, Shift, column_shift
from pipeline.operations.watching.answers import Asked, findings_of
from pipeline.operations.watching.findings import FAMILIAR, Findings, drawn, refuse_few
from pipeline.params.data import Data
from pipeline.params.upkeep.retrain import Retrain

NOUN = "row"
NOT_COMPARED = (
    "Columns are not compared, since the prepared data cannot be read: {fault}. A retraining that runs may be writing "
    "them."
)
NEVER_SEEN = "a category that was never seen"


def watch_rows(
    champion: ReigningChampion,
    files: Sequence[Path],
    data: Data,
    limits: Retrain,
    confidence: float,
    most: int | None = None,
) -> Findings:
    """
    Args:
        files: CSV or Parquet files with the columns that the champion learned from; others are not looked at, but that
            which data.group names: of rows that belong together one is asked about drift.
        data: the section of params.yaml.
        limits: the section `retrain`.
        confidence: of intervals.
        most: rows that are looked at, drawn at random where there are more; None: all.

    Raises:
        TableError: a file is no table, lacks a column, or has a text where a number belongs.
        WatchError: there are too few rows.
        ContenderError: the prepared data have other columns than the champion learned from; where they cannot be read,
            columns are not compared, which is said.
    """
    columns = champion.served.columns or []
    inputs, unseen, groups = _read(files, columns, data)
    given, chosen = len(inputs), drawn(len(inputs), most)
    inputs, unseen, groups = inputs[chosen], unseen[chosen], None if groups is None else groups[chosen]
    refuse_few(len(inputs), NOUN)
    counts = unseen.sum(axis=0).tolist()
    asked = Asked(
        NOUN,
        champion.served.probabilities(inputs),
        groups,
        unseen={column.name: count for column, count in zip(columns, counts, strict=True) if count},
    )
    asked = _beside_prepared(asked, inputs, unseen, champion, columns)
    findings = findings_of(champion, asked, limits, confidence)
    return replace(findings, drawn_from=given if given > len(inputs) else None)


def _read(
    files: Sequence[Path], columns: Sequence[Column], data: Data
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64] | None]:
    """Inputs (N, columns), whether a cell is a category that was never seen (N, columns), and groups (N,) or None."""
    names, inputs, unseen, groups = [column.name for column in columns], [], [], []
    for file in files:
        table = read_asked(file, names, [data.group] if data.group else [])
        try:
            inputs.append(as_rows(table, columns))
        except InputError as error:
            raise TableError(f"{file}: {error}") from None
        filled = np.stack([_holds_category(table[column.name], column) for column in columns], axis=1)
        unseen.append(np.isnan(inputs[-1]) & filled)
        if data.group in table:
            groups.append(name_texts(table[data.group], data.missing))
    together = pd.concat(groups, ignore_index=True) if len(groups) == len(inputs) else None
    return np.concatenate(inputs), np.concatenate(unseen), number_groups(together, None)


def _holds_category(cells: pd.Series, column: Column) -> NDArray[np.bool_]:
    """(N,) whether a cell has a category, a known one or not; none has in a column of numbers."""
    if column.categories is None:
        return np.zeros(len(cells), bool)
    return (cells.notna() & ~cells.isin(missing_words(column.missing))).to_numpy()


def _beside_prepared(
    asked: Asked,
    inputs: NDArray[np.float64],
    unseen: NDArray[np.bool_],
    champion: ReigningChampion,
    columns: Sequence[Column],
) -> Asked:
    """With drift of columns, and how many rows have the values of prepared ones; or why neither is known."""
    try:
        splits = [load_prepared(DEVELOPMENT), load_prepared(TEST)]
    except PreparedError as error:
        return replace(asked, remarks=[NOT_COMPARED.format(fault=error)])
    prepared = RowSample.of(splits)
    today, own = splits[1].columns or [], prepared.one_of_each_group.inputs
    repeated = _repeated(inputs, champion.asked(prepared.inputs, today))
    known = champion.asked(own, today)
    places = {column.name: place for place, column in enumerate(today)}
    given = np.stack([~np.isnan(own[:, places[column.name]]) for column in columns], axis=1)
    single = asked.single
    remarks = [FAMILIAR.format(count=count_of(repeated, NOUN), noun=NOUN)] if repeated else []
    new = _marked(inputs[single], unseen[single], columns)
    return replace(asked, remarks=remarks, columns=_column_drift(new, _marked(known, given, columns), columns))


def _repeated(new: NDArray[np.float64], known: NDArray[np.float64]) -> int:
    """How many of the new rows (N, columns) have the values of a known one."""
    return len(pd.DataFrame(new).merge(pd.DataFrame(known).drop_duplicates()))


def _marked(rows: NDArray[np.float64], given: NDArray[np.bool_], columns: Sequence[Column]) -> NDArray[np.float64]:
    """(N, columns) with a category of its own, the last one, where a row has one that the champion never saw.

    Args:
        rows: as the champion reads them; given: whether such a cell, if it is NaN there, has a value.
    """
    marked = rows.copy()
    for place, column in enumerate(columns):
        if column.categories is not None:
            strange = given[:, place] & np.isnan(rows[:, place])
            marked[strange, place] = len(column.categories)
    return marked


def _column_drift(new: NDArray[np.float64], known: NDArray[np.float64], columns: Sequence[Column]) -> dict[str, Shift]:
    """Against prepared rows, one of each group; a category that the champion never saw is one of its own on both
    sides, since the data may have got it after the champion was trained."""
    shifts = {}
    for place, column in enumerate(columns):
        wider = column
        if column.categories is not None:
            wider = replace(column, categories=[*column.categories, NEVER_SEEN])
        shifts[column.name] = column_shift(new[:, place], known[:, place], wider)
    return shifts
