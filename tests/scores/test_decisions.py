"""From probabilities to a class: by the rule that validation examples choose."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.scores.classes import ACCURACY, BALANCED_ACCURACY, MACRO_F1, cost_score
from pipeline.scores.decisions import MOST_PROBABLE, Decision, choose_decision, cross_fitted_classes, described_decision
from pipeline.scores.score import Score

NAMES = ["a", "b"]


def rare(count: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """One example in ten is of the second class; probabilities hold."""
    random = np.random.default_rng(5)
    second = random.beta(0.6, 5.4, count)
    labels = (random.random(count) < second).astype(np.int64)
    return labels, np.column_stack([1 - second, second])


def test_accuracy_takes_the_most_probable_class() -> None:
    assert choose_decision(ACCURACY, *rare()) is MOST_PROBABLE
    assert MOST_PROBABLE.classes(np.array([[0.5, 0.5], [0.2, 0.8]])).tolist() == [0, 1]


def test_a_rare_class_is_said_sooner_where_both_count_alike() -> None:
    labels, probabilities = rare()
    rule = choose_decision(BALANCED_ACCURACY, labels, probabilities)
    assert rule.threshold is not None and rule.threshold < 0.3
    recalls = [(rule.classes(probabilities)[labels == k] == k).mean() for k in (0, 1)]
    assert np.mean(recalls) > 0.6


def test_the_threshold_follows_the_costs() -> None:
    labels, probabilities = rare(4000)
    dear_to_miss = cost_score({"b": {"a": 9.0}, "a": {"b": 1.0}}, NAMES)
    rule = choose_decision(dear_to_miss, labels, probabilities)
    assert rule.threshold == pytest.approx(0.1, abs=0.06), "1 / (9 + 1), since probabilities hold"


def test_where_mistakes_cost_one_class_may_be_said_of_everything() -> None:
    """A tree's probabilities, of which one example of the dear class has the lowest there is."""
    labels = np.array([1] + [0] * 27 + [1] * 12)
    probabilities = np.column_stack([1 - labels, labels]).astype(np.float32)
    probabilities[0] = [1.0, 0.0]
    dear_to_miss = cost_score({"b": {"a": 50.0}, "a": {"b": 1.0}}, NAMES)
    assert choose_decision(dear_to_miss, labels, probabilities).classes(probabilities).all()
    dear_to_say = cost_score({"b": {"a": 1.0}, "a": {"b": 50.0}}, NAMES)
    swapped = choose_decision(dear_to_say, 1 - labels, probabilities[:, ::-1])
    assert not swapped.classes(probabilities[:, ::-1]).any()
    assert choose_decision(BALANCED_ACCURACY, labels, probabilities).classes(probabilities).sum() == 12


def test_of_more_classes_the_least_expected_cost_is_said_where_that_costs_less() -> None:
    names, random = ["a", "b", "c"], np.random.default_rng(0)
    probabilities = random.dirichlet(np.ones(3), 500)
    labels = np.array([random.choice(3, p=row) for row in probabilities])
    costs = cost_score({"a": {"*": 20.0}, "*": {"*": 1.0}}, names)
    rule = choose_decision(costs, labels, probabilities)
    assert rule.costs is not None
    assert (rule.classes(probabilities) == 0).mean() > 0.6, "to miss an a is dear"
    # Probabilities that say nothing of the labels are not relied on: always `a` would be said, the dearest here.
    cheap = cost_score({"a": {"*": 20.0}, "*": {"*": 1.0}}, names)
    others = np.repeat([0, 1, 2], [1, 498, 1])
    misled = np.tile([0.3, 0.6, 0.1], (500, 1))
    assert choose_decision(cheap, others, misled) == MOST_PROBABLE


