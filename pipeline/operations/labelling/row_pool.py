"""Unlabelled rows of a table: read by the study's columns, without those that are labelled, known, or repeated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.champions.inputs import InputError, as_rows
from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.cells.reading import read_cells
from pipeline.datasets.store.prepared import Prepared
from pipeline.ground.files import FORMULA
from pipeline.operations.labelling.pool import LabelNextError, Pool
from pipeline.operations.predicting.rows import TABLES

LABELLED, KNOWN, REPEATED = "have their target already", "repeat rows that are known", "repeat another one of them"
COMPUTED = "hold a cell that a spreadsheet would compute"


def look_at_rows(files: Sequence[Path], known: Sequence[Prepared], target: str) -> Pool:
    """
    Args:
        files: CSV or Parquet files with the study's columns; the target may be among them, and empty.
        known: the prepared splits, both of them: a row with the values of one of these needs no label.
        target: the column to predict.

    Raises:
        TableError: for a file that is no table, lacks a column, or has a cell that cannot be read.
        LabelNextError: none of the rows can be proposed, or files have different columns.
    """
    tables = [_read(file) for file in files]
    cells = pd.concat(tables, ignore_index=True)
    if different := [file for file, table in zip(files, tables, strict=True) if set(table) != set(cells)]:
        lacking = sorted(set(map(str, cells)) - set(map(str, tables[files.index(different[0])])))
        raise LabelNextError(
            f"{different[0]}: has no column {lacking[0]!r}, which another file has; name one at a time"
        )
    parts = [_numbers(table, file, known[0]) for table, file in zip(tables, files, strict=True)]
    inputs, names = np.concatenate(parts), _names(files, tables)
    reasons = _reasons(cells, inputs, known, target)
    kept = np.flatnonzero(reasons == "")
    left_out = {why: int((reasons == why).sum()) for why in (LABELLED, KNOWN, REPEATED, COMPUTED)}
    return Pool(
        "row",
        [names[row] for row in kept],
        kept,
        inputs,
        len(cells),
        left_out,
        cells.iloc[kept].reset_index(drop=True),
    )


def _read(file: Path) -> pd.DataFrame:
    if file.suffix.lower() not in TABLES:
        raise TableError(f"{file}: the champion learned from a table; name CSV or Parquet files with its columns")
    return read_cells(file)


def _numbers(table: pd.DataFrame, file: Path, known: Prepared) -> NDArray[np.float64]:
    try:
        return as_rows(table, known.columns or [])
    except InputError as error:
        raise TableError(f"{file}: {error}") from None


def _names(files: Sequence[Path], tables: Sequence[pd.DataFrame]) -> list[str]:
    return [f"{file} row {row}" for file, table in zip(files, tables, strict=True) for row in range(1, len(table) + 1)]


def _reasons(
    cells: pd.DataFrame, inputs: NDArray[np.float64], known: Sequence[Prepared], target: str
) -> NDArray[np.object_]:
    """(N,) why a row cannot be proposed; "" where it can."""
    labelled = cells[target].notna().to_numpy() if target in cells else np.zeros(len(cells), bool)
    before = pd.DataFrame(np.concatenate([part.inputs for part in known]))
    repeated = pd.concat([before, pd.DataFrame(inputs)]).duplicated().to_numpy()[len(before) :]
    among_themselves = pd.DataFrame(inputs).duplicated().to_numpy()
    computed = cells.map(lambda cell: isinstance(cell, str) and FORMULA.match(cell) is not None).any(axis=1).to_numpy()
    reasons = np.full(len(cells), "", dtype=object)
    ordered = ((computed, COMPUTED), (repeated, REPEATED), (repeated & ~among_themselves, KNOWN), (labelled, LABELLED))
    for rows, why in ordered:  # where several hold, the last one counts
        reasons[rows] = why
    return reasons
