"""Names as words."""

from __future__ import annotations

from pipeline.comparison.verdict.words import cost_text, short_name
from pipeline.scores.classes import ACCURACY, MACRO_F1
from pipeline.scores.numbers import RMSE


def test_a_short_name_leaves_the_family_out() -> None:
    assert short_name("finetune-resnet50-full", "finetune") == "resnet50 · full"
    assert short_name("classical-svm_hog", "classical") == "svm_hog"


def test_a_cost_that_rounds_to_nothing_is_not_said_to_be_nothing() -> None:
    points, decimals, numbers = ACCURACY.words, MACRO_F1.words, RMSE.words
    assert (cost_text(points, 0.0003), cost_text(points, 0.0012)) == ("under 0.1 points", "0.1 points")
    assert cost_text(decimals, 0.0003) == "under 0.001"
    assert cost_text(numbers, 0.0003) == "0.0003"
    assert cost_text(points, 0.0) == "0.0 points"
