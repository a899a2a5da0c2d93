"""Rows of a later file, read by the columns of the study: nothing is inferred anew, and what does not fit is named."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.cells.missing import missing_words
from pipeline.datasets.cells.reading import read_cells
from pipeline.datasets.request_cells import CellError, cell_reader
from pipeline.datasets.store.columns import Column
from pipeline.datasets.tables.column_types import WHOLE_AS_FLOAT, name_of
from pipeline.datasets.tables.grouping import name_texts
from pipeline.datasets.tables.ready_rows import Rows
from pipeline.params.data import Data


class UnknownClassError(TableError):
    """A target that is none of the study's classes."""


@dataclass(frozen=True)
class NewRows:
    """
    Attributes:
        table: (N, …) the study's columns, its target, and the columns of data.group and data.key: float64, or text.
        names: (N,) such as "new.csv row 3".
        faults: (N,) why a row cannot be taken in; "" where it can.
    """

    table: pd.DataFrame
    names: np.ndarray
    faults: np.ndarray


def read_new_rows(file: Path, known: Rows, header: Collection[str], settings: Data) -> NewRows:
    """
    Args:
        file: a CSV or Parquet file.
        known: the rows of the study so far.
        header: all columns of the study's own table.

    Raises:
        TableError: a column that the study does not know, or that is lacking.
        UnknownClassError: a target that is none of the study's classes.
    """
    cells = read_cells(file, rows_needed=False)
    _check_header(list(map(str, cells.columns)), file, known, header, settings)
    faults = np.full(len(cells), "", dtype=object)
    table = {column.name: _column(cells[column.name], column, faults) for column in known.columns}
    target = str(settings.target)
    table[target] = _classes(cells[target], file, known, settings, faults)
    if known.target is not None:
        table[target] = _column(cells[target], known.target, faults)
        _note(faults, table[target].isna().to_numpy(), f"column {target!r} has no target; fill it in")
    for name in filter(None, (settings.group, settings.key)):
        table[name] = name_texts(cells[name], settings.missing)
    if settings.key is not None:
        empty = table[settings.key].isna().to_numpy()
        _note(faults, empty, f"column {settings.key!r} is empty, and names the row (data.key); fill it in")
    names = np.array([f"{file.name} row {row}" for row in range(1, len(cells) + 1)], dtype=object)
    return NewRows(pd.DataFrame(table, index=range(len(cells))), names, faults)


def _check_header(names: Sequence[str], file: Path, known: Rows, header: Collection[str], settings: Data) -> None:
    if unknown := [name for name in names if name not in header]:
        raise TableError(
            f"{file}: column {unknown[0]!r} is not in the study's table ({settings.path}: {', '.join(header)}); remove "
            "it, or give it the name that it has there"
        )
    needed = [column.name for column in known.columns]
    needed += [name for name in (settings.target, settings.group, settings.key) if name is not None]
    if lacking := [name for name in needed if name not in names]:
        raise TableError(
            f"{file}: column {lacking[0]!r} is lacking, which the study needs; it has {', '.join(names)}: add it, with "
            "empty cells where it is not known"
        )


def _column(cells: pd.Series, column: Column, faults: np.ndarray) -> pd.Series:
    """As the study's own table has it: numbers, or words, of which new ones stay what they are."""
    read, words = cell_reader(column), missing_words(column.missing)
    values: list[Any] = []
    for row, cell in enumerate(cells):
        try:
            number = read(cell)
        except CellError as error:
            _note_row(faults, row, f"column {column.name!r}: {error}")
            number = math.nan
        values.append(number if column.categories is None else _category(cell, number, column.categories, words))
    return pd.Series(values, index=range(len(cells)), dtype="float64" if column.categories is None else object)


def _category(cell: Any, place: float, categories: Sequence[str], words: Collection[str]) -> Any:
    if not math.isnan(place):
        return categories[int(place)]
    if pd.isna(cell):
        return np.nan
    text = cell if isinstance(cell, str) else name_of(cell)
    if WHOLE_AS_FLOAT.fullmatch(text) and not any(name.endswith(".0") for name in categories):
        text = text.removesuffix(".0")
    return np.nan if text in words else text


def _classes(cells: pd.Series, file: Path, known: Rows, settings: Data, faults: np.ndarray) -> pd.Series:
    """The names of classes, as they are written in the study's own table."""
    words, name = missing_words(settings.missing, labels=True), str(settings.target)
    values: list[Any] = []
    for row, cell in enumerate(cells if known.target is None else ()):
        text = cell if isinstance(cell, str) or pd.isna(cell) else name_of(cell)
        if pd.isna(text) or text in words:
            _note_row(faults, row, f"column {name!r} has no target; fill it in")
            values.append(np.nan)
            continue
        spelled = text if text in known.class_names else text.removesuffix(".0")
        if spelled not in known.class_names:
            raise UnknownClassError(
                f"{file}: row {row + 1}: column {name!r}: {text!r} is a class that was never seen (known: "
                f"{', '.join(known.class_names)}); correct it, or add such rows to {settings.path}, which starts a "
                "comparison of its own"
            )
        values.append(spelled)
    return pd.Series(values, index=range(len(values)), dtype=object)


def _note(faults: np.ndarray, rows: np.ndarray, fault: str) -> None:
    for row in np.flatnonzero(rows):
        _note_row(faults, int(row), fault)


def _note_row(faults: np.ndarray, row: int, fault: str) -> None:
    """The first fault of a row is the one that is told."""
    faults[row] = faults[row] or fault
