"""Whether a challenger is promoted: from predictions to evidence, from evidence to a decision with its reasons."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest

from pipeline.operations.retraining.evidence import Evidence, Judged, weigh
from pipeline.operations.retraining.promotion import broken_limits, decide
from pipeline.params.upkeep.retrain import Retrain

LIMITS = Retrain(
    shortlist=4,
    least_new=20,
    unusable=0.1,
    drift_level=0.01,
    class_margin=0.2,
    latency_ratio=2.0,
    latency_ms=None,
    calibration_margin=0.05,
)
CLASSES = ["apple", "pear", "plum"]
LABELS = np.arange(300) % 3
EXAMPLES = [f"test/{row}.jpg" for row in range(300)]


def judged(name: str, wrong: np.ndarray, calibration_error: float = 0.1, latency: float = 10.0) -> Judged:
    """Right everywhere but on the rows `wrong`, where the next class is taken for the right one."""
    predicted = LABELS.copy()
    predicted[wrong] = (predicted[wrong] + 1) % 3
    return Judged(name, np.eye(3)[predicted] * 0.7 + 0.1, calibration_error, latency)


def weighed(champion: Judged, challenger: Judged) -> Evidence:
    return weigh(champion, challenger, LABELS, EXAMPLES, CLASSES, confidence=0.95, resamples=500)


def better() -> Evidence:
    return weighed(judged("old", np.arange(0, 90)), judged("new", np.arange(0, 30)))


def test_a_challenger_that_is_shown_to_be_better_is_promoted_with_the_numbers_in_the_reason() -> None:
    decision = decide(better(), LIMITS, 0.95)
    assert decision.outcome == "promote"
    assert "90.0 %" in decision.reasons[0] and "70.0 %" in decision.reasons[0]


def test_a_difference_that_chance_explains_keeps_the_champion() -> None:
    decision = decide(weighed(judged("old", np.arange(0, 33)), judged("new", np.arange(5, 33))), LIMITS, 0.95)
    assert decision.outcome == "keep"
    assert "cannot tell the two apart" in decision.reasons[0]


def test_a_challenger_that_was_picked_among_many_needs_so_much_more_evidence() -> None:
    old, new = judged("old", np.arange(0, 40)), judged("new", np.arange(14, 44))
    alone = weighed(old, new)
    among_eight = replace(alone, compared=8)
    assert alone.p_adjusted < 0.05 < among_eight.p_adjusted == pytest.approx(8 * alone.p_value)
    assert decide(alone, LIMITS, 0.95).outcome == "promote"
    assert decide(among_eight, LIMITS, 0.95).outcome == "keep"


def test_a_challenger_that_is_shown_to_be_worse_keeps_the_champion() -> None:
    decision = decide(weighed(judged("old", np.arange(0, 30)), judged("new", np.arange(0, 90))), LIMITS, 0.95)
    assert decision.outcome == "keep"
    assert "shown to be worse" in decision.reasons[0]


def test_a_better_challenger_that_loses_a_class_needs_a_person() -> None:
    pears = np.flatnonzero(LABELS == 1)
    others = np.flatnonzero(LABELS != 1)
    evidence = weighed(judged("old", others[:150]), judged("new", pears[:40]))
    decision = decide(evidence, LIMITS, 0.95)
    assert decision.outcome == "ask"
    assert any("Class pear" in reason and "60.0 %" in reason for reason in decision.reasons)
    assert not any("Class apple" in reason for reason in decision.reasons)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"challenger_latency_ms": 21.0}, "latency_ratio"),
        ({"challenger_calibration_error": 0.16}, "calibration_margin"),
    ],
)
def test_a_better_challenger_that_breaks_a_limit_needs_a_person(change: dict[str, float], words: str) -> None:
    decision = decide(replace(better(), **change), LIMITS, 0.95)
    assert decision.outcome == "ask"
    assert words in decision.reasons[-1]


def test_an_absolute_latency_limit_counts_whatever_the_champion_takes() -> None:
    limits = LIMITS.model_copy(update={"latency_ms": 5.0})
    assert "latency_ms" in broken_limits(better(), limits)[0]
    assert not broken_limits(better(), LIMITS)


def test_a_class_of_three_test_examples_cannot_show_that_it_loses_nothing() -> None:
    labels = np.array([0] * 100 + [1] * 3)
    probabilities = np.eye(2)[labels] * 0.8 + 0.1
    same = Judged("same", probabilities, 0.1, 10.0)
    evidence = weigh(same, same, labels, [str(row) for row in range(103)], ["many", "few"], 0.95, 500)
    assert [one.low < -0.2 for one in evidence.classes] == [False, True]


def test_a_champion_that_learnt_from_todays_test_set_is_not_compared() -> None:
    champion = replace(judged("old", np.arange(0, 90)), learnt=frozenset({"test/3.jpg", "elsewhere.jpg"}))
    decision = decide(weighed(champion, judged("new", np.arange(0, 30))), LIMITS, 0.95)
    assert decision.outcome == "ask"
    assert "1 example of today's test set" in decision.reasons[0]


def test_the_p_value_is_the_exact_binomial_over_the_examples_on_which_they_differ() -> None:
    evidence = weighed(judged("old", np.arange(0, 12)), judged("new", np.arange(10, 15)))
    assert evidence.p_value == pytest.approx(binomtest(3, 13).pvalue)
    assert evidence.difference == pytest.approx(7 / 300)
    assert evidence.low < 7 / 300 < evidence.high
