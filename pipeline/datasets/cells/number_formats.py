"""How the columns of a file write their numbers: found for each column as a whole, from all its values.

What a column's own values leave open (`1,614` may be a thousand or about one and a half) is decided by the file's other
columns, and then by its delimiter; a `Doubt` says what else it could be.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pipeline.datasets.cells.dates import are_months
from pipeline.datasets.cells.numbers import FORMATS, PLAIN, Figure, NumberFormat, parse_figure, take_apart

_SHOWS_POINT = re.compile(r"[+-]?(0\d*\.\d+|\d{4,}\.\d+|\.\d+|\d+\.(\d{1,2}|\d{4,}))([eE][+-]?\d+)?|.+[eE].+", re.ASCII)


@dataclass(frozen=True)
class Doubt:
    """A value that two formats read differently.

    Attributes:
        text: such as "1,614".
        taken, other: the number as it is read, and as it could be.
        other_format: what reads the other one.
        decided: whether the file's other columns say that it is the one, not the other.
    """

    text: str
    taken: float
    other: float
    other_format: NumberFormat
    decided: bool = False


@dataclass(frozen=True)
class Written:
    """The numbers of one column.

    Attributes:
        figures: {text: what it consists of} of the values that are numbers in this format.
        format: how they are written.
        units: the currencies, or "%", that stand beside them; "" among them where one stands alone.
        doubt: None where the column or the file leaves none.
    """

    figures: Mapping[str, Figure]
    format: NumberFormat
    units: frozenset[str]
    doubt: Doubt | None = None

    def numbers(self) -> dict[str, float]:
        """{text: number}."""
        parsed = {text: parse_figure(figure, self.format) for text, figure in self.figures.items()}
        return {text: number for text, number in parsed.items() if number is not None}


def find_formats(
    columns: Mapping[str, Iterable[str]], delimiter: str | None, given: Mapping[str, NumberFormat]
) -> dict[str, Written]:
    """How each column writes the values that are numbers.

    Args:
        columns: the distinct texts of each.
        delimiter: of a CSV; None for Parquet.
        given: formats that the user has named; nothing is inferred for these columns.
    """
    open_columns: dict[str, tuple[dict[str, Figure], list[NumberFormat]]] = {}
    for name, texts in columns.items():
        figures = {text: figure for text in texts if (figure := take_apart(text)) is not None}
        formats = [given[name]] if name in given else _best_formats(figures)
        open_columns[name] = figures, formats
    decimals = {
        formats[0].decimal
        for figures, formats in open_columns.values()
        if _is_decided(figures, formats) and not are_months(figures)  # whose point is none of decimals
    }
    files = decimals.pop() if len(decimals) == 1 else None
    return {name: _written(figures, formats, files, delimiter) for name, (figures, formats) in open_columns.items()}


def _best_formats(figures: Mapping[str, Figure]) -> list[NumberFormat]:
    """The formats that read the most of a column's distinct values."""
    if all(PLAIN.fullmatch(text) for text in figures) and any(map(_SHOWS_POINT.fullmatch, figures)):
        return [FORMATS[0]]  # as nearly all columns are
    counts = dict.fromkeys(FORMATS, 0)
    for figure in figures.values():
        for format in _fitting(_shape(figure.body), bool(figure.exponent)):
            counts[format] += 1
    most = max(counts.values())
    return [format for format in FORMATS if counts[format] == most]


def _shape(body: str) -> str:
    """Digits as far as they matter: how many, up to four, and whether the first is a zero."""
    if body.isdecimal():
        return "1"
    return re.sub(r"\d+", lambda run: ("0" if run[0][0] == "0" else "1") + "1" * (min(len(run[0]), 4) - 1), body)


@lru_cache(maxsize=4096)
def _fitting(shape: str, has_exponent: bool) -> tuple[NumberFormat, ...]:
    figure = Figure(1, shape, "e0" if has_exponent else "", "")
    return tuple(format for format in FORMATS if parse_figure(figure, format) is not None)


def _is_decided(figures: Mapping[str, Figure], formats: Sequence[NumberFormat]) -> bool:
    """Whether a column by itself shows what its decimal separator is."""
    return len({format.decimal for format in formats}) == 1 and any(
        separator in figure.body for figure in figures.values() for separator in ".,"
    )


def _written(
    figures: Mapping[str, Figure], formats: list[NumberFormat], files: str | None, delimiter: str | None
) -> Written:
    if len({format.decimal for format in formats}) > 1 and files is not None:
        chosen = _readings(figures, [format for format in formats if format.decimal == files])[0][0]
        other = next(format for format in formats if format.decimal != files)
        # With decimals as the other columns have them, nobody would ask; thousands are worth a word.
        return _of(figures, chosen, _doubt(figures, chosen, other, decided=True) if chosen.thousands else None)
    readings = _readings(figures, formats)
    if len(readings) == 1:
        return _of(figures, readings[0][0], None)
    chosen = _likelier([format for format, _ in readings], figures, delimiter)
    if chosen.decimal == "." and not chosen.thousands and delimiter in (",", None):
        return _of(figures, chosen, None)  # as programs write them
    others = [format for format, _ in readings if format is not chosen]
    return _of(figures, chosen, _doubt(figures, chosen, others[0]))


def _readings(
    figures: Mapping[str, Figure], formats: Sequence[NumberFormat]
) -> list[tuple[NumberFormat, list[float | None]]]:
    """The simplest of all formats that read the column alike, for each way to read it."""
    readings: list[tuple[NumberFormat, list[float | None]]] = []
    for format in formats:
        numbers = [parse_figure(figure, format) for figure in figures.values()]
        if not any(numbers == known for _, known in readings):
            readings.append((format, numbers))
    return readings


def _likelier(formats: Sequence[NumberFormat], figures: Mapping[str, Figure], delimiter: str | None) -> NumberFormat:
    """A file that is separated by commas has decimal points. Elsewhere thousands are those that stand beside numbers
    below a thousand without decimals: a program that writes decimals writes them everywhere."""
    separator = next(mark for figure in figures.values() for mark in ".," if mark in figure.body)
    whole = any(figure.body.isdecimal() for figure in figures.values())
    decimal = [format for format in formats if format.decimal == separator]
    thousands = [format for format in formats if format.decimal != separator]
    grouped = separator == "," if delimiter in (",", None) else whole and not (delimiter == ";" and separator == ",")
    preferred = thousands if grouped else decimal
    return (preferred or list(formats))[0]


def _doubt(
    figures: Mapping[str, Figure], taken: NumberFormat, other: NumberFormat, decided: bool = False
) -> Doubt | None:
    """None where the two read nothing differently: each then reads what the other does not."""
    for text, figure in figures.items():
        first, second = parse_figure(figure, taken), parse_figure(figure, other)
        if first is not None and second is not None and first != second:
            return Doubt(text, first, second, other, decided)
    return None


def _of(figures: Mapping[str, Figure], format: NumberFormat, doubt: Doubt | None) -> Written:
    fitting = {text: figure for text, figure in figures.items() if parse_figure(figure, format) is not None}
    return Written(fitting, format, frozenset(figure.unit for figure in fitting.values()), doubt)
