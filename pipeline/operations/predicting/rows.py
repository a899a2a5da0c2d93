"""Ask a champion that learned from a table or a series: files in, an answer a row, or the next value, out."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.champions.answering import Served
from pipeline.champions.inputs import InputError
from pipeline.champions.versions import Champion
from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.cells.numbers import NumberFormat
from pipeline.datasets.cells.reading import read_cells
from pipeline.datasets.tables.times import Times, find_gaps, read_times
from pipeline.formats import plain_number
from pipeline.ground.files import replacing

TABLES = (".csv", ".tsv", ".parquet")


def answer_tables(served: Served, files: Sequence[Path]) -> pd.DataFrame:
    """One row an answer, in the order of the files: file, row (the first is 1) and predicted.

    Where classes are predicted, also probability and p_<class> for every class.

    Raises:
        TableError: for a file that is no table, lacks a column, or has a text where a number belongs.
    """
    if served.series is not None:
        return pd.concat([_next_value(served, file) for file in map(_table, files)], ignore_index=True)
    parts, wanted = [], [column.name for column in served.columns or []]
    for file in files:
        try:
            answers = served.predict(read_asked(file, wanted))
        except InputError as error:
            raise TableError(f"{file}: {error}") from None
        answers.insert(0, "row", range(1, len(answers) + 1))
        answers.insert(0, "file", str(file))
        parts.append(answers)
    return pd.concat(parts, ignore_index=True)


def read_asked(file: Path, wanted: Collection[str], besides: Collection[str] = ()) -> pd.DataFrame:
    """The columns that are asked about; where one is lacking, all that the table has, so that a message can name them.

    Args:
        besides: further columns, which may be lacking.

    Raises:
        TableError: it is no table.
    """
    table = read_cells(_table(file), {*wanted, *besides}.__contains__)
    return table if set(wanted) <= set(table.columns) else read_cells(file)


def _table(file: Path) -> Path:
    if file.suffix.lower() not in TABLES:
        raise TableError(f"{file}: the champion learned from a table; name CSV or Parquet files with its columns")
    return file


def _next_value(served: Served, file: Path) -> pd.DataFrame:
    """One row: file, row (the last one, in the order of time), after (its time), predicted.

    Raises:
        TableError: for a file that is no table, lacks the target, or whose last window reaches across a gap in time.
    """
    assert served.series is not None and served.columns is not None
    table, time = read_cells(file), str(served.series["time"])
    if time in table and served.series["target"] in table:
        table = _in_order(table, file, served.series, len(served.columns))
    try:
        answers = served.predict(table)
    except InputError as error:
        raise TableError(f"{file}: {error}") from None
    is_one = len(answers) == 1 and len(table) >= 1
    answers.insert(0, "row", [int(table.index[-1]) + 1] if is_one else range(1, len(answers) + 1))
    if time in table and is_one:
        answers.insert(1, "after", str(table[time].iloc[-1]))
    answers.insert(0, "file", str(file))
    return answers


def _in_order(table: pd.DataFrame, file: Path, series: Mapping[str, Any], window: int) -> pd.DataFrame:
    """Among the study's last times, since a few alone may seem to have another step, or the month first."""
    time = str(series["time"])
    where = f"{file}: column {time!r}"
    known, times = _read_among_known(table[time], where, series)
    order = np.argsort(times.keys, kind="stable")
    asked = np.flatnonzero(order >= known)
    ordered = table.iloc[order[asked] - known]
    if len(table) < window or len(order) < 3 or window < 2:
        return ordered
    gaps, step = find_gaps(times.sorted_by(order))
    last = asked[-window:]
    broken = np.flatnonzero(gaps[last[1:]] | (np.diff(last) > 1))
    if len(broken):
        before, after = times.names[order][last[broken[-1] : broken[-1] + 2]]
        raise TableError(
            f"{where}: its step is {step}, and between {before} and {after} some are not there, so the "
            f"last {window} values do not follow one another; add them, with an empty cell where there is no value"
        )
    return ordered


def _read_among_known(column: pd.Series, where: str, series: Mapping[str, Any]) -> tuple[int, Times]:
    """The times of a file behind those that are known of the study, and how many these are; alone where they do not go
    together, so that a message is of the file."""
    as_number, format = bool(series.get("time_is_number")), NumberFormat(**series.get("time_format", {}))
    texts = {str(value).removesuffix(".0") for value in column}
    known = [moment for moment in series.get("known_times", []) if moment not in texts]
    together = pd.Series([*known, *column], name=column.name, dtype=object)
    with suppress(TableError):
        return len(known), read_times(together, where, as_number, format)
    return 0, read_times(column, where, as_number, format)


def hand_out(champion: Champion, answers: pd.DataFrame, as_json: bool, parquet: str | None) -> None:
    """Print the answers, or write them as Parquet."""
    if parquet:
        with replacing(Path(parquet)) as temporary:
            answers.to_parquet(temporary, index=False)
        print(f"{parquet}: {len(answers)} rows", file=sys.stderr)
    elif as_json:
        asked = {"version": champion.version, "candidate": champion.candidate, "fingerprint": champion.fingerprint}
        rows = [_plain(row, champion.class_names) for row in answers.to_dict("records")]
        print(json.dumps({"champion": asked, "predictions": rows}, indent=2, ensure_ascii=False))
    else:
        print(f"answered by {champion.title}", file=sys.stderr)
        for row in answers.to_dict("records"):
            after = f" after {row['after']}" if "after" in row else ""
            print(f"{row['file']} row {row['row']}{after}  {_best(row, champion.class_names)}")


def _plain(row: dict[Any, Any], class_names: Sequence[str]) -> dict[str, Any]:
    plain = {str(key): value for key, value in row.items() if not str(key).startswith("p_")}
    return plain | ({"probabilities": {name: row[f"p_{name}"] for name in class_names}} if class_names else {})


def _best(row: dict[Any, Any], class_names: Sequence[str]) -> str:
    if not class_names:
        return plain_number(row["predicted"])
    best = sorted(class_names, key=lambda name: (name != row["predicted"], -row[f"p_{name}"]))[:3]
    return "  ".join(f"{name} {row[f'p_{name}']:.3f}" for name in best)
