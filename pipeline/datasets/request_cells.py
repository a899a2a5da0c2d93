"""Rows that a model is asked about → numbers, each cell read as the model's own columns say, never guessed anew.

So a row has one answer: alone or beside others, from a file, as JSON or over HTTP.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from pipeline.datasets.cells.dates import read_days
from pipeline.datasets.cells.missing import READ_AS_EMPTY, missing_words
from pipeline.datasets.cells.numbers import NumberFormat, parse_in_any_format, parse_number
from pipeline.datasets.cells.text import TRUTH, clean_text
from pipeline.datasets.store.columns import Column

BITS = {"0": "false", "1": "true"}  # how many programs send truth values
LARGEST_WHOLE = 2**53  # above it a float no longer tells whole numbers apart


class CellError(ValueError):
    """A cell that cannot be read; the message names row, column and value."""


def read_rows(table: pd.DataFrame, columns: Sequence[Column]) -> np.ndarray:
    """(N, columns) float64 as `columns.encode` makes it of the rows that were learned from.

    An empty cell is a missing value, and a category that was never seen counts as missing, as in training.

    Args:
        table: (N, …) with at least these columns, each once.

    Raises:
        CellError: for the first cell that cannot be read.
    """
    rows = np.empty((len(table), len(columns)))
    for position, column in enumerate(columns):
        read = cell_reader(column)
        known: dict[str, float] = {}
        for row, cell in enumerate(table[column.name]):
            try:
                if not isinstance(cell, str):
                    rows[row, position] = read(cell)
                    continue
                if cell not in known:
                    known[cell] = read(cell)
                rows[row, position] = known[cell]
            except CellError as error:
                raise CellError(f"row {row}: column {column.name!r}: {error}") from None
    return rows


def refuse_lost_words(table: pd.DataFrame, columns: Sequence[Column]) -> None:
    """Refuse an empty cell of a column with a category such as None: MLflow reads that word in a CSV as empty.

    Raises:
        CellError: naming row, column and remedy.
    """
    for column in columns:
        lost = sorted(READ_AS_EMPTY.intersection(column.categories or []))
        empty = table[column.name].isna().to_numpy() if lost and column.name in table else np.zeros(0, bool)
        if empty.any():
            raise CellError(
                f"row {int(empty.argmax())}: column {column.name!r}: is empty, and may have been {lost[0]!r}, a "
                'category of this column that CSV cannot tell from an empty cell; send JSON, with "" for what is empty'
            )


def cell_reader(column: Column) -> Callable[[Any], float]:
    """What a cell of this column is as a number, NaN where it is missing; CellError for what cannot be read."""
    read = _reader(column)
    return lambda cell: _read(cell, read)


def _read(cell: Any, read: Callable[[Any], float]) -> float:
    if isinstance(cell, str):
        text = clean_text(cell)
        return read(text) if text else math.nan
    if isinstance(cell, bytes) or not pd.api.types.is_scalar(cell):
        raise CellError(f"{cell!r} is no single value; send a number or a text")
    return math.nan if pd.isna(cell) else read(cell)


def numbers_for_none(column: Column) -> set[float]:
    """The numbers that stand for a missing value in a column of numbers, such as -999."""
    return {float(word) for word in missing_words(column.missing) if _is_number(word)}


def _reader(column: Column) -> Callable[[Any], float]:
    """What a cell that is not empty is to this column."""
    words = missing_words(column.missing)
    if column.time is not None:
        return lambda cell: math.nan if cell in words else _days(cell, column.time or "")
    if column.categories is None:
        format = NumberFormat(column.decimal, column.thousands)
        absent = numbers_for_none(column)
        return lambda cell: math.nan if _stands_for_none(cell, words, absent) else _number(cell, format)
    places = {name: float(place) for place, name in enumerate(column.categories)}
    numbers = {int(name): name for name in places if _is_whole(name) and str(int(name)) != name}
    truths = {name.casefold(): place for name, place in places.items() if name.casefold() in TRUTH}
    return lambda cell: _place(cell, places, truths, numbers)


def _stands_for_none(cell: Any, words: frozenset[str], absent: set[float]) -> bool:
    if isinstance(cell, str):
        return cell in words
    return isinstance(cell, int | float | np.integer | np.floating) and not isinstance(cell, bool) and cell in absent


def _is_number(word: str) -> bool:
    return re.fullmatch(r"[+-]?\d+(\.\d+)?", word, re.ASCII) is not None


def _number(cell: Any, format: NumberFormat) -> float:
    """As the column writes its numbers; else, and still by the cell alone, as the only number that it can be."""
    number = None
    if isinstance(cell, str) and (number := parse_number(cell, format)) is None:
        number = parse_in_any_format(cell)
    if isinstance(cell, int | float | np.integer | np.floating | Decimal) and not isinstance(cell, bool):
        number = float(cell)
    if number is None:
        written = f" (its numbers are written with {format.decimal!r} before the decimals"
        written += f" and {format.thousands!r} between thousands)" if format.thousands else ")"
        raise CellError(f"{cell!r} is no number{written}; leave out what is unknown")
    return number if math.isfinite(number) else math.nan


def _place(cell: Any, places: dict[str, float], truths: dict[str, float], numbers: dict[int, str]) -> float:
    """A category's place in its list: text as it is, truth values however they are spelled, a number by its digits.

    A whole number may be written as 1.0, since programs do that where a column has gaps.
    """
    if isinstance(cell, str):
        digits = cell.removesuffix(".0")
        others = (digits, f"{digits}.0") if _is_whole(digits) else ()
        known = next((places[name] for name in (cell, *others) if name in places), math.nan)
        return truths.get(BITS.get(cell, cell.casefold()), math.nan) if math.isnan(known) else known
    if isinstance(cell, bool | np.bool_):
        return truths.get(str(bool(cell)).casefold(), math.nan)
    if isinstance(cell, int | float | np.integer | np.floating | Decimal) and float(cell).is_integer():
        whole = int(cell)
        if whole in numbers:
            raise CellError(
                f"{cell!r} came as a number, and this column has {numbers[whole]!r}; send it as text, which keeps zeros"
            )
        if not isinstance(cell, int | np.integer | Decimal) and abs(whole) > LARGEST_WHOLE:
            raise CellError(f"{cell!r} came as a number, which has lost digits; send it as text")
        known = places.get(str(whole), places.get(f"{whole}.0", math.nan))
        return truths.get(BITS.get(str(whole), ""), math.nan) if math.isnan(known) else known
    return places.get(str(cell), math.nan)


def _days(cell: Any, pattern: str) -> float:
    text = cell if isinstance(cell, str) else cell.isoformat() if isinstance(cell, date) else None
    days = math.nan if text is None else float(read_days([text], pattern if isinstance(cell, str) else "ISO8601")[0])
    if math.isnan(days):
        raise CellError(f"{cell!r} is no date as this column has them ({pattern}); leave out what is unknown")
    return days


def _is_whole(name: str) -> bool:
    return name.lstrip("+-").isdecimal() and name.isascii()
