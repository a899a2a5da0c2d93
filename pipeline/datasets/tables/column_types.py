"""What each column of a table is: numbers, categories or dates. What had to be decided is told, with the key for it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from pipeline.datasets.cells.dates import are_months, differently_read, find_patterns, read_days
from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.cells.missing import missing_words
from pipeline.datasets.cells.number_formats import Written, find_formats
from pipeline.datasets.cells.numbers import PLAIN_FORMAT, WHOLE, NumberFormat, is_code, may_be_code, same_units
from pipeline.datasets.cells.text import TRUTH, spelled_alike
from pipeline.datasets.tables.sentinels import doubts_of_sentinels
from pipeline.params.data import ALL_COLUMNS, Data

MOSTLY = 0.9  # a column of which this share reads as numbers is one of numbers; the rest counts as missing
FEW_UNITS = 4
FEW = 20  # distinct whole numbers; with words among them that come again and again they are names
CODE = re.compile(r"[A-Z]{1,3}[-. ]?\d[\w.-]*|\d+[A-Z]+[\w.-]*", re.ASCII)  # V58, E849.0, 2B110
WHOLE_AS_FLOAT = re.compile(r"-?\d+\.0", re.ASCII)
UNIT = re.compile(r"[+-]?[\d.,' ]+ ?([^\W\d_]{1,4}[²³]?|°[CF]?)")

Kind = Literal["category", "number", "drop", "time"]


@dataclass(frozen=True)
class Reading:
    """How the cells of one column are read, now and whenever the model is asked.

    Attributes:
        format: of a column of numbers.
        pattern: of a column of dates (see `dates.PATTERNS`), else None.
    """

    format: NumberFormat = PLAIN_FORMAT
    pattern: str | None = None


@dataclass(frozen=True)
class Notes:
    """What is to be told of a table.

    Attributes:
        doubts: what may be wrong, with the key that decides otherwise.
        facts: what was understood.
        missing: {column: {word: how often it counts as missing}}.
    """

    doubts: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    missing: dict[str, dict[str, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class TypedTable:
    """
    Attributes:
        table: (N, columns): float64, or text with NaN for what is missing.
        readings: of each column.
    """

    table: pd.DataFrame
    readings: dict[str, Reading]
    notes: Notes


def type_columns(
    cells: pd.DataFrame, file: Path, settings: Data, delimiter: str | None = None, labels: Collection[str] = ()
) -> TypedTable:
    """Numbers as float64, all else as text, dates that the user names as such as days since 1970.

    Args:
        cells: (N, columns) float64 or text, as read_cells gives them.
        delimiter: of a CSV; None for Parquet.
        labels: columns in which a word such as None is a value: the target.

    Raises:
        TableError: where a column is not what data.columns says.
    """
    notes = Notes()
    counts = {name: cells[name].value_counts() for name in cells.columns if not _is_numeric(cells[name])}
    words = {name: missing_words(settings.missing, name in labels) for name in cells.columns}
    if settings.missing is None:  # beside + a - is no missing value: positive and negative
        words = {name: known - {"-"} if "+" in counts.get(name, ()) else known for name, known in words.items()}
    present = {name: found[~found.index.isin(words[name])] for name, found in counts.items()}
    written = find_formats(
        {name: found.index for name, found in present.items()}, delimiter, given_formats(settings, present)
    )
    table, readings = {}, {}
    for name in cells.columns:
        where, kind = f"{file}: column {name!r}", settings.columns.get(str(name))
        if name in present:
            column = _TextColumn(str(name), where, present[name], written[name], notes)
            _note_missing(notes, str(name), where, counts[name], words[name])
            readings[str(name)], values = column.read(kind)
            table[name] = cells[name].map({text: values.get(text, np.nan) for text in present[name].index})
            if not any(isinstance(value, str) for value in values.values()):
                table[name] = table[name].astype("float64")
        else:
            table[name] = _numeric(cells[name], kind, words[name], str(name), where, notes)
            readings[str(name)] = Reading()
    _note_decimal_commas(notes, file, readings, written, settings)
    return TypedTable(pd.DataFrame(table, index=cells.index), readings, notes)


def given_formats(settings: Data, names: Collection[str]) -> dict[str, NumberFormat]:
    """{column: format} of those that data.numbers names."""
    given = {name: settings.numbers.get(str(name), settings.numbers.get(ALL_COLUMNS)) for name in names}
    return {name: NumberFormat(known.decimal, known.thousands) for name, known in given.items() if known is not None}


def name_of(number: float) -> str:
    """A number that is a name: 3.0 is called 3."""
    return str(int(number)) if number == int(number) else repr(number)


def _is_numeric(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _numeric(
    column: pd.Series, kind: Kind | None, words: frozenset[str], name: str, where: str, notes: Notes
) -> pd.Series:
    """A column that is stored as numbers, without those that stand for missing; categories if the user says so."""
    values = column.astype("float64").replace([np.inf, -np.inf], np.nan)
    absent = {float(word) for word in words if re.fullmatch(r"[+-]?\d+(\.\d+)?", word)}
    gone = values[values.isin(absent)].map(name_of)
    _note_missing(notes, name, where, gone.value_counts(), frozenset(gone))
    values = values.mask(values.isin(absent))
    if kind != "category":
        counts = values.value_counts()
        names = {name_of(number): number for number in counts.index}
        notes.doubts.extend(doubts_of_sentinels(names, dict(zip(names, counts, strict=True)), where))
    return values.map(name_of, na_action="ignore").astype(object) if kind == "category" else values


def _note_missing(notes: Notes, name: str, where: str, counts: pd.Series, words: frozenset[str]) -> None:
    taken = {str(word): int(count) for word, count in counts.items() if word in words}
    if taken:
        notes.missing[name] = taken
        listed = ", ".join(f"{word!r} ({count})" for word, count in taken.items())
        notes.facts.append(f"{where}: {listed} counts as missing; data.missing lists the words that do")


def _note_decimal_commas(
    notes: Notes, file: Path, readings: Mapping[str, Reading], written: Mapping[str, Written], settings: Data
) -> None:
    """One line for all of them: nobody doubts `18,5` beside semicolons, and everybody wants to see that it was read."""
    examples: dict[str, tuple[str, float]] = {}
    for name, column in written.items():
        if settings.numbers or column.doubt or readings[str(name)].format.decimal != ",":
            continue
        with_comma = (pair for pair in column.numbers().items() if "," in pair[0])
        if (example := next(with_comma, None)) is not None:
            examples[str(name)] = example
    if examples:
        (first, (text, number)), *others = examples.items()
        also = f"; so in {len(others)} more column{'s' if len(others) > 1 else ''}" if others else ""
        notes.facts.append(f"{file}: column {first!r} has decimal commas: {text!r} is read as {number:.10g}{also}")


@dataclass(frozen=True)
class _TextColumn:
    """One column of text.

    Attributes:
        counts: how often each text stands in it, without what is missing.
        written: those of its texts that are numbers.
    """

    name: str
    where: str
    counts: pd.Series
    written: Written
    notes: Notes

    def read(self, kind: Kind | None) -> tuple[Reading, Mapping[str, str | float]]:
        """How it is read, and {text: value}; what is not in it is missing."""
        if kind == "time":
            return self._as_dates()
        if kind == "number" or (kind is None and self._is_of_numbers()):
            return self._as_numbers()
        return Reading(), self._as_categories(told=kind is None)

    def _is_of_numbers(self) -> bool:
        if not len(self.counts):
            return True
        if are_months(self.counts.index):
            return False
        numbers = self.counts.index.isin(list(self.written.figures))
        share = self.counts[numbers].sum() / self.counts.sum()
        strays = self.counts[~numbers]
        if (self.counts[numbers].index.map(is_code)).any() and all(map(may_be_code, self.counts.index[numbers])):
            code = next(text for text in self.counts.index if is_code(text))
            self._fact(f"is read as names, since {code!r} is no number; {self._key('number')} reads numbers")
            return False
        if share >= MOSTLY and len(units := same_units(self.written.units - {""})) > 1:
            self._doubt(f"is read as words: its numbers have several units ({', '.join(sorted(units))}); convert them")
            return False
        if share == 1:
            return True
        if share < MOSTLY:
            self._note_words(share, strays)
            return False
        if self._are_names(numbers, strays):
            self._fact(
                f"is read as names, since {strays.index[0]!r} stands among its numbers; "
                f"{self._key('number')} reads numbers"
            )
            return False
        return True

    def _are_names(self, numbers: np.ndarray, strays: pd.Series) -> bool:
        """Whether the words among the numbers are of their kind: codes with letters, or one more class among a few."""
        if all(map(CODE.fullmatch, strays.index)):
            return True
        few = numbers.sum() <= FEW and all(map(WHOLE.fullmatch, self.counts.index[numbers]))
        return bool(few and (strays > 1).all() and len(strays) <= numbers.sum())

    def _as_numbers(self) -> tuple[Reading, dict[str, float]]:
        values = self.written.numbers()
        strays = self.counts[~self.counts.index.isin(list(values))]
        if len(strays) and not values:
            raise TableError(
                f"{self.where}: data.columns = 'number', and {strays.index[0]!r} is no number; correct it, or say how "
                f"its numbers are written (data.numbers: {{{self.name}: {{decimal: …, thousands: …}}}})"
            )
        if len(strays):
            listed = ", ".join(f"{text!r} ({count})" for text, count in strays.head(5).items())
            self._doubt(
                f"{strays.sum()} values are no numbers, such as {strays.index[0]!r}; they count as missing: {listed}; "
                f"{self._key('category')} makes words of all, data.missing lists what means missing",
            )
        self._note_format(values)
        self.notes.doubts.extend(doubts_of_sentinels(values, self.counts, self.where))
        return Reading(self.written.format), values

    def _as_categories(self, told: bool) -> dict[str, str]:
        texts = self.counts.index
        if len(texts) and all(map(WHOLE_AS_FLOAT.fullmatch, texts)):  # a gap makes programs write 1 as 1.0
            return {text: text.removesuffix(".0") for text in texts}
        lowered = {text.casefold() for text in texts}
        if len(texts) and lowered <= set(TRUTH):
            spellings = {text: TRUTH[text.casefold()] for text in texts}
            return spellings if len(texts) > len(lowered) else dict(zip(texts, texts, strict=True))
        if told and (alike := spelled_alike(texts)):
            self._doubt(f"{' and '.join(map(repr, alike[0]))} differ in spelling alone, and stay two categories")
        return dict(zip(texts, texts, strict=True))

    def _as_dates(self) -> tuple[Reading, dict[str, float]]:
        texts = self.counts.index.tolist()
        patterns = find_patterns(texts)
        if not patterns:
            raise TableError(
                f"{self.where}: data.columns = 'time', and its values are no dates of one kind, such as {texts[0]!r} "
                f"and {texts[-1]!r}; write dates as 2024-12-31"
            )
        if open_value := differently_read(texts, patterns):
            raise TableError(
                f"{self.where}: data.columns = 'time', and {open_value!r} may have the day or the month first; write "
                "dates as 2024-12-31"
            )
        return Reading(pattern=patterns[0]), dict(zip(texts, read_days(texts, patterns[0]).tolist(), strict=True))

    def _note_words(self, share: float, strays: pd.Series) -> None:
        """What may have been meant as numbers or dates."""
        units = {match[1] for text in strays.index if (match := UNIT.fullmatch(text))}
        measures = share == 0 and all(map(UNIT.fullmatch, strays.index))
        if measures and len(units) == 1:
            unit = units.pop()
            self._doubt(f"is read as words, since {strays.index[0]!r} ends in {unit!r}; remove it to have numbers")
        elif measures and len(units) <= FEW_UNITS and not all(map(CODE.fullmatch, strays.index)):
            self._doubt(
                f"is read as words: its values have several units ({', '.join(sorted(units))}); convert them to "
                "one, and remove it, to have numbers"
            )
        elif share >= 0.5:
            self._doubt(
                f"is read as words: {1 - share:.0%} of its values are no numbers, such as {strays.index[0]!r}; "
                f"{self._key('number')} reads numbers, and these as missing"
            )
        elif share == 0 and len(strays) > 1 and find_patterns(strays.index.tolist()):
            self._fact(f"is read as words; its values look like dates: {self._key('time')} learns from them as days")

    def _note_format(self, values: Mapping[str, float]) -> None:
        if doubt := self.written.doubt:
            other = doubt.other_format
            reason = ", as the file's other columns write numbers" if doubt.decided else ""
            (self._fact if doubt.decided else self._doubt)(
                f"{doubt.text!r} is read as {doubt.taken:.10g}{reason}; it could also be {doubt.other:.10g}: "
                f"data.numbers: {{{self.name}: {{decimal: {other.decimal!r}, thousands: {other.thousands!r}}}}} would "
                "read that"
            )
        for unit in sorted(self.written.units - {""}):
            text = next(text for text in values if self.written.figures[text].unit == unit)
            bare = sum(int(self.counts[text]) for text in values if not self.written.figures[text].unit)
            fact = f"{text!r} is read as {values[text]:.10g}, in {unit}"
            if unit == "%" and bare:
                self._doubt(f"{fact}; {bare} values have no percent sign, and are taken to be in percent too")
            else:
                self._fact(fact)

    def _key(self, kind: Kind) -> str:
        return f"data.columns: {{{self.name}: {kind}}}"

    def _doubt(self, text: str) -> None:
        self.notes.doubts.append(f"{self.where}: {text}")

    def _fact(self, text: str) -> None:
        self.notes.facts.append(f"{self.where}: {text}")
