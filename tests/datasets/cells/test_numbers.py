"""Numbers are understood as people write them, in one format for a whole column."""

from __future__ import annotations

import pytest

from pipeline.datasets.cells.numbers import NumberFormat, is_code, parse_number

AMERICAN, GERMAN = NumberFormat(".", ","), NumberFormat(",", ".")
FRENCH, SWISS = NumberFormat(",", " "), NumberFormat(".", "'")


@pytest.mark.parametrize(
    ("text", "format", "number"),
    [
        ("1,614", AMERICAN, 1614),
        ("1,614.5", AMERICAN, 1614.5),
        ("12,34,567.8", AMERICAN, 1234567.8),  # as India groups
        ("1.037", GERMAN, 1037),
        ("3.237,91", GERMAN, 3237.91),
        ("1 234,5", FRENCH, 1234.5),
        ("1\u202f234,5", FRENCH, 1234.5),
        ("1\u00a0234", FRENCH, 1234),
        ("12'345.60", SWISS, 12345.6),
        ("12’345", SWISS, 12345),
        ("1.614", NumberFormat(), 1.614),
        ("1e-3", NumberFormat(), 0.001),
        ("1,5e3", NumberFormat(","), 1500),
        (".5", NumberFormat(), 0.5),
        ("7.", NumberFormat(), 7),
        ("$1,836.15", AMERICAN, 1836.15),
        ("-$5", AMERICAN, -5),
        ("$-5", AMERICAN, -5),
        ("($1,234.50)", AMERICAN, -1234.5),
        ("1 234,5 €", FRENCH, 1234.5),
        ("€ 12", NumberFormat(), 12),
        ("CHF 12.50", NumberFormat(), 12.5),
        ("₺45", NumberFormat(), 45),
        ("30%", NumberFormat(), 30),
        ("%4,5", NumberFormat(","), 4.5),  # as Turkey writes percent
        ("−8", NumberFormat(), -8),
        ("8-", NumberFormat(), -8),
        ("+3", NumberFormat(), 3),
    ],
)
def test_a_number_is_read_in_its_format(text: str, format: NumberFormat, number: float) -> None:
    assert parse_number(text, format) == pytest.approx(number, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "format"),
    [
        ("1,614", NumberFormat()),
        ("1,5", AMERICAN),
        ("1.5", GERMAN),
        ("16,14", AMERICAN),
        ("1,2345", AMERICAN),
        ("0,123", AMERICAN),  # no thousand begins with a zero
        ("1.234.5", GERMAN),
        ("12.05.2024", GERMAN),
        ("(5", NumberFormat()),
        ("-5-", NumberFormat()),
        ("$5€", NumberFormat()),
        ("5 kg", NumberFormat()),
        ("1e999", NumberFormat()),
        ("about 7", NumberFormat()),
        ("", NumberFormat()),
        ("$", NumberFormat()),
        ("1_000", NumberFormat()),
        ("0x1F", NumberFormat()),
    ],
)
def test_what_does_not_fit_the_format_is_no_number(text: str, format: NumberFormat) -> None:
    assert parse_number(text, format) is None


@pytest.mark.parametrize("text", ["007", "01230", "00", "-01", "12345678901234567", "9007199254740993"])
def test_leading_zeros_and_too_many_digits_make_a_code(text: str) -> None:
    assert is_code(text)


@pytest.mark.parametrize("text", ["0", "10", "4006381", "123456789012345", "0.5", "00.5", "7a", ""])
def test_other_numbers_are_no_codes(text: str) -> None:
    assert not is_code(text)
