"""A row that a model is asked about has one answer: alone, in company, from a file, as JSON, as numbers or as text."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.datasets.cells.reading import read_cells
from pipeline.datasets.request_cells import CellError, read_rows, refuse_lost_words
from pipeline.datasets.store.columns import Column

ZIP = Column("zip", ["01230", "2B110"])
SMOKER = Column("smoker", ["FALSE", "TRUE"])
SIZE = Column("size")
PRICE = Column("price", decimal=",", thousands=".")
PRICE_OF_POINTS = Column("price", decimal=".", thousands="'")


def one(cell: Any, column: Column) -> float:
    """What the only cell of a table is."""
    return float(read_rows(pd.DataFrame({column.name: pd.Series([cell], dtype=object)}), [column])[0, 0])


def test_the_same_row_is_read_alike_alone_and_beside_others(tmp_path: Path) -> None:
    file = tmp_path / "asked.csv"
    for text, rows in (
        ("zip,smoker\n01230,TRUE\n2B110,TRUE\n", [[0, 1], [1, 1]]),
        ("zip,smoker\n01230,TRUE\n", [[0, 1]]),
        ("zip;smoker\n01230;true\n", [[0, 1]]),
    ):
        file.write_text(text)
        assert read_rows(read_cells(file), [ZIP, SMOKER]).tolist() == rows


@pytest.mark.parametrize("cell", ["TRUE", "true", "True", True, np.True_, 1, 1.0, np.int64(1), "1"])
def test_truth_values_are_one_whatever_their_spelling(cell: Any) -> None:
    assert one(cell, SMOKER) == 1 and one(cell, Column("smoker", ["false", "true"])) == 1


@pytest.mark.parametrize("cell", ["FALSE", "false", False, 0, 0.0, "0"])
def test_so_are_those_of_what_is_not(cell: Any) -> None:
    assert one(cell, SMOKER) == 0


def test_a_bit_that_is_a_category_itself_stays_one() -> None:
    assert [one(cell, Column("state", ["1", "true", "false"])) for cell in (1, "1", True)] == [0, 0, 1]


@pytest.mark.parametrize("cell", [3, 3.0, np.int64(3), np.float64(3), Decimal(3), "3", "3.0"])
def test_a_whole_number_is_the_category_of_its_digits(cell: Any) -> None:
    assert one(cell, Column("ward", ["1", "3", "4006381"])) == 1
    assert one(cell, Column("ward", ["1.0", "3.0"])) == 1
    assert one(cell, Column("version", ["3.0", "3.1", "3"])) == (0 if cell == "3.0" else 2)


def test_long_digits_are_told_apart() -> None:
    column = Column("code", ["12345678901234567", "12345678901234568"])
    assert [one("12345678901234567", column), one(12345678901234568, column)] == [0, 1]
    with pytest.raises(CellError, match="has lost digits; send it as text"):
        one(12345678901234567.0, column)


def test_a_number_for_a_code_with_zeros_is_refused_by_column_and_value() -> None:
    with pytest.raises(CellError, match=r"row 0: column 'zip': 1230 came as a number, and this column has '01230'"):
        one(1230, ZIP)


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("3.237,91", 3237.91),
        ("1.037", 1037),
        ("32.783451", 32.783451),  # as no column with points between thousands writes it
        (3.5, 3.5),
        (7, 7),
        ("$1.000", 1000),
        (Decimal("1.5"), 1.5),
    ],
)
def test_numbers_are_read_as_the_column_wrote_them_in_training(cell: Any, number: float) -> None:
    assert one(cell, PRICE) == number


@pytest.mark.parametrize("cell", ["", "  ", None, np.nan, pd.NA, pd.NaT, "NA", "?"])
@pytest.mark.parametrize("column", [ZIP, SIZE, PRICE, Column("day", time="ISO8601")])
def test_empty_cells_and_the_usual_words_are_missing(cell: Any, column: Column) -> None:
    assert np.isnan(one(cell, column))


def test_a_model_that_knows_its_own_words_for_missing_takes_no_others() -> None:
    assert np.isnan(one("unknown", Column("size", missing=["unknown"])))
    with pytest.raises(CellError, match="'NA' is no number"):
        one("NA", Column("size", missing=["unknown"]))
    assert one("None", Column("kind", ["Apnea", "None"], missing=[])) == 1


@pytest.mark.parametrize(
    ("cell", "column"),
    [
        ("about 7", SIZE),
        ("1,614", SIZE),
        ("1,614", PRICE_OF_POINTS),
        (True, SIZE),
        ([1], SIZE),
        ({"a": 1}, ZIP),
        (b"x", ZIP),
        ("soon", Column("day", time="ISO8601")),
        (5, Column("day", time="ISO8601")),
    ],
)  # fmt: skip
def test_a_cell_that_cannot_be_read_is_refused_by_row_column_and_value(cell: Any, column: Column) -> None:
    with pytest.raises(CellError) as refusal:
        read_rows(pd.DataFrame({column.name: pd.Series(["", cell], dtype=object)}), [column])
    assert str(refusal.value).startswith(f"row 1: column {column.name!r}: {cell!r} ")


def test_a_category_that_was_never_seen_is_missing() -> None:
    assert np.isnan(one("99999", ZIP)) and np.isnan(one(2.5, ZIP)) and np.isnan(one(float("inf"), ZIP))


def test_dates_are_days_however_they_come() -> None:
    column = Column("day", time="%d.%m.%Y")
    assert one("01.01.2024", column) == one(date(2024, 1, 1), column) == one(pd.Timestamp(2024, 1, 1), column) == 19723
    assert one(datetime(2024, 1, 1, 12), column) == 19723.5


def test_infinite_numbers_are_missing() -> None:
    assert np.isnan(one(float("inf"), SIZE))


def test_an_empty_cell_that_may_have_been_a_category_is_refused_with_the_remedy() -> None:
    """MLflow's server reads None in a CSV as empty."""
    column = Column("kind", ["Apnea", "None"])
    table = pd.DataFrame({"kind": ["Apnea", None]})
    with pytest.raises(CellError, match=r"row 1: column 'kind': is empty, and may have been 'None'.*send JSON"):
        refuse_lost_words(table, [column])
    refuse_lost_words(table, [Column("kind", ["Apnea", "Insomnia"]), Column("other")])
    refuse_lost_words(pd.DataFrame({"kind": ["Apnea", ""]}), [column])
