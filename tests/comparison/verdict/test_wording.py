"""Numbers as words."""

from __future__ import annotations

import pytest

from pipeline.comparison.verdict.wording import (
    count_of,
    duration,
    listed,
    percent_range,
    points,
    points_range,
    short_name,
)


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


def test_counts_agree_with_their_noun() -> None:
    assert [count_of(1, "seed"), count_of(3, "seed")] == ["1 seed", "3 seeds"]
    assert count_of(5200, "class", "classes") == "5,200 classes"


@pytest.mark.parametrize(("words", "text"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")])
def test_lists_are_told_with_and(words: list[str], text: str) -> None:
    assert listed(words) == text


def test_a_short_name_leaves_the_family_out() -> None:
    assert short_name("finetune-resnet50-full", "finetune") == "resnet50 · full"
    assert short_name("classical-svm_hog", "classical") == "svm_hog"
