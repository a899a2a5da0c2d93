"""What a column is: never less than it says, and told with its key where it had to be decided."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.tables.column_types import TypedTable, type_columns
from pipeline.params.data import Data

Typed = Callable[..., TypedTable]


def column(*cells: object, name: str = "a") -> str:
    return "\n".join([name, *(f'"{cell}"' for cell in cells)]) + "\n"


def test_currencies_and_percent_are_numbers_and_told(typed: Typed) -> None:
    found = typed('price;share\n"$1,836.15";30%\n"$5";5%\n')
    assert found.table.to_dict("list") == {"price": [1836.15, 5], "share": [30, 5]}
    assert any("'$1,836.15' is read as 1836.15, in $" in fact for fact in found.notes.facts)
    assert any("'30%' is read as 30, in %" in fact for fact in found.notes.facts)


def test_thousands_that_other_columns_decide_are_told_with_both_readings_and_the_key(typed: Typed) -> None:
    found = typed("a;b\n1.037;1,5\n2.118;2,25\n")
    assert found.table.to_dict("list") == {"a": [1037, 2118], "b": [1.5, 2.25]} and not found.notes.doubts
    assert [fact.partition("column ")[2] for fact in found.notes.facts] == [
        "'a': '1.037' is read as 1037, as the file's other columns write numbers; it could also be 1.037: "
        "data.numbers: {a: {decimal: '.', thousands: ''}} would read that",
        "'b' has decimal commas: '1,5' is read as 1.5",
    ]


def test_decimal_commas_are_told_in_one_line_unless_the_user_has_named_them(typed: Typed) -> None:
    text = "a;b;c;d\n1,5;x;7;2,25\n2,5;y;8;-0,5\n"
    found = typed(text)
    assert found.table.to_dict("list") == {"a": [1.5, 2.5], "b": ["x", "y"], "c": [7, 8], "d": [2.25, -0.5]}
    fact = "column 'a' has decimal commas: '1,5' is read as 1.5; so in 1 more column"
    assert [told.partition(": ")[2] for told in found.notes.facts] == [fact]
    assert not typed(text, numbers={"decimal": ","}).notes.facts


def test_several_currencies_are_no_numbers_and_told(typed: Typed) -> None:
    found = typed(column("$5", "€7", "$9"))
    assert found.table["a"].tolist() == ["$5", "€7", "$9"]
    assert "several units ($, €)" in found.notes.doubts[0]


def test_a_currency_is_one_whatever_it_is_called(typed: Typed) -> None:
    found = typed('a;b\n"1.836,50 ₺";5 EUR\n7,25 TL;€6\n')
    assert found.table.to_dict("list") == {"a": [1836.5, 7.25], "b": [5, 6]} and not found.notes.doubts


def test_several_units_of_measure_are_told(typed: Typed) -> None:
    found = typed(column("70 kg", "154 lb", "82.5 kg"))
    assert found.table["a"].tolist() == ["70 kg", "154 lb", "82.5 kg"]
    assert "its values have several units (kg, lb); convert them to one" in found.notes.doubts[0]
    assert not typed(column("12A", "13B", "7C")).notes.doubts  # numbers of houses


def test_a_minus_beside_a_plus_is_no_missing_value(typed: Typed) -> None:
    assert typed(column("+", "-", "?", "+")).table["a"].fillna("").tolist() == ["+", "-", "", "+"]
    assert typed(column("4", "-", "5")).table["a"].isna().tolist() == [False, True, False]
    assert typed(column("+", "-"), missing=["-"]).table["a"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    "codes", [["410", "1E2", "250", "2E3"], ["+905321234567", "+49151234567"], ["9e10", "1234", "5678"]]
)
def test_digits_with_a_bare_e_and_telephone_numbers_are_names(typed: Typed, codes: list[str]) -> None:
    found = typed(column(*codes))
    assert found.table["a"].tolist() == codes
    assert "is read as names" in found.notes.facts[0] and "data.columns: {a: number}" in found.notes.facts[0]


@pytest.mark.parametrize(
    "numbers", [["1e+05", "12", "3"], ["1.5E3", "2", "4"], ["0.5", "1e5"], ["+1", "-1"], ["+250", "7"]]
)
def test_exponents_and_signs_as_programs_and_people_write_them_are_numbers(typed: Typed, numbers: list[str]) -> None:
    assert typed(column(*numbers)).table["a"].tolist() == [float(number) for number in numbers]


def test_a_mixture_with_and_without_percent_is_told(typed: Typed) -> None:
    assert "2 values have no percent sign" in typed(column("5%", "7", "0.5", "9%")).notes.doubts[0]


def test_what_could_be_read_in_two_ways_is_told_with_both_and_the_key(typed: Typed) -> None:
    text = 'a,b\n"1,614",x\n875,y\n"3,172",z\n'
    found = typed(text)
    assert found.table["a"].tolist() == [1614, 875, 3172]
    (doubt,) = found.notes.doubts
    assert "column 'a': '1,614' is read as 1614; it could also be 1.614: data.numbers: {a: {decimal: ','" in doubt
    for numbers in ({"a": {"decimal": ","}}, {"decimal": ","}):
        found = typed(text, numbers=numbers)
        assert found.table["a"].tolist() == [1.614, 875, 3.172] and not found.notes.doubts


def test_leading_zeros_and_long_digits_are_names(typed: Typed) -> None:
    found = typed("zip,card,n\n01230,12345678901234567,1\n90210,12345678901234568,2\n")
    assert found.table["zip"].tolist() == ["01230", "90210"]
    assert found.table["card"].tolist() == ["12345678901234567", "12345678901234568"]
    assert found.table["n"].tolist() == [1, 2]
    assert "column 'zip': is read as names, since '01230' is no number" in found.notes.facts[0]
    assert typed("zip\n01230\n90210\n", columns={"zip": "number"}).table["zip"].tolist() == [1230, 90210]


def test_codes_with_a_few_letters_are_names(typed: Typed) -> None:
    codes = ["250.01", "401.9", "428", "414.01", "786.5"] * 4 + ["V58"]
    found = typed(column(*codes))
    assert found.table["a"].tolist() == codes
    assert "is read as names, since 'V58' stands among its numbers; data.columns: {a: number}" in found.notes.facts[0]


def test_one_more_class_among_a_few_whole_numbers_is_one(typed: Typed) -> None:
    cells = [number % 3 for number in range(40)] + ["OTHER"] * 4
    assert typed(column(*cells)).table["a"].tolist() == [str(cell) for cell in cells]


def test_a_word_among_measures_is_missing_and_told_with_count_and_keys(typed: Typed) -> None:
    cells = [f"{number / 7:.3f}" for number in range(40)] + ["broken", "broken", "<0.1"]
    found = typed(column(*cells))
    assert found.table["a"].isna().sum() == 3
    (doubt,) = found.notes.doubts
    assert "3 values are no numbers, such as 'broken'; they count as missing: 'broken' (2), '<0.1' (1)" in doubt
    assert "data.columns: {a: category}" in doubt and "data.missing" in doubt
    assert typed(column(*cells), columns={"a": "category"}).table["a"].tolist() == cells
    listed = typed(column(*cells), missing=["broken", "<0.1"])
    assert not listed.notes.doubts and listed.notes.missing == {"a": {"broken": 2, "<0.1": 1}}


def test_words_that_count_as_missing_are_told_with_their_counts(typed: Typed) -> None:
    found = typed("a,b\n1,x\nNA,?\n3,NA\n,y\n")
    assert found.notes.missing == {"a": {"NA": 1}, "b": {"?": 1, "NA": 1}}
    assert "column 'a': 'NA' (1) counts as missing" in found.notes.facts[0]
    found = typed("a,b\n1,x\nNA,?\n3,NA\n,y\n", missing=["?"])
    assert found.table["b"].tolist()[2] == "NA" and pd.isna(found.table["b"].iloc[1])


def test_a_number_that_stands_for_missing_is_missing_in_parquet_too() -> None:
    settings = Data(
        fetch=[], path="x", image_size=96, test_fraction=0.25, limit=None, seed=0, missing=["-999"], target="y"
    )
    frame = pd.DataFrame({"a": [1.0, -999.0, 3.0]})
    typed = type_columns(frame, Path("t"), settings)
    assert typed.table["a"].isna().tolist() == [False, True, False]
    assert typed.notes.facts == ["t: column 'a': '-999' (1) counts as missing; data.missing lists the words that do"]


def test_truth_values_are_one_whatever_their_spelling(typed: Typed) -> None:
    assert typed(column("TRUE", "true", "False", "FALSE")).table["a"].tolist() == ["True", "True", "False", "False"]
    assert typed(column("TRUE", "FALSE")).table["a"].tolist() == ["TRUE", "FALSE"]


def test_categories_that_differ_in_case_or_blanks_are_told(typed: Typed) -> None:
    assert (
        "'New  York' and 'new york' differ in spelling alone" in typed(column("New  York", "new york")).notes.doubts[0]
    )


def test_dates_are_learned_from_where_the_user_says_so(typed: Typed) -> None:
    assert "data.columns: {a: time}" in typed(column("31.12.2023", "01.01.2024")).notes.facts[0]
    found = typed(column("31.12.2023", "01.01.2024"), columns={"a": "time"})
    assert found.table["a"].tolist() == [19722, 19723] and found.readings["a"].pattern == "%d.%m.%Y"
    with pytest.raises(TableError, match=r"'01/02/2024' may have the day or the month first"):
        typed(column("01/02/2024", "03/04/2024"), columns={"a": "time"})
    with pytest.raises(TableError, match=r"column 'a': data.columns = 'time', and its values are no dates of one kind"):
        typed(column("01.02.2024", "soon"), columns={"a": "time"})


def test_a_column_that_cannot_be_what_the_user_says_is_refused(typed: Typed) -> None:
    with pytest.raises(TableError, match=r"own.csv: column 'a': data.columns = 'number', and 'x' is no number"):
        typed(column("x", "y"), columns={"a": "number"})


def test_numbers_with_a_unit_are_told(typed: Typed) -> None:
    assert "ends in 'kg'; remove it to have numbers" in typed(column("5 kg", "7.5 kg")).notes.doubts[0]


def test_mostly_words_with_numbers_are_words_and_told_when_numbers_prevail(typed: Typed) -> None:
    found = typed(column(1, 2.5, 3, 4, "x", "y"))
    assert found.table["a"].tolist() == ["1", "2.5", "3", "4", "x", "y"]
    assert "33% of its values are no numbers, such as 'x'; data.columns: {a: number}" in found.notes.doubts[0]


def test_an_empty_column_is_one_of_missing_numbers(typed: Typed) -> None:
    table = typed("a,b\n,1\nNA,2\n").table
    assert table["a"].isna().all() and table["a"].dtype == np.float64
