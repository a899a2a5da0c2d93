"""A CSV or Parquet file as people have them → a data frame with clean names and plain types."""

from __future__ import annotations

import csv
import logging
import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.params.data import tables_in

DELIMITERS = ",;\t|"
MISSING = ["", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "none", "-", "?", "#N/A", "."]
MOSTLY = 0.9  # a column of which this share reads as numbers is one of numbers; the rest counts as missing
PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
COMMA = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+),\d+([eE][+-]?\d+)?")

log = logging.getLogger("kiyas")


class TableError(ValueError):
    """A table from which nothing can be learned as it is; the message names file, column, value and remedy."""


def find_table(path: Path) -> Path:
    """The file itself, or the only table in a folder.

    Raises:
        TableError: when there is none, or several.
    """
    if path.is_file():
        return path
    found = tables_in(path) if path.is_dir() else []
    if len(found) != 1:
        raise TableError(f"{path}: holds {len(found)} tables, and one is needed; name the file itself in data.path")
    return found[0]


def read_table(file: Path) -> pd.DataFrame:
    """All rows and columns: numbers as float64, everything else as text, what is missing as NaN.

    A CSV may have a byte-order mark, be separated by semicolons, tabs or bars, and write decimals with a comma. A
    column that is nearly all numbers is one of numbers, and the rest of it counts as missing (with a warning).

    Raises:
        TableError: for a file that is no table, is empty, or has a column name twice.
    """
    table = _read_parquet(file) if file.suffix.lower() == ".parquet" else _read_csv(file)
    if not len(table):
        raise TableError(f"{file}: has no rows; give a table with a header and at least some rows")
    return pd.DataFrame({name: _plain(table[name], f"{file}: column {name!r}") for name in table.columns})


def _read_parquet(file: Path) -> pd.DataFrame:
    try:
        table = pd.read_parquet(file)
    except Exception as error:  # damaged files make Arrow raise nearly anything
        raise TableError(f"{file}: cannot be read as Parquet: {_first_line(error)}") from error
    table.columns = [str(name).strip() for name in table.columns]
    _check_names(file, list(table.columns))
    return table


def _read_csv(file: Path) -> pd.DataFrame:
    """Every cell as text; types are found afterwards, so that a decimal comma or a stray word spoils nothing."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise TableError(f"{file}: is not UTF-8; save it as UTF-8 (spreadsheets offer `CSV UTF-8`)") from None
    first = text.lstrip().partition("\n")[0]
    if not first:
        raise TableError(f"{file}: is empty; give a table with a header")
    delimiter = max(DELIMITERS, key=lambda character: len(next(csv.reader([first], delimiter=character))))
    names = [name.strip() for name in next(csv.reader([first], delimiter=delimiter))]
    unnamed = [number for number, name in enumerate(names) if not name]
    _check_names(file, [name for name in names if name])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table = pd.read_csv(
                file,
                encoding="utf-8-sig",
                sep=delimiter,
                dtype=str,
                skipinitialspace=True,
                keep_default_na=False,
                na_values=MISSING,
                index_col=False,
            )
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        raise TableError(f"{file}: {_first_line(error)}; every row needs as many cells as the header") from error
    if unnamed:
        log.info("%s: column %d has no name and is not used", file, unnamed[0] + 1)
    table.columns = [str(name).strip() for name in table.columns]
    return table.drop(columns=[table.columns[number] for number in unnamed])


def _check_names(file: Path, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise TableError(f"{file}: column {twice[0]!r} stands {names.count(twice[0])} times; give each its own name")


def _plain(column: pd.Series, where: str) -> pd.Series:
    """float64 where the column is one of numbers (infinite ones are missing), else text."""
    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        text = column.astype(object).map(lambda value: np.nan if pd.isna(value) else str(value).strip())
        text = text.where(~text.isin(MISSING), np.nan)
        return _numbers(text, where)
    return column.astype("float64").replace([np.inf, -np.inf], np.nan)


def _numbers(text: pd.Series, where: str) -> pd.Series:
    present = text.dropna()
    written = present.map(_as_number)
    share = written.notna().mean() if len(present) else 0.0
    if not len(present):
        return text.astype("float64")
    if share < MOSTLY:
        return text.astype(object)
    if strays := sorted(set(present[written.isna()])):
        log.warning(
            "%s: %d values are no numbers, such as %r; they count as missing", where, written.isna().sum(), strays[0]
        )
    return text.map(lambda value: np.nan if pd.isna(value) else _as_number(value)).astype("float64")


def _as_number(text: str) -> float:
    """A number as a point or a comma writes it; NaN for anything else, and for what is infinite."""
    if COMMA.fullmatch(text):
        text = text.replace(".", "").replace(",", ".")
    elif not PLAIN.fullmatch(text):
        return np.nan
    number = float(text)
    return number if np.isfinite(number) else np.nan


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
