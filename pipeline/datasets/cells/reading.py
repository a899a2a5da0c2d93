"""A CSV or Parquet file as people have them → its cells under clean column names, before anything is made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.datasets.cells.csv_files import header_of, read_csv
from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.cells.parquet_files import names_in, read_parquet
from pipeline.datasets.cells.text import clean_text
from pipeline.params.data import tables_in


def find_table(path: Path) -> Path:
    """The file itself, or the only table in a folder.

    Raises:
        TableError: when there is none, or several.
    """
    if path.is_file():
        return path
    tables = tables_in(path) if path.is_dir() else []
    if len(tables) != 1:
        raise TableError(f"{path}: holds {len(tables)} tables, and one is needed; name the file itself in data.path")
    return tables[0]


def read_header(file: Path) -> tuple[list[str], str | None]:
    """The names of the columns, and the delimiter of a CSV (None for Parquet).

    Raises:
        TableError: as read_cells.
    """
    with _readable(file):
        if is_parquet(file):
            return names_in(file), None
        names, delimiter = header_of(file)
        return [name for name in names if name], delimiter


def is_parquet(file: Path) -> bool:
    return file.suffix.lower() == ".parquet"


def read_cells(file: Path, wanted: Callable[[str], bool] = lambda name: True, rows_needed: bool = True) -> pd.DataFrame:
    """The rows of a table, each cell as the file has it: text without blanks around it, NaN where it is empty.

    A CSV has text alone. Parquet keeps its numbers as float64; whole numbers that a float cannot hold, truth values and
    dates become text.

    Args:
        wanted: which columns, by name.
        rows_needed: whether a header alone is refused.

    Raises:
        TableError: for a file that is no table, is empty, has a column name twice, or a wanted column of lists.
    """
    with _readable(file):
        cells = (read_parquet if is_parquet(file) else read_csv)(file, wanted)
    if not len(cells) and rows_needed:
        raise TableError(f"{file}: has no rows; give a table with a header and at least some rows")
    return cells.apply(_cleaned) if len(cells.columns) else cells


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TableError(f"{file}: cannot be read: {error.strerror or error}") from error


def _cleaned(column: pd.Series) -> pd.Series:
    """Numbers without what is infinite; text cleaned, each distinct value once."""
    if pd.api.types.is_float_dtype(column):
        values = column.to_numpy()
        return pd.Series(np.where(np.isinf(values), np.nan, values), index=column.index)
    places, distinct = pd.factorize(column)
    texts = np.array([clean_text(value) or np.nan for value in distinct] + [np.nan], dtype=object)
    return pd.Series(texts[places], index=column.index, dtype=object)
