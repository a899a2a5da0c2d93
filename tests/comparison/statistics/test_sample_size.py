"""How many seeds or examples settle a pair: checked against the formula for the standard error."""

from __future__ import annotations

import pytest

from pipeline.comparison.statistics.sample_size import Gulf, needs, round_up


def gulf(difference: float, examples_part: float, seeds_part: float) -> Gulf:
    return Gulf(difference, examples_part, seeds_part, seeds=3, examples=600)


def test_more_examples_settle_what_only_examples_leave_open() -> None:
    found = needs(gulf(0.0, 4e-4, 0.0), margin=0.01, confidence=0.95, threshold=3.0)
    assert found.examples == pytest.approx(600 * 4e-4 / (0.01 / 1.96) ** 2, rel=0.05)
    assert found.seeds is None


def test_more_seeds_settle_what_only_seeds_leave_open() -> None:
    found = needs(gulf(0.0, 0.0, 4e-4), margin=0.01, confidence=0.95, threshold=3.0)
    assert found.seeds == pytest.approx(3 * 4e-4 / (0.01 / 1.96) ** 2, rel=0.05)
    assert found.examples is None


def test_where_neither_alone_would_do_both_are_raised_together() -> None:
    found = needs(gulf(0.0, 4e-4, 4e-4), margin=0.01, confidence=0.95, threshold=3.0)
    assert found.seeds is None
    assert found.examples is None
    assert found.both[0] > 3
    assert found.both[1] / 600 == pytest.approx(found.both[0] / 3, rel=0.1)


def test_a_difference_beyond_the_margin_takes_more_the_more_candidates_are_open() -> None:
    alone = needs(gulf(0.05, 4e-4, 0.0), margin=0.01, confidence=0.95, threshold=1.96)
    among_many = needs(gulf(0.05, 4e-4, 0.0), margin=0.01, confidence=0.95, threshold=3.65)
    assert alone.examples == 600
    assert among_many.examples is not None and among_many.examples > 1000


@pytest.mark.parametrize(("number", "rounded"), [(0.4, 1), (7.2, 8), (12, 12), (123.4, 130), (5201, 5300)])
def test_forecasts_are_rounded_up_to_two_digits(number: float, rounded: int) -> None:
    assert round_up(number) == rounded
