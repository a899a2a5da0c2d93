"""A table is read as people have it: each kind of dirt is handled right, or refused by file, column and remedy."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.cells.reading import find_table, read_cells, read_header
from pipeline.datasets.tables.column_types import type_columns
from pipeline.params.data import Data


def written(folder: Path, text: str | bytes, name: str = "table.csv") -> Path:
    file = folder / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def read_table(file: Path, **keys: Any) -> pd.DataFrame:
    """The columns with their types, under the usual parameters."""
    given = {"fetch": [], "path": str(file), "image_size": 96, "test_fraction": 0.25, "limit": None, "seed": 0}
    typed = type_columns(read_cells(file), file, Data(**(given | keys)), read_header(file)[1])
    for doubt in typed.notes.doubts:
        logging.getLogger("kiyas").warning(doubt)
    return typed.table


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


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("w;w,\nFalse;0,0\nTrue;0,5\n", ["w", "w,"]),  # commas tell as many cells, and one name less
        ('"w";"w,"\n"x";""\n"y";"0,5"\n', ["w", "w,"]),  # by commas a quote never ends
        ('"sep=;"\na;b\n1,5;2,5\n', ["a", "b"]),
    ],
)
def test_the_delimiter_is_the_one_that_names_the_columns(tmp_path: Path, content: str, names: list[str]) -> None:
    cells = read_cells(written(tmp_path, content))
    assert list(cells.columns) == names and len(cells) == content.count("\n") - 1 - ("sep" in content)


def test_a_column_without_a_name_is_not_used(tmp_path: Path) -> None:
    assert list(read_table(written(tmp_path, ",a,b\n0,1,2\n1,3,4\n")).columns) == ["a", "b"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is empty"),
        ("a,b\n", "has no rows"),
        ("a,b,a\n1,2,3\n", "column 'a' stands 2 times"),
        ("a,b\n1,2\n1,2,3\n", "every row needs as many cells as the header"),
        ('a,b\n1,2\n3,"x\n5,6\n', "a quote opens in row 2 and is never closed"),
        (b"PK\x03\x04\x14\x00", "is a workbook of a spreadsheet, no text; save its sheet as `CSV UTF-8`"),
        (b"\xff\xfea\x00", "is UTF-16, not UTF-8; save it as UTF-8"),
        ("a,b\n1,çay\n".encode("cp1254"), "line 2: is not UTF-8, .* a spreadsheet as `CSV UTF-8`"),
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


def test_a_line_break_in_a_quoted_name_belongs_to_it(tmp_path: Path) -> None:
    file = written(tmp_path, '"age\n(years)";sex\n1;m\n')
    assert list(read_cells(file).columns) == ["age\n(years)", "sex"]
    assert read_header(file) == (["age\n(years)", "sex"], ";")


def test_a_first_line_may_say_what_separates_cells(tmp_path: Path) -> None:
    assert read_table(written(tmp_path, "sep=;\r\na;b\r\n1,5;x\r\n")).to_dict("list") == {"a": [1.5], "b": ["x"]}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("name;price, EUR;y\nx;1;2\n", ["name", "price, EUR", "y"]),
        ("id,text\n1,a; b; c\n2,d; e; f\n", ["id", "text"]),
        ("a\n1,5\n2,5\n", ["a"]),
        ('a|"b;c;d;e"\n1|2\n', ["a", "b;c;d;e"]),
        ("\n\na;b\n1;2\n", ["a", "b"]),
    ],
)
def test_the_delimiter_is_that_of_the_whole_file(tmp_path: Path, text: str, names: list[str]) -> None:
    assert list(read_cells(written(tmp_path, text)).columns) == names


def test_a_comma_in_names_and_decimals_is_no_delimiter_where_a_semicolon_fits_as_well(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "Preis, EUR;Menge\n12,50;3\n9,95;4\n"))
    assert table.to_dict("list") == {"Preis, EUR": [12.5, 9.95], "Menge": [3, 4]}


def test_a_row_that_is_too_short_is_filled_up_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cells = read_cells(written(tmp_path, "a,b\n1,2\n3\n"))
    assert cells["b"].isna().tolist() == [False, True]
    assert "1 row with fewer cells than the header, such as row 2" in caplog.text


def test_rows_at_the_end_without_a_value_are_none_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cells = read_cells(written(tmp_path, "a;b\n1;2\n;\n3;\n;\n ; \n"))
    assert len(cells) == 3 and cells["a"].isna().tolist() == [False, True, False]
    assert "2 rows at the end without a value, and so left out" in caplog.text


def test_months_are_words_where_they_could_be_numbers_unless_the_user_says_so(tmp_path: Path) -> None:
    file = written(tmp_path, "m,x\n" + "".join(f"{month:02d}.2019,{month}\n" for month in range(1, 13)))
    assert read_table(file)["m"].tolist()[0] == "01.2019"
    assert read_table(file, columns={"m": "number"})["m"].tolist()[0] == 1.2019
    assert read_table(file, columns={"m": "time"})["m"].diff().tolist()[1] == 31


def test_a_category_of_whole_numbers_is_called_by_its_digits_where_gaps_made_floats_of_them(tmp_path: Path) -> None:
    file = written(tmp_path, "ward,version\n1.0,1.0\n2.0,1.1\n,2.0\n")
    table = read_table(file, columns={"ward": "category", "version": "category"})
    assert table["ward"].dropna().tolist() == ["1", "2"]
    assert table["version"].tolist() == ["1.0", "1.1", "2.0"]


@pytest.mark.parametrize(
    "values", [[[0.1], [0.2]], [{"a": 1}, {"a": 2}], [b"x", b"y"]], ids=["lists", "structures", "bytes"]
)
def test_a_column_of_lists_is_refused_by_name_and_remedy_and_may_be_dropped(tmp_path: Path, values: list[Any]) -> None:
    file = tmp_path / "t.parquet"
    pd.DataFrame({"e": values, "x": [1, 2]}).to_parquet(file)
    with pytest.raises(TableError, match=r"t.parquet: column 'e' holds .*; drop it \(data.drop: \[e\]\)"):
        read_cells(file)
    assert read_cells(file, lambda name: name != "e")["x"].tolist() == [1, 2]


def test_a_named_index_is_a_column_and_another_is_not(tmp_path: Path) -> None:
    file = tmp_path / "t.parquet"
    pd.DataFrame({"x": [1, 2]}, index=pd.Index(["a", "b"], name="patient")).to_parquet(file)
    assert read_cells(file).to_dict("list") == {"x": [1, 2], "patient": ["a", "b"]}
    pd.DataFrame({"x": [1, 2]}, index=[7, 9]).to_parquet(file)
    assert read_cells(file).to_dict("list") == {"x": [1, 2]}


def test_whole_numbers_that_a_float_cannot_hold_keep_their_digits(tmp_path: Path) -> None:
    file = tmp_path / "t.parquet"
    pd.DataFrame({"card": pd.array([2**60 + 1, 2**60 + 2, None], "Int64"), "n": [1, 2, 3]}).to_parquet(file)
    cells = read_cells(file)
    assert cells["card"].tolist()[:2] == ["1152921504606846977", "1152921504606846978"]
    assert cells["n"].tolist() == [1, 2, 3]


def test_dates_of_parquet_keep_what_they_say(tmp_path: Path) -> None:
    file = tmp_path / "t.parquet"
    times = pd.to_datetime(["2024-03-31 00:00:00.000000001", None]).tz_localize("Europe/Berlin")
    pd.DataFrame({"t": times}).to_parquet(file)
    assert read_cells(file)["t"].iloc[0] == "2024-03-31 00:00:00.000000001+01:00"


def test_fifty_thousand_columns_are_read_in_seconds(tmp_path: Path) -> None:
    names, begun = [f"column {number}" for number in range(50_000)], time.process_time()
    found, delimiter = read_header(written(tmp_path, ",".join(names) + "\n"))
    assert found == names and delimiter == ","
    with pytest.raises(TableError, match="column 'x' stands 50000 times"):
        read_header(written(tmp_path, ",".join(["x"] * 50_000) + "\n"))
    assert time.process_time() - begun < 20  # counting each name among all took minutes


def test_arrow_is_asked_for_the_schema_as_often_for_many_columns_as_for_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pyarrow.parquet import ParquetFile

    file, asked, schema = tmp_path / "wide.parquet", [], ParquetFile.schema_arrow
    pd.DataFrame([[1.0] * 100], columns=[f"column {number}" for number in range(100)]).to_parquet(file)
    monkeypatch.setattr(ParquetFile, "schema_arrow", property(lambda file: asked.append(1) or schema.fget(file)))
    assert read_cells(file).shape == (1, 100)
    assert len(asked) < 5  # it reads the whole schema anew each time
