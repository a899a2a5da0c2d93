"""Whether a challenger is promoted: from predictions to evidence, from evidence to a decision with its reasons."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest

from pipeline.champions.log import Entry
from pipeline.comparison.statistics.paired_tests import spent_alpha
from pipeline.operations.retraining.decision import looks_in_a_year
from pipeline.operations.retraining.evidence import Evidence, Judged, known_by
from pipeline.operations.retraining.promotion import broken_limits, decide
from pipeline.operations.retraining.weighing import weigh
from pipeline.params.schema.vocabulary import Kind
from pipeline.params.upkeep.retrain import Retrain
from pipeline.scores.classes import BALANCED_ACCURACY
from pipeline.scores.decisions import Decision
from pipeline.scores.numbers import MAE, RMSE
from pipeline.scores.probabilities import AUROC, LOG_LOSS
from pipeline.scores.score import Answers, Score

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


def judged(name: str, wrong: np.ndarray, latency: float = 10.0) -> Judged:
    """Right everywhere but on the rows `wrong`, where the next class is taken for the right one."""
    predicted = LABELS.copy()
    predicted[wrong] = (predicted[wrong] + 1) % 3
    return Judged(name, np.eye(3)[predicted] * 0.7 + 0.1, latency)


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
    old, new = judged("old", np.arange(0, 40)), judged("new", np.arange(16, 44))
    alone = weighed(old, new)
    among_eight = replace(alone, compared=8)
    assert alone.p_adjusted < spent_alpha(0.05, 1) < among_eight.p_adjusted == pytest.approx(8 * alone.p_value)
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


def test_the_worst_class_decides_and_the_limits_by_name_say_which_it_may_be() -> None:
    evidence = better()
    pear = replace(evidence.classes[1], low=-0.21)
    unlucky = replace(evidence, classes=[evidence.classes[0], pear], worst_class_low=-0.19)
    assert decide(unlucky, LIMITS, 0.95).outcome == "promote"
    lost = decide(replace(unlucky, worst_class_low=-0.205), LIMITS, 0.95)
    assert lost.outcome == "ask"
    assert [reason.split(" (")[0] for reason in lost.reasons if reason.startswith("Class")] == ["Class pear"]


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


def test_a_class_of_three_test_examples_is_judged_beside_the_others_and_asks_where_all_three_are_lost() -> None:
    """By themselves three examples rule out nothing, and 88 % of better challengers were stopped by such a class."""
    labels = np.array([0] * 100 + [1] * 3)
    right, lost = np.eye(2)[labels] * 0.8 + 0.1, np.eye(2)[np.zeros(103, int)] * 0.8 + 0.1
    same = Judged("same", right, 10.0)
    names = [str(row) for row in range(103)]
    for challenger, breaks in ((same, False), (Judged("loses", lost, 10.0), True)):
        evidence = weigh(same, challenger, labels, names, ["many", "few"], 0.95, 500)
        assert evidence.classes[1].low < evidence.classes[0].low
        assert any(line.startswith("Class few") for line in broken_limits(evidence, LIMITS)) is breaks


def test_each_look_of_a_year_asks_for_more_and_says_so() -> None:
    evidence = weighed(judged("old", np.arange(0, 40)), judged("new", np.arange(16, 44)))
    first, fifth = (decide(evidence, LIMITS, 0.95, look) for look in (1, 5))
    assert (first.outcome, fifth.outcome) == ("promote", "keep")
    assert "look 5 at these test examples within a year" in fifth.reasons[0]


def test_a_test_set_that_was_looked_at_too_often_is_said_to_be_worn_out_with_what_to_do() -> None:
    evidence = weighed(judged("old", np.arange(0, 33)), judged("new", np.arange(5, 33)))
    assert not any("worn out" in reason for reason in decide(evidence, LIMITS, 0.95, 2).reasons)
    (told,) = (reason for reason in decide(evidence, LIMITS, 0.95, 40).reasons if "worn out" in reason)
    assert "looked at 40 times" in told and "data/incoming" in told


def test_the_champion_is_told_on_photos_that_arrived_after_it() -> None:
    old = replace(judged("old", np.arange(200, 250)), measured=frozenset(EXAMPLES[:200]))
    evidence = weighed(old, judged("new", np.arange(0, 33)))
    since = evidence.since
    assert (since.examples, since.value, since.before) == (100, 0.5, 1.0)
    assert since.low < 0.5 < since.high
    told = " ".join(decide(evidence, LIMITS, 0.95).reasons)
    assert "100 test examples that arrived after it was registered the champion is right on 50.0 %" in told
    assert weighed(judged("old", np.arange(9)), judged("new", np.arange(9))).since.examples == 0


def test_groups_of_test_examples_count_as_one() -> None:
    """Ten photos each of 30 things: what is better on six things is not shown, though on 60 photos it would be."""
    groups = np.arange(300) // 10
    old, new = judged("old", np.arange(0, 60)), judged("new", np.arange(0, 10))
    apart, together = (weigh(old, new, LABELS, EXAMPLES, CLASSES, 0.95, 500, groups=given) for given in (None, groups))
    assert apart.p_value < 1e-6 < 0.05 < together.p_value == pytest.approx(2 / 2**5)
    assert (apart.units, together.units) == (300, 30)
    assert together.low < apart.low


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


def test_looks_of_the_last_year_at_mostly_the_same_examples_are_counted() -> None:
    def entry(time: str, **numbers: float) -> Entry:
        return Entry(f"{time}T06:00:00.000+00:00", "kept", None, 1, "data", [], None, numbers)

    log = [
        entry("2024-05-01", p_value=0.2, examples=300),  # longer ago than a year
        entry("2025-02-01", p_value=0.2, examples=100),  # of another, much smaller test set
        entry("2025-03-01", p_value=0.2, examples=200),
        entry("2025-04-01"),  # nothing was compared
        entry("2025-05-02", p_value=0.9, examples=300),
    ]
    assert looks_in_a_year(log, "2025-05-03T06:00:00.000+00:00", 300) == 2


@pytest.mark.parametrize("score", [BALANCED_ACCURACY, LOG_LOSS, AUROC], ids=lambda score: score.name)
def test_two_models_are_judged_by_the_score_that_candidates_are_ranked_by(score: Score) -> None:
    old, new = judged("old", np.arange(0, 90)), judged("new", np.arange(0, 30))
    evidence = weigh(old, new, LABELS, EXAMPLES, CLASSES, 0.95, 500, score=score)
    predicted = np.stack([old.predicted, new.predicted]).astype(float)
    values = score.values(Answers(LABELS, predicted, np.stack([old.probabilities, new.probabilities]), 3))
    assert (evidence.champion_score, evidence.challenger_score) == pytest.approx(tuple(values))
    assert evidence.difference == pytest.approx(score.sign * (values[1] - values[0])) and evidence.low > 0
    decision = decide(evidence, LIMITS, 0.95)
    assert decision.outcome == "promote"
    assert f"at {'an' if score is AUROC else 'a'} {score.words.title} of" in decision.reasons[0]
    back = decide(weigh(new, old, LABELS, EXAMPLES, CLASSES, 0.95, 500, score=score), LIMITS, 0.95)
    assert back.outcome == "keep" and "shown to be worse" in back.reasons[0]
    worn = decide(evidence, LIMITS, 0.95, look=20).reasons[-1]
    assert "worn out" in worn
    assert ("points" in worn.partition("a lead of")[2][:12]) == (score is BALANCED_ACCURACY)


def test_a_model_is_judged_by_the_class_that_it_says_and_not_by_the_most_probable_one() -> None:
    labels = np.arange(200) % 2
    probabilities = np.column_stack([0.7 - 0.2 * labels, 0.3 + 0.2 * labels])  # the second class never reaches one half
    probabilities[labels == 1] = [0.6, 0.4]
    plain = Judged("old", probabilities, 1.0)
    ruled = replace(plain, name="new", decision=Decision(threshold=0.35))
    names = [str(row) for row in range(200)]
    evidence = weigh(plain, ruled, labels, names, ["no", "yes"], 0.95, 500, score=BALANCED_ACCURACY)
    assert (evidence.champion_score, evidence.challenger_score) == (0.5, 1.0)


def test_a_lead_on_three_examples_of_a_rare_class_promotes_nothing() -> None:
    labels = np.array([0] * 100 + [1] * 3)
    blind, seeing = np.tile([0.8, 0.2], (103, 1)), np.eye(2)[labels] * 0.6 + 0.2
    names = [str(row) for row in range(103)]
    old, new = Judged("old", blind, 1.0), Judged("new", seeing, 1.0)
    evidence = weigh(old, new, labels, names, ["well", "sick"], 0.95, 500, score=BALANCED_ACCURACY)
    assert evidence.difference == pytest.approx(0.5) and evidence.p_value == 0.25
    assert decide(evidence, LIMITS, 0.95).outcome == "keep"


def test_confidence_is_held_against_the_most_probable_class_whatever_the_rule_says() -> None:
    """Right on 60 % of the examples that it is 60 % sure of; by the rule it says the other class of all of them."""
    labels = (np.arange(200) % 5 < 2).astype(np.int64)
    plain = Judged("plain", np.tile([0.6, 0.4], (200, 1)), 1.0)
    ruled = replace(plain, decision=Decision(threshold=0.3))
    names = [str(row) for row in range(200)]
    evidence = weigh(plain, ruled, labels, names, ["no", "yes"], 0.95, 500, score=BALANCED_ACCURACY)
    assert evidence.challenger_calibration_error == evidence.champion_calibration_error < 0.01


def numbers_judged(name: str, noise: float, seed: int) -> Judged:
    return Judged(name, None, 1.0, answered=TARGETS + np.random.default_rng(seed).normal(0, noise, len(TARGETS)))


TARGETS = np.random.default_rng(1).normal(50, 10, 200)


@pytest.mark.parametrize("kind", ["table", "series"])
@pytest.mark.parametrize("score", [RMSE, MAE], ids=lambda score: score.name)
def test_models_of_numbers_are_judged_by_their_score_and_nothing_is_said_of_classes(score: Score, kind: Kind) -> None:
    old, new = numbers_judged("old", 4.0, 2), numbers_judged("new", 2.0, 3)
    steps = EXAMPLES[:200]
    evidence = weigh(old, new, TARGETS, steps, [], 0.95, 500, score=score, kind=kind)
    values = [score.value(TARGETS, one.predicted) for one in (old, new)]
    assert [evidence.champion_score, evidence.challenger_score] == pytest.approx(values)
    assert evidence.difference == pytest.approx(values[0] - values[1])
    assert evidence.low < evidence.difference < evidence.high
    decision = decide(evidence, LIMITS, 0.95)
    assert decision.outcome == "promote" and score.words.value(values[1]) in decision.reasons[0]
    assert (
        decide(weigh(new, old, TARGETS, steps, [], 0.95, 500, score=score, kind=kind), LIMITS, 0.95).outcome == "keep"
    )
    same = weigh(old, numbers_judged("other", 4.0, 5), TARGETS, steps, [], 0.95, 500, score=score, kind=kind)
    assert "cannot tell the two apart" in decide(same, LIMITS, 0.95).reasons[0]
    numbers = evidence.numbers()
    assert not {"champion_accuracy", "classes", "calibration_low", "disagreement", "example"} & set(numbers)
    assert numbers.get("until") == (steps[-1] if kind == "series" else None)
    slow = replace(evidence, challenger_latency_ms=9.0)
    assert broken_limits(slow, LIMITS)[0].startswith(f"One {'step' if kind == 'series' else 'row'} takes 9.0 ms")


def test_a_champion_of_numbers_is_told_on_what_arrived_after_it_and_on_that_alone_where_nothing_else_is_left() -> None:
    old = replace(numbers_judged("old", 4.0, 2), measured=frozenset(EXAMPLES[:120]))
    new = numbers_judged("new", 4.1, 3)
    evidence = weigh(old, new, TARGETS, EXAMPLES[:200], [], 0.95, 500, score=RMSE, kind="table")
    assert evidence.since.examples == 80 and evidence.since.low < evidence.since.value < evidence.since.high
    assert set(evidence.numbers()["since"]) == {"examples", "rmse", "low", "high", "before"}
    assert "on those that it was picked with off by" in decide(evidence, LIMITS, 0.95).reasons[1]
    rolled = replace(old, measured=frozenset({"gone"}))
    told = decide(weigh(rolled, new, TARGETS, EXAMPLES[:200], [], 0.95, 500, score=RMSE), LIMITS, 0.95).reasons[1]
    assert told.startswith("On 200 test examples that arrived after it") and "picked with" not in told


def test_a_look_at_a_series_counts_as_far_as_its_steps_are_still_in_the_stretch() -> None:
    def entry(until: str) -> Entry:
        numbers = {"p_value": 0.2, "examples": 10, "until": until}
        return Entry("2025-05-01T06:00:00.000+00:00", "kept", None, 1, "data", [], None, numbers)

    steps, today = [f"{week} at {week}" for week in range(20, 30)], "2025-06-01T06:00:00.000+00:00"
    looks = [entry("19 at 19"), entry("23 at 23"), entry("24 at 24"), entry("29 at 29")]
    assert looks_in_a_year(looks, today, 10, steps) == 2, "those that saw five of the ten or more"
    renumbered = [f"{week + 100} at {week}" for week in range(20, 30)]
    assert looks_in_a_year(looks, today, 10, renumbered) == 2, "a step is known by its time"


def test_steps_that_the_champion_learned_from_are_found_by_their_time_whatever_their_number_is_today() -> None:
    old = replace(
        numbers_judged("old", 4.0, 2),
        learnt=frozenset(known_by(["01 at 2024-01-01", "02 at 2024-01-02"], "series")),
        measured=frozenset(known_by([f"{day:02d} at {day}" for day in range(100)], "series")),
    )
    steps = ["3 at 2024-01-01", "4 at 2024-01-02", *(f"{day + 5} at {day}" for day in range(198))]
    evidence = weigh(old, numbers_judged("new", 2.0, 3), TARGETS, steps, [], 0.95, 500, score=RMSE, kind="series")
    assert (evidence.champion_learnt, evidence.since.examples, evidence.until) == (2, 98, "202 at 197")
