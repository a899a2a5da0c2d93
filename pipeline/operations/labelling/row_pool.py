"""Unlabelled rows of a table: read by the study's columns, without those that are labelled, known, or repeated.

What is proposed here has to be taken in once it is labelled, so a file is held to what `retrain` demands of it before
anybody labels a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.champions.inputs import InputError, as_rows
from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.cells.missing import missing_words
from pipeline.datasets.cells.reading import find_table, read_cells, read_header
from pipeline.datasets.store.columns import Column
from pipeline.datasets.store.prepared import Prepared
from pipeline.datasets.tables.column_types import name_of
from pipeline.datasets.tables.grouping import name_texts
from pipeline.datasets.tables.preparing import rows_so_far
from pipeline.ground.files import FORMULA
from pipeline.operations.labelling.pool import LabelNextError, Pool
from pipeline.operations.labelling.waiting import waiting_tables
from pipeline.operations.labelling.written_cells import as_written
from pipeline.operations.predicting.rows import TABLES
from pipeline.params.data import Data

LABELLED, KNOWN, REPEATED = "have their target already", "repeat rows that are known", "repeat another one of them"
COMPUTED = "hold a cell that a spreadsheet would compute"
UNNAMED, TAKEN = "have no name in the column that names rows (data.key)", "have the name of a known row (data.key)"

Flags = NDArray[np.bool_]


def look_at_rows(files: Sequence[Path], known: Sequence[Prepared], settings: Data) -> Pool:
    """
    Args:
        files: CSV or Parquet files with the study's columns; the target may be among them, and empty.
        known: the prepared splits, both of them: a row with the values of one of these needs no label.

    Raises:
        TableError: for a file that is no table, lacks a column, or has a cell that cannot be read.
        LabelNextError: none of the rows can be proposed, or files have different columns.
    """
    columns = known[0].columns or []
    tables = [_read(file, columns, settings) for file in files]
    cells = pd.concat(tables, ignore_index=True)
    if different := [file for file, table in zip(files, tables, strict=True) if set(table) != set(cells)]:
        lacking = sorted(set(map(str, cells)) - set(map(str, tables[files.index(different[0])])))
        raise LabelNextError(
            f"{different[0]}: has no column {lacking[0]!r}, which another file has; name one at a time"
        )
    inputs = np.concatenate([_numbers(table, file, columns) for table, file in zip(tables, files, strict=True)])
    reasons = _reasons(cells, inputs, known, settings)
    kept, names = np.flatnonzero(reasons == ""), _names(files, tables)
    every = (LABELLED, KNOWN, REPEATED, COMPUTED, UNNAMED, TAKEN)
    return Pool(
        "row",
        [names[row] for row in kept],
        kept,
        inputs,
        len(cells),
        {why: int((reasons == why).sum()) for why in every},
        as_written(cells.iloc[kept].reset_index(drop=True), columns),
    )


def _read(file: Path, columns: Sequence[Column], settings: Data) -> pd.DataFrame:
    """Its cells in the columns that the study's own table has; `retrain` refuses a file with others."""
    if file.suffix.lower() not in TABLES:
        raise TableError(f"{file}: the champion learned from a table; name CSV or Parquet files with its columns")
    cells = read_cells(file)
    for key, name in (("data.group", settings.group), ("data.key", settings.key)):
        if name is not None and name not in cells:
            raise TableError(f"{file}: has no column {name!r}, which the study needs ({key}); add it")
    needed = [*(column.name for column in columns), settings.target, settings.group, settings.key]
    own = _own_columns(settings) or needed
    foreign = [str(name) for name in cells if str(name) not in own]
    if foreign:
        print(f"{file}: left out {', '.join(map(repr, foreign))}, which the study's table does not have")
    return cells.drop(columns=foreign)


def _own_columns(settings: Data) -> list[str]:
    """Of the study's own table; none where it is not here, since the prepared examples suffice for a proposal."""
    try:
        return read_header(find_table(Path(settings.path)))[0]
    except TableError:
        return []


def _numbers(table: pd.DataFrame, file: Path, columns: Sequence[Column]) -> NDArray[np.float64]:
    try:
        return as_rows(table, columns)
    except InputError as error:
        raise TableError(f"{file}: {error}") from None


