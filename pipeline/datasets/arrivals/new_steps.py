"""Steps of a later file, read as the series is: it grows at its end, and what is known is never changed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.cells.numbers import NumberFormat
from pipeline.datasets.cells.reading import find_table, read_cells, read_header
from pipeline.datasets.request_cells import CellError, cell_reader
from pipeline.datasets.store.columns import Column
from pipeline.datasets.tables.accepted_rows import accepted_steps
from pipeline.datasets.tables.grouping import name_texts
from pipeline.datasets.tables.ready_rows import type_table, written_as
from pipeline.datasets.tables.series import Windows, make_windows
from pipeline.datasets.tables.series_rows import time_format, with_steps
from pipeline.datasets.tables.times import Times, parse_times
from pipeline.params.data import Data

KNOWN = "repeats a known step"
ROW = re.compile(r"(?<=: )row (\d+)(?=: )")  # in a refusal of times
SAMPLE = 3  # known times at either end that show how a time is written


@dataclass(frozen=True)
class NewSteps:
    """
    Attributes:
        table: (N, 2) times as they are written, and values, float64, in the order of time.
        names: (N,) such as "new.csv row 3".
        faults: (N,) why a step cannot be taken in; "" where it can.
    """

    table: pd.DataFrame
    names: np.ndarray
    faults: np.ndarray


@dataclass(frozen=True)
class KnownSeries:
    """The series so far, and how its file is written.

    Attributes:
        header: all columns of its file.
        times: (N,) as they are written; values: (N,) NaN where a step has none.
    """

    header: list[str]
    times: pd.Series
    values: pd.Series
    format: NumberFormat
    target: Column


def series_so_far(settings: Data) -> KnownSeries:
    """
    Raises:
        TableError: the series cannot be read.
    """
    file, name, time = find_table(Path(settings.path)), str(settings.target), str(settings.time)
    header, delimiter = read_header(file)
    cells = read_cells(file, (name, time).__contains__)
    typed, target = type_table(cells[[name]], file, settings, delimiter)
    values, times = with_steps(target.values, cells[time], accepted_steps(settings))
    format = time_format(cells, settings, delimiter)
    return KnownSeries(header, times, values, format, written_as(typed, settings))


def read_new_steps(files: Sequence[Path], known: KnownSeries, settings: Data) -> NewSteps:
    """
    Raises:
        TableError: a column that the series does not know, or that is lacking.
    """
    name, time = str(settings.target), str(settings.time)
    parts = [_read(file, known, settings) for file in files]
    table = pd.concat([part.table for part in parts], ignore_index=True)
    names, faults = (np.concatenate([getattr(part, key) for part in parts]) for key in ("names", "faults"))
    _note_unreadable_times(table[time], faults, known, settings)
    readable = np.flatnonzero(faults == "")
    try:
        keys = _parsed([*_texts(known.times), *table[time].iloc[readable]], known, settings).keys
    except TableError as error:
        raise TableError(_with_own_rows(str(error), len(known.times), list(names[readable]), settings)) from None
    order = _note_known(keys, readable, table, faults, known, settings)
    return NewSteps(table.iloc[order][[time, name]].reset_index(drop=True), names[order], faults[order])


def _read(file: Path, known: KnownSeries, settings: Data) -> NewSteps:
    cells, name, time = read_cells(file, rows_needed=False), str(settings.target), str(settings.time)
    columns = list(map(str, cells.columns))
    if unknown := [column for column in columns if column not in known.header]:
        raise TableError(
            f"{file}: column {unknown[0]!r} is not in the study's series ({settings.path}: "
            f"{', '.join(known.header)}); remove it, or give it the name that it has there"
        )
    if lacking := [column for column in (time, name) if column not in columns]:
        raise TableError(f"{file}: column {lacking[0]!r} is lacking; it has {', '.join(columns)}: add it")
    faults, values = np.full(len(cells), "", dtype=object), list[float]()
    read = cell_reader(known.target)
    for row, cell in enumerate(cells[name]):
        try:
            values.append(read(cell))
        except CellError as error:
            faults[row] = f"column {name!r}: {error}"
            values.append(np.nan)
    times = name_texts(cells[time], settings.missing)
    empty = times.isna().to_numpy() & (faults == "")
    faults[empty] = f"column {time!r} is empty, and orders the series; fill it in"
    names = np.array([f"{file.name} row {row}" for row in range(1, len(cells) + 1)], dtype=object)
    return NewSteps(pd.DataFrame({time: times, name: np.array(values, np.float64)}), names, faults)


def _texts(times: pd.Series) -> list[str]:
    return list(name_texts(times, []))


def _with_own_rows(message: str, known: int, names: Sequence[str], settings: Data) -> str:
    """A refusal of known and new times together, its row by the name of its file."""

    def own(place: re.Match[str]) -> str:
        row = int(place[1])
        return str(names[row - known - 1]) if row > known else f"row {row} of {settings.path} and what came since"

    return ROW.sub(own, message, count=1)


def _parsed(texts: Sequence[str], known: KnownSeries, settings: Data) -> Times:
    where, time = f"data/incoming: data.time = {settings.time!r}", str(settings.time)
    as_number = settings.columns.get(time) == "number"
    return parse_times(pd.Series(list(texts), name=time, dtype=object), where, as_number, known.format)


def _note_unreadable_times(times: pd.Series, faults: np.ndarray, known: KnownSeries, settings: Data) -> None:
    """Each by itself beside a few known times, where not all of them go together with these."""
    texts, rows = _texts(known.times), np.flatnonzero(faults == "")
    if _go_together(texts, list(times.iloc[rows]), known, settings):
        return
    beside = [*texts[:SAMPLE], *texts[-SAMPLE:]]
    for row in rows:
        if not _go_together(beside, [times.iloc[row]], known, settings):
            faults[row] = (
                f"column {settings.time!r}: {times.iloc[row]!r} is no time as the series has them, such as "
                f"{beside[-1]!r}; write it so"
            )


def _go_together(before: list[str], new: list[str], known: KnownSeries, settings: Data) -> bool:
    """Whether new times are read as those before them are, which stay what they are: 20240631 would make numbers of
    dates."""
    try:
        alone, both = (_parsed(texts, known, settings) for texts in (before, [*before, *new]))
    except TableError:
        return False
    return bool((both.moments is None) == (alone.moments is None) and (both.keys[: len(before)] == alone.keys).all())


def windows_with(known: KnownSeries, steps: pd.DataFrame, settings: Data) -> tuple[Windows, np.ndarray]:
    """The windows of the series with new steps behind it, and (N,) which of them are of these.

    Raises:
        TableError: with them, no window is left, or windows that were there are not any more.
    """
    before = _texts(known.times)
    texts = [*before, *steps[str(settings.time)]]
    values = pd.concat([known.values, steps[str(settings.target)]], ignore_index=True)
    source = Path(settings.path)
    windows = make_windows(values, _parsed(texts, known, settings), source, settings)
    alone = make_windows(known.values.reset_index(drop=True), _parsed(before, known, settings), source, settings)
    times = _parsed(texts, known, settings).names
    is_new = np.isin(windows.names, times[len(before) :])
    if windows.names[~is_new].tolist() != alone.names.tolist():
        raise TableError(
            f"data/incoming: with the new steps {settings.path} has other gaps than before: of {len(alone.names)} "
            f"known windows of {settings.window} values {int((~is_new).sum())} would be left; correct the times of the "
            "new steps, since the step from one to the next is found from all"
        )
    return windows, is_new


def _note_known(
    keys: Any, rows: np.ndarray, table: pd.DataFrame, faults: np.ndarray, known: KnownSeries, settings: Data
) -> np.ndarray:
    """Steps that are known, contradict what is known, or lie before its end; returns all rows in the order of time."""
    values, name = known.values.to_numpy(np.float64), str(settings.target)
    seen = dict(zip(keys[: len(values)], values, strict=True))
    last, own = max(seen), dict(zip(rows, keys[len(values) :], strict=True))
    end = _texts(known.times)[int(np.argmax(keys[: len(values)]))]
    for row, key in own.items():
        value, when = float(table[name].iloc[row]), table[settings.time].iloc[row]
        if key in seen:
            same = seen[key] == value or (np.isnan(seen[key]) and np.isnan(value))
            faults[row] = KNOWN if same else _contradicts(name, when, value, float(seen[key]))
        elif key < last:
            faults[row] = (
                f"column {settings.time!r}: {when!r} lies before {end!r}, where the series ends by now; it grows at "
                f"its end: a step in between belongs into {settings.path}, which starts a comparison of its own"
            )
        else:
            seen[key] = value
    rest = [row for row in range(len(table)) if row not in own]
    return np.array([*sorted(own, key=lambda row: own[row]), *rest], np.int64)


def _contradicts(name: str, when: str, value: float, known: float) -> str:
    before, now = ("no value" if np.isnan(number) else f"{number:g}" for number in (known, value))
    return f"column {name!r}: says {now} at {when!r}, where {before} is known; a known step stays: correct one of them"
