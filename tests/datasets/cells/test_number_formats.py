"""How numbers are written is found for a column as a whole; what stays open is decided by the file, and told."""

from __future__ import annotations

import pytest

from pipeline.datasets.cells.number_formats import Written, find_formats
from pipeline.datasets.cells.numbers import NumberFormat


def written(*texts: str, delimiter: str | None = ",", **others: list[str]) -> Written:
    return find_formats({"a": list(texts), **others}, delimiter, {})["a"]


def numbers(*texts: str, delimiter: str | None = ",", **others: list[str]) -> list[float]:
    return list(written(*texts, delimiter=delimiter, **others).numbers().values())


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["1.037", "3.237,91"], [1037, 3237.91]),
        (["1,037", "3,237.91"], [1037, 3237.91]),
        (["1.234.567", "2.000"], [1234567, 2000]),
        (["1.614", "2.5"], [1.614, 2.5]),
        (["1.614", "0.125"], [1.614, 0.125]),
        (["1,614", "0,125"], [1.614, 0.125]),
        (["1.614", "12345.678"], [1.614, 12345.678]),
        (["12'345.60", "875"], [12345.6, 875]),
        (["1 234,5 €", "30 €"], [1234.5, 30]),
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", None])
def test_one_value_that_tells_decides_for_all(texts: list[str], expected: list[float], delimiter: str | None) -> None:
    found = written(*texts, delimiter=delimiter)
    assert list(found.numbers().values()) == expected and found.doubt is None


def test_another_column_of_the_file_decides_what_a_column_leaves_open() -> None:
    assert numbers("1.037", "2.456", delimiter=";", b=["2,5"]) == [1037, 2456]
    assert numbers("1.037", "2.456", delimiter=";", b=["2.5"]) == [1.037, 2.456]
    assert numbers("1,037", "2,456", delimiter="\t", b=["2.5"]) == [1037, 2456]
    assert written("1,037", delimiter="\t", b=["2,5"]).doubt is None
    told = written("1.037", "2.456", delimiter=";", b=["2,5"]).doubt
    assert told is not None and told.decided and (told.taken, told.other) == (1037, 1.037)
    assert written("1", "2", delimiter=";", b=["2,5"]).format == NumberFormat(",")


def test_months_tell_nothing_of_how_numbers_are_written() -> None:
    months = [f"{month:02d}.2019" for month in range(1, 13)]
    assert written("1.234", "950", delimiter=";", month=months) == written("1.234", "950", delimiter=";")
    assert numbers("1.234", "950", delimiter=";", month=months) == [1234, 950]


@pytest.mark.parametrize(
    ("texts", "delimiter", "taken", "other"),
    [
        (["1,614", "875"], ",", 1614, 1.614),
        (["1,614", "3,172"], ",", 1614, 1.614),
        (["1.037", "875"], ";", 1037, 1.037),  # a program that writes decimals would write 875.0
        (["1.037", "2.456"], ";", 1.037, 1037),
        (["1,037", "2,456"], ";", 1.037, 1037),
        (["1,037", "245"], "\t", 1037, 1.037),
    ],
)
def test_what_stays_open_is_told_with_both_readings(
    texts: list[str], delimiter: str, taken: float, other: float
) -> None:
    found = written(*texts, delimiter=delimiter)
    assert next(iter(found.numbers().values())) == taken
    assert found.doubt is not None and (found.doubt.taken, found.doubt.other) == (taken, other)
    again = find_formats({"a": texts}, delimiter, {"a": found.doubt.other_format})["a"]
    assert next(iter(again.numbers().values())) == other and again.doubt is None


def test_points_in_a_file_separated_by_commas_leave_no_doubt() -> None:
    found = written("1.250", "2.375")
    assert list(found.numbers().values()) == [1.25, 2.375] and found.doubt is None


def test_a_column_that_is_written_in_two_ways_is_not_read_in_both() -> None:
    assert len(numbers("1,5", "1.5", delimiter=";")) == 1


def test_units_are_told() -> None:
    assert written("$1,836.15", "$5").units == {"$"}
    assert written("30%", "5").units == {"%", ""}
    assert written("CHF 5", "EUR 5").units == {"CHF", "EUR"}
