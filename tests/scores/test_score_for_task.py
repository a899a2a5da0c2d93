"""Which score a task is judged by, and what is refused."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from pipeline.params.compare import Compare, ScoreName
from pipeline.scores.classes import cost_matrix
from pipeline.scores.faults import faults_of_classes, faults_of_score
from pipeline.scores.score_for_task import LESS_IS_BETTER, OF_CLASSES, OF_NUMBERS, ScoreError, score_of, scores_for
from pipeline.tasks import TASKS

NAMES = ["healthy", "sick"]
COSTS = {"sick": {"healthy": 10.0}, "healthy": {"sick": 1.0}}


def wanted(**keys: Any) -> Compare:
    return Compare(**{"confidence": 0.95, "margin": 0.01, "resamples": 200, **keys})


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_candidates_are_ranked_by_the_score_that_training_follows_where_nothing_is_said(task: Any) -> None:
    assert score_of(task.name).name == score_of(task.name, wanted()).name == task.score


def test_params_may_name_every_score_and_no_other() -> None:
    assert set(ScoreName.__args__) == {*OF_CLASSES, *OF_NUMBERS}  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", [*OF_CLASSES, *OF_NUMBERS])
def test_each_score_is_found_by_its_name_and_fits_one_kind_of_task(name: str) -> None:
    settings = wanted(score=name, costs=COSTS, quantile=0.9)
    fits, other = ("binary", "regression") if name in OF_CLASSES else ("regression", "binary")
    score = score_of(fits, settings, NAMES)
    assert score.name == name and (score.sign < 0) == (name in LESS_IS_BETTER)
    with pytest.raises(ScoreError, match=f"compare.score = {name}: does not fit"):
        score_of(other, settings, NAMES)


def test_costs_and_a_quantile_are_scores_only_where_they_are_named() -> None:
    assert "cost" not in [score.name for score in scores_for("binary", wanted(), NAMES)]
    assert "cost" in [score.name for score in scores_for("binary", wanted(costs=COSTS), NAMES)]
    assert "pinball" in [score.name for score in scores_for("regression", wanted(quantile=0.1))]


def test_a_star_stands_for_every_class_that_is_not_named() -> None:
    costs = {"b": {"a": 5.0, "*": 2.0}, "*": {"*": 1.0}}
    np.testing.assert_array_equal(cost_matrix(costs, ["a", "b", "c"]), [[0, 1, 1], [5, 0, 2], [1, 1, 0]])


def test_the_right_answer_costs_what_its_own_row_says_and_nothing_by_the_row_of_all_others() -> None:
    dear_to_say = {"*": {"b": 50.0, "*": 1.0}}
    np.testing.assert_array_equal(cost_matrix(dear_to_say, ["a", "b", "c"]), [[0, 50, 1], [1, 0, 1], [1, 50, 0]])
    by_itself = {"b": {"b": 2.0, "*": 3.0}, "*": {"*": 1.0}}
    np.testing.assert_array_equal(cost_matrix(by_itself, ["a", "b"]), [[0, 1], [3, 2]])


@pytest.mark.parametrize(
    ("keys", "has_classes", "fault"),
    [
        ({"score": "rmse"}, True, "compare.score = rmse: does not fit, since classes are told apart; name one of acc"),
        ({"score": "auroc"}, False, "compare.score = auroc: does not fit, since a number is predicted"),
        ({"score": "cost"}, True, "compare.costs: is empty, which the score cost needs; write"),
        ({"score": "pinball"}, False, "compare.quantile: is null, which the score pinball needs"),
        ({"quantile": 0.5}, True, "compare.quantile = 0.5: is for numbers"),
        ({"costs": COSTS}, False, "compare.costs = .*: a number is predicted"),
    ],
)
def test_what_does_not_fit_the_task_is_refused_by_its_key(keys: dict[str, Any], has_classes: bool, fault: str) -> None:
    (found,) = faults_of_score(wanted(**keys), has_classes)
    assert re.match(fault, found), found


@pytest.mark.parametrize(
    ("costs", "fault"),
    [
        ({**COSTS, "dead": {"sick": 1.0}}, "compare.costs: 'dead' is no class of the data; name one of healthy, sick"),
        ({"sick": {"healthy": 10.0, "dead": 1.0}, "*": {"*": 1.0}}, "compare.costs: 'dead' is no class of the data"),
        ({"sick": {"healthy": 10.0}}, "compare.costs: says nothing of class 'healthy'; add `'healthy': {"),
        ({"sick": {"sick": 0.0}, "*": {"*": 1.0}}, "compare.costs.sick: does not say what it costs to say 'healthy'"),
        ({"*": {"*": 0.0}}, "compare.costs: no mistake costs anything"),
        ({"sick": {}, "*": {"*": 1.0}}, "compare.costs.sick: does not say what it costs to say 'healthy'"),
    ],
)
def test_costs_are_of_the_classes_that_there_are_and_of_all_of_them(costs: Any, fault: str) -> None:
    (found,) = faults_of_classes(wanted(score="cost", costs=costs), NAMES)
    assert found.startswith(fault), found


def test_a_class_without_test_examples_cannot_be_ranked_against_the_others() -> None:
    (found,) = faults_of_classes(wanted(score="auroc"), NAMES, {"healthy": 9, "sick": 0})
    assert found.startswith("compare.score = auroc: no test example is of class 'sick'")
    assert not list(faults_of_classes(wanted(score="accuracy"), NAMES, {"healthy": 9, "sick": 0}))
