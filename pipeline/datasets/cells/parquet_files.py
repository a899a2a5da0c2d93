"""Parquet files: each column as numbers or as text."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.datasets.cells.csv_files import check_names
from pipeline.datasets.cells.errors import TableError, first_line
from pipeline.datasets.cells.text import clean_text

UNNAMED_INDEX = re.compile(r"__index_level_\d+__")


def read_parquet(file: Path, wanted: Callable[[str], bool]) -> pd.DataFrame:
    """Numbers as float64, all else as text, NaN where a value is missing. A named index of pandas is a column.

    Raises:
        TableError: for a damaged file, a name twice, or a wanted column of lists or bytes.
    """
    opened, names = _opened(file)
    used = [number for number, name in enumerate(names) if name and wanted(name)]
    try:
        in_file = opened.schema_arrow.names  # asked for once: Arrow reads the whole schema each time
        table = opened.read([in_file[number] for number in used])
    except Exception as error:  # damaged files make Arrow raise nearly anything
        raise TableError(f"{file}: cannot be read as Parquet: {first_line(error)}") from error
    index = pd.RangeIndex(table.num_rows)
    columns = {names[number]: _plain(table.column(place), file, names[number]) for place, number in enumerate(used)}
    return pd.DataFrame({name: pd.Series(column, index=index) for name, column in columns.items()}, index=index)


def names_in(file: Path) -> list[str]:
    """The names of the columns.

    Raises:
        TableError: for a damaged file, or a name twice.
    """
    return [name for name in _opened(file)[1] if name]


def _opened(file: Path) -> tuple[Any, list[str]]:
    """The file, and a name for each of its columns; "" for an index of pandas without a name."""
    import pyarrow.parquet

    try:
        opened = pyarrow.parquet.ParquetFile(file)
        names = [clean_text(str(name)) for name in opened.schema_arrow.names]
    except OSError as error:
        if error.errno is not None:
            raise
        raise TableError(f"{file}: cannot be read as Parquet: {first_line(error)}") from error
    except Exception as error:
        raise TableError(f"{file}: cannot be read as Parquet: {first_line(error)}") from error
    names = ["" if UNNAMED_INDEX.fullmatch(name) else name for name in names]
    check_names(file, [name for name in names if name])
    return opened, names


def _plain(column: Any, file: Path, name: str) -> np.ndarray:
    """An Arrow column as float64 or as objects: text, NaN."""
    import pyarrow
    from pyarrow import types

    kind = column.type.value_type if types.is_dictionary(column.type) else column.type
    if types.is_nested(kind) or "binary" in str(kind) or "extension" in str(kind):
        raise TableError(
            f"{file}: column {name!r} holds {kind} in each cell, and a cell is a number or a text; drop it (data.drop: "
            f"[{name}]), or make columns of it"
        )
    try:
        if types.is_dictionary(column.type):
            column = column.cast(kind)
        if types.is_decimal(kind):
            return np.array([np.nan if value is None else float(value) for value in column.to_pylist()])
        if types.is_integer(kind) or types.is_floating(kind):
            try:
                return np.asarray(column.cast("float64").to_numpy())
            except pyarrow.ArrowInvalid:  # a whole number that a float cannot hold
                column = column.cast("string")
        return np.array([np.nan if pd.isna(value) else str(value) for value in column.to_pandas()], dtype=object)
    except (ValueError, ArithmeticError, NotImplementedError) as error:
        raise TableError(f"{file}: column {name!r} ({kind}): {first_line(error)}; drop it (data.drop)") from error
