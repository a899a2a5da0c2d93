"""Numbers as people read them."""

from __future__ import annotations

import pytest

from pipeline.formats import (
    chance,
    count_of,
    duration,
    listed,
    number,
    percent_range,
    percent_tick,
    plain_number,
    points,
    points_range,
    points_tick,
    three_decimals,
    three_decimals_range,
    whole_points,
)


def test_a_number_for_programs_has_six_digits_and_all_before_the_point() -> None:
    told = [plain_number(value) for value in (0.125, 1234.5678, 999_999.6, 1_234_567.8, -2e9, 3e-7)]
    assert told == ["0.125", "1234.57", "1000000", "1234568", "-2000000000", "3e-07"]


def test_differences_are_told_in_points_with_a_true_minus() -> None:
    assert points(-0.0312) == "−3.1 points"
    assert points(-0.0001) == "0.0 points"
    assert points_range(-0.003, 0.067) == "−0.3 to 6.7"
    assert percent_range(0.598, 0.692) == "59.8 to 69.2 %"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.02, "under 0.1 s"), (2.04, "2.0 s"), (75, "75 s"), (241, "4 min"), (7300, "2.0 h")],
)
def test_durations_are_told_in_the_unit_that_fits(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_measured_value_has_three_decimals_or_the_digits_that_count() -> None:
    values = [0.51234, 0.0, 51.08, 2e-9, 1234567890.123, -0.25]
    assert [three_decimals(value) for value in values] == [
        "0.512",
        "0.000",
        "51.080",
        "2e−09",
        "1,234,567,890",
        "-0.250",
    ]


def test_an_interval_of_tiny_numbers_shows_both_ends() -> None:
    assert three_decimals_range(1.2e-9, 3.4e-9) == "1.2e−09 to 3.4e−09"
    assert three_decimals_range(0.489, 0.6541) == "0.489 to 0.654"


def test_counts_agree_with_their_noun() -> None:
    assert [count_of(1, "seed"), count_of(3, "seed")] == ["1 seed", "3 seeds"]
    assert count_of(5200, "class", "classes") == "5,200 classes"


@pytest.mark.parametrize(("words", "text"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")])
def test_lists_are_told_with_and(words: list[str], text: str) -> None:
    assert listed(words) == text


def test_numbers_have_three_or_four_digits_and_commas_between_thousands() -> None:
    assert [number(value) for value in (0.03456, -7.1, 123.46, 12345.6, 1e-7)] == [
        "0.0346",
        "−7.1",
        "123.5",
        "12,346",
        "1e−07",
    ]


def test_nothing_is_told_as_certain_or_impossible() -> None:
    assert [chance(value) for value in (0.001, 0.42, 0.999)] == ["under 1 %", "42 %", "over 99 %"]


def test_axes_have_decimals_only_where_their_steps_do() -> None:
    assert (percent_tick(0.25), points_tick(-0.05), percent_tick(1.0), points_tick(-1e-17)) == (
        "25 %",
        "−5",
        "100 %",
        "0",
    )
    assert [percent_tick(value / 200) for value in (183, 184, 185)] == ["91.5 %", "92 %", "92.5 %"]
    assert [points_tick(value * 0.001) for value in (-1, 3)] == ["−0.1", "0.3"]
    assert whole_points(-0.05) == "−5"