def test_of_equal_rules_the_one_nearest_to_the_most_probable_class_is_taken_whatever_the_order_of_examples() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], 30)
    second = np.where(labels == 1, 0.75, 0.25) + random.uniform(-0.15, 0.15, 60)
    second[1:8], second[31:38] = 0.95, 0.05  # wrong by any threshold in between
    second[[0, 30]] = 0.54, 0.52  # a threshold of 0.55 trades one mistake for another
    probabilities = np.column_stack([1 - second, second])
    costs = cost_score({"*": {"*": 0.1}}, NAMES)
    for order in (np.arange(60), *(random.permutation(60) for _ in range(20))):
        assert choose_decision(costs, labels[order], probabilities[order]) is MOST_PROBABLE
        assert choose_decision(BALANCED_ACCURACY, labels[order], probabilities[order]) is MOST_PROBABLE


def test_validation_values_of_a_chosen_rule_are_no_better_than_those_of_new_examples() -> None:
    """Probabilities that say nothing of the labels: whatever is chosen, its balanced accuracy is one half."""
    random, chosen, across = np.random.default_rng(1), [], []
    for _ in range(40):
        labels, second = random.permutation(np.repeat([0, 1], 20)), random.random(40)
        probabilities = np.column_stack([1 - second, second])
        rule = choose_decision(BALANCED_ACCURACY, labels, probabilities)
        chosen.append(BALANCED_ACCURACY.value(labels, rule.classes(probabilities)))
        across.append(BALANCED_ACCURACY.value(labels, cross_fitted_classes(BALANCED_ACCURACY, labels, probabilities)))
    assert np.mean(chosen) > 0.56
    assert np.mean(across) < 0.53


def test_what_belongs_together_never_chooses_the_rule_that_it_is_judged_by() -> None:
    random, groups = np.random.default_rng(1), np.arange(66) % 22
    differs = 0
    for _ in range(40):
        labels = random.permutation(np.repeat([0, 1], 11))[groups]  # three examples a group, alike in everything
        second = random.random(22)[groups]
        probabilities = np.column_stack([1 - second, second])
        grouped = cross_fitted_classes(BALANCED_ACCURACY, labels, probabilities, groups)
        assert all(len(set(grouped[groups == group])) == 1 for group in range(22))
        alone = cross_fitted_classes(BALANCED_ACCURACY, labels, probabilities)
        differs += BALANCED_ACCURACY.value(labels, alone) > BALANCED_ACCURACY.value(labels, grouped)
    assert differs > 20, "a copy in another fold gives the answer away"


@pytest.mark.parametrize("score", [BALANCED_ACCURACY, MACRO_F1, cost_score({"*": {"*": 1.0}}, NAMES)])
def test_without_examples_of_a_class_no_rule_is_chosen(score: Score) -> None:
    """Else it would be that the class is never said, or hardly ever."""
    second = np.array([0.1, 0.3, 0.6, 0.7])
    probabilities = np.column_stack([1 - second, second])
    assert choose_decision(score, np.zeros(4, np.int64), probabilities) is MOST_PROBABLE
    assert cross_fitted_classes(score, np.zeros(4, np.int64), probabilities).tolist() == [0, 0, 1, 1]


def test_where_one_group_has_all_examples_of_a_class_it_is_judged_by_the_rule_of_all() -> None:
    labels = np.array([0] * 8 + [1] * 4)
    second = np.array([0.05, 0.1, 0.1, 0.1, 0.1, 0.2, 0.2, 0.2, 0.4, 0.4, 0.45, 0.3])
    probabilities, groups = np.column_stack([1 - second, second]), np.array([*range(8), 8, 8, 8, 8])
    rule = choose_decision(BALANCED_ACCURACY, labels, probabilities)
    assert rule.threshold == pytest.approx(0.25)
    judged = cross_fitted_classes(BALANCED_ACCURACY, labels, probabilities, groups)
    assert judged[8:].tolist() == [1, 1, 1, 1]


def test_a_rule_is_read_as_it_was_written() -> None:
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4]])
    for rule in (MOST_PROBABLE, Decision(threshold=0.3), Decision(costs=np.array([[0.0, 1], [5, 0]]))):
        again = described_decision(rule.described())
        assert again.classes(probabilities).tolist() == rule.classes(probabilities).tolist()
    assert MOST_PROBABLE.described() == {}
