"""A table is read as people have it: each kind of dirt is handled right, or refused by file, column and remedy."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.datasets.tables.reading import TableError, find_table, read_table


def written(folder: Path, text: str | bytes, name: str = "table.csv") -> Path:
    file = folder / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    lines = [["age", "city", "price"], ["31", "Ankara", "2.5"], ["28", "İzmir", "3"]]
    table = read_table(written(tmp_path, "\n".join(delimiter.join(line) for line in lines)))
    assert table.to_dict("list") == {"age": [31, 28], "city": ["Ankara", "İzmir"], "price": [2.5, 3.0]}


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    assert list(read_table(written(tmp_path, b"\xef\xbb\xbfage,kind\n1,a\n2,b\n")).columns) == ["age", "kind"]


def test_decimal_commas_and_points_between_thousands_are_numbers(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "a;b\n1,5;1.234,50\n-2,25;12\n"))
    assert table.to_dict("list") == {"a": [1.5, -2.25], "b": [1234.5, 12.0]}


def test_a_quoted_delimiter_belongs_to_its_cell(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, 'name,size\n"Smith, John",3\n"Lee ""L""",4\n'))
    assert table["name"].tolist() == ["Smith, John", 'Lee "L"']


@pytest.mark.parametrize("mark", ["", "NA", "?", "null", "-", "nan"])
def test_what_stands_for_missing_is_missing(tmp_path: Path, mark: str) -> None:
    table = read_table(written(tmp_path, f"number,word\n1,x\n{mark},{mark}\n3,y\n"))
    assert table["number"].isna().tolist() == table["word"].isna().tolist() == [False, True, False]
    assert table["number"].dtype == np.float64


def test_a_stray_word_among_numbers_counts_as_missing_and_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = "\n".join(["n,k", *(f"{number},a" for number in range(19)), "about 7,b"])
    with caplog.at_level(logging.WARNING, "kiyas"):
        table = read_table(written(tmp_path, rows))
    assert table["n"].isna().sum() == 1 and table["n"].iloc[-1] != table["n"].iloc[-1]
    assert "column 'n': 1 values are no numbers, such as 'about 7'; they count as missing" in caplog.text


def test_a_column_of_mixed_types_is_one_of_words(tmp_path: Path) -> None:
    assert read_table(written(tmp_path, "a,b\n1,x\ntwo,y\n3,z\n"))["a"].tolist() == ["1", "two", "3"]


def test_infinity_is_missing(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1.0, np.inf, -np.inf]}).to_parquet(tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet")["a"].isna().tolist() == [False, True, True]


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    frame = pd.DataFrame({"n": [1, 2], "yes": [True, False], "kind": pd.Categorical(["x", None])})
    frame.to_parquet(tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet")
    assert table["n"].tolist() == [1.0, 2.0] and table["yes"].tolist() == ["True", "False"]
    assert table["kind"].iloc[0] == "x" and pd.isna(table["kind"].iloc[1])


def test_a_column_without_a_name_is_not_used(tmp_path: Path) -> None:
    assert list(read_table(written(tmp_path, ",a,b\n0,1,2\n1,3,4\n")).columns) == ["a", "b"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is empty"),
        ("a,b\n", "has no rows"),
        ("a,b,a\n1,2,3\n", "column 'a' stands 2 times"),
        ("a,b\n1,2\n1,2,3\n", "every row needs as many cells as the header"),
        (b"\xff\xfea\x00", "is not UTF-8"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: str | bytes, says: str) -> None:
    with pytest.raises(TableError, match=says) as refusal:
        read_table(written(tmp_path, content))
    assert "table.csv" in str(refusal.value)


def test_a_damaged_parquet_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="cannot be read as Parquet"):
        read_table(written(tmp_path, b"PAR1 broken", "t.parquet"))


def test_a_folder_may_stand_for_its_only_table(tmp_path: Path) -> None:
    file = written(tmp_path, "a\n1\n")
    (tmp_path / "notes.md").write_text("not a table")
    assert find_table(tmp_path) == find_table(file) == file
    written(tmp_path, "a\n1\n", "other.csv")
    with pytest.raises(TableError, match="holds 2 tables"):
        find_table(tmp_path)