def _names(files: Sequence[Path], tables: Sequence[pd.DataFrame]) -> list[str]:
    return [f"{file} row {row}" for file, table in zip(files, tables, strict=True) for row in range(1, len(table) + 1)]


def _has_target(column: pd.Series, settings: Data) -> NDArray[np.bool_]:
    """(N,) by the study's own rule of what counts as missing."""
    words = missing_words(settings.missing, labels=settings.has_classes)
    texts = column.map(lambda cell: cell if isinstance(cell, str) else name_of(cell), na_action="ignore")
    return np.asarray(texts.notna() & ~texts.isin(words))


def _reasons(
    cells: pd.DataFrame, inputs: NDArray[np.float64], known: Sequence[Prepared], settings: Data
) -> NDArray[np.object_]:
    """(N,) why a row cannot be proposed; "" where it can."""
    target, columns, waiting = str(settings.target), known[0].columns or [], list(waiting_tables())
    labelled = _has_target(cells[target], settings) if target in cells else np.zeros(len(cells), bool)
    own, before = _by_content(inputs, cells, columns), _known(known, waiting)
    repeated = pd.concat([before, own], ignore_index=True).duplicated().to_numpy()[len(before) :]
    among_themselves = own.duplicated().to_numpy()
    computed = cells.map(lambda cell: isinstance(cell, str) and FORMULA.match(cell) is not None).any(axis=1).to_numpy()
    unnamed, taken = _by_name(cells, waiting, settings)
    reasons = np.full(len(cells), "", dtype=object)
    ordered = (
        *((computed, COMPUTED), (unnamed, UNNAMED), (taken, TAKEN)),
        *((repeated, REPEATED), (repeated & ~among_themselves, KNOWN), (labelled, LABELLED)),
    )
    for rows, why in ordered:  # where several hold, the last one counts
        reasons[rows] = why
    return reasons


def _known(known: Sequence[Prepared], waiting: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Rows that were learned from or sealed, and those whose labels wait, as `_by_content` has them."""
    columns = known[0].columns or []
    parts = [_by_content(part.inputs, None, columns) for part in known]
    for table in waiting:
        try:
            parts.append(_by_content(as_rows(table, columns), table, columns))
        except InputError:  # `retrain` says what is wrong with it
            continue
    return pd.concat(parts, ignore_index=True)


def _by_content(inputs: NDArray[np.float64], cells: pd.DataFrame | None, columns: Sequence[Column]) -> pd.DataFrame:
    """(N, …) what makes two rows one: their numbers, and the words of categories that were never seen, which have none.

    Args:
        cells: that the numbers were read from; None of prepared examples, which have seen all of their categories.
    """
    rows = pd.DataFrame(inputs)
    for place, column in enumerate(columns):
        if column.categories is not None:
            rows[f"word {place}"] = "" if cells is None else _unseen(cells[column.name], inputs[:, place], column)
    return rows


def _unseen(cells: pd.Series, places: NDArray[np.float64], column: Column) -> NDArray[np.object_]:
    texts = name_texts(cells, column.missing)
    unseen = np.isnan(places) & texts.notna().to_numpy() & ~texts.isin(missing_words(column.missing)).to_numpy()
    return np.where(unseen, texts.to_numpy(dtype=object), "")


def _by_name(cells: pd.DataFrame, waiting: Sequence[pd.DataFrame], settings: Data) -> tuple[Flags, Flags]:
    """(N,) rows without a name, and rows with the name of a known one; none where data.key names no column."""
    if settings.key is None:
        return np.zeros(len(cells), bool), np.zeros(len(cells), bool)
    names = name_texts(cells[settings.key], settings.missing)
    taken = set[str]()
    for table in waiting:
        taken |= set(name_texts(table[settings.key], settings.missing).dropna()) if settings.key in table else set()
    if _own_columns(settings):
        taken |= set(rows_so_far(find_table(Path(settings.path)), settings).names[settings.key].dropna())
    return names.isna().to_numpy(), names.isin(taken).to_numpy()
