"""Whatever is in a table: what pandas wrote is read as it was, rows are read alike anywhere, refusals are ours."""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.cells.reading import read_cells, read_header
from pipeline.datasets.photos.folders import FolderError
from pipeline.datasets.photos.label_table import list_labelled
from pipeline.datasets.request_cells import CellError, read_rows
from pipeline.datasets.store.columns import Column
from pipeline.datasets.tables.column_types import type_columns
from pipeline.datasets.tables.preparing import read_rows as prepare
from pipeline.params.data import Data, Labels

# A few examples, the same every time; EXAMPLES=1000 draws so many others.
EXAMPLES = os.environ.get("EXAMPLES")
few = settings(
    max_examples=int(EXAMPLES or 25),
    deadline=None,
    derandomize=EXAMPLES is None,
    suppress_health_check=list(HealthCheck),
    database=None,
)

letters = st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), include_characters="\n\t\",;|'")
# A leading letter: what begins otherwise may be a number, or a word for what is missing.
words = st.text(letters, max_size=12).map(lambda text: f"w{text}".strip())
numbers = st.floats(allow_nan=False, allow_infinity=False, width=64) | st.integers(-(10**15) + 1, 10**15 - 1).map(float)
SHOWING = 0.5  # of a column of thousandths nobody can tell the decimals from thousands, unless one value shows it


def settings_of(path: Path, **keys: Any) -> Data:
    given_keys = {"fetch": [], "path": str(path), "image_size": 96, "test_fraction": 0.25, "limit": None, "seed": 0}
    return Data(**(given_keys | keys))


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """Numbers, words and truth values under any names, with holes."""
    count = draw(st.integers(1, 8))
    names = draw(st.lists(words, min_size=2, max_size=4, unique_by=lambda name: clean(name)))
    columns: dict[str, list[Any]] = {}
    for name in names:
        kind = draw(st.sampled_from(["numbers", "words", "truth"]))
        if kind == "numbers":
            column = [*draw(st.lists(numbers | st.none(), min_size=count, max_size=count)), SHOWING]
        elif kind == "words":
            column = [*draw(st.lists(words | st.none(), min_size=count, max_size=count)), "w"]
        else:
            column = [*draw(st.lists(st.booleans(), min_size=count, max_size=count)), True]
        columns[name] = column
    return pd.DataFrame(columns)


def clean(text: str) -> str:
    from pipeline.datasets.cells.text import clean_text

    return clean_text(text)


@few
@given(
    frame=frames(),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    decimal=st.sampled_from([".", ","]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    line_end=st.sampled_from(["\n", "\r\n"]),
)
def test_what_pandas_wrote_is_read_as_it_was(
    frame: pd.DataFrame, delimiter: str, decimal: str, encoding: str, quoting: int, line_end: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "t.csv")
        frame.to_csv(
            file,
            sep=delimiter,
            decimal=decimal,
            encoding=encoding,
            quoting=quoting,  # type: ignore[call-overload]
            lineterminator=line_end,
            index=False,
        )
        table = type_columns(read_cells(file), file, settings_of(file), read_header(file)[1]).table
        parquet = Path(folder, "t.parquet")
        frame.to_parquet(parquet)
        stored = type_columns(read_cells(parquet), parquet, settings_of(parquet)).table
    for name in frame.columns:
        expected = [clean(str(cell)) if isinstance(cell, str | bool) else cell for cell in frame[name].astype(object)]
        for found in (table[clean(name)].tolist(), stored[clean(name)].tolist()):
            assert [None if pd.isna(cell) else cell for cell in found] == [
                None if pd.isna(cell) else cell for cell in expected
            ]


COLUMNS = [
    Column("plain"),
    Column("german", decimal=",", thousands="."),
    Column("code", ["007", "7a", "4006381", "4006382", "w, or ; not"]),
    Column("truth", ["FALSE", "TRUE"]),
    Column("day", time="%d.%m.%Y"),
]
CELLS = [
    ["1.5", "-3", "1e-3", "1.037", "", "NA", "?", "(2)", "$4"],
    ["1.037", "3.237,91", "0,5", "", "NA", "12 €"],
    ["007", "7a", "4006381", "4006382", "w, or ; not", "unseen", "", "4006381.0"],
    ["TRUE", "true", "False", "", "maybe"],
    ["31.12.2023", "1.1.2024", ""],
]


@few
@given(
    rows=st.lists(st.tuples(*map(st.sampled_from, CELLS)), min_size=1, max_size=6),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    order=st.permutations(range(len(COLUMNS))),
)
def test_a_row_is_read_alike_alone_in_company_and_over_any_channel(
    rows: list[tuple[str, ...]], delimiter: str, quoting: int, order: list[int]
) -> None:
    frame = pd.DataFrame(rows, columns=[column.name for column in COLUMNS], dtype=object)
    together = read_rows(frame, COLUMNS)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(len(rows)):
            alone = frame.iloc[[number], order]
            text, stored = Path(folder, "t.csv"), Path(folder, "t.parquet")
            alone.to_csv(text, sep=delimiter, quoting=quoting, index=False)  # type: ignore[call-overload]
            alone.to_parquet(stored, index=False)
            as_json = pd.DataFrame(json.loads(alone.to_json(orient="records")))
            for table in (read_cells(text), read_cells(stored), as_json):
                np.testing.assert_array_equal(read_rows(table, COLUMNS)[0], together[number])


anything = st.text(
    st.sampled_from("ab01.,;|\t\n\r\" '€%$-+(){}[]\0\ufeffé") | st.characters(codec="utf-8"), max_size=200
).map(str.encode) | st.binary(max_size=200)


@few
@given(
    content=anything,
    keys=st.sampled_from([{}, {"task": "regression"}, {"time": "a", "window": 2, "task": "regression"}]),
)
def test_no_reader_of_tables_raises_anything_but_its_own_error(content: bytes, keys: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in ("t.csv", "t.parquet"):
            file = Path(folder, name)
            file.write_bytes(content)
            for prefix in (b"", b"a,b\n1,2\n3,4\n", b"a;b\n2024-01-01;1,5\n2024-01-02;x\n"):
                file.write_bytes(prefix + content)
                with suppress(TableError, CellError):
                    prepare(file, settings_of(file, target="b", **keys))
                with suppress(TableError, CellError, KeyError):
                    read_rows(read_cells(file), [Column("a"), Column("b", ["2"])])


@few
@given(content=anything, place=st.integers(0, 10**6), byte=st.integers(0, 255))
def test_a_damaged_parquet_file_raises_nothing_but_the_readers_own_error(content: bytes, place: int, byte: int) -> None:
    stream = io.BytesIO()
    pd.DataFrame({"a": [1.5, 2.5], "b": ["x", "y"], "c": [True, False]}).to_parquet(stream)
    damaged = bytearray(stream.getvalue())
    damaged[place % len(damaged)] = byte
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "t.parquet")
        for whole in (bytes(damaged), bytes(damaged) + content):
            file.write_bytes(whole)
            with suppress(TableError):
                read_cells(file)


@few
@given(content=anything)
def test_no_reader_of_label_files_raises_anything_but_its_own_error(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in ("labels.csv", "labels.parquet"):
            for prefix in (b"", b"path,label\n", b"path;label\na;b\n"):
                Path(folder, name).write_bytes(prefix + content)
                with suppress(FolderError):
                    list_labelled(Path(folder), Labels(file=name))
