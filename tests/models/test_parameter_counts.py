"""How many numbers a fit leaves in an estimator, counted by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import AdaBoostClassifier
from sklearn.preprocessing import StandardScaler

from pipeline.models.estimators import make_estimator
from pipeline.models.parameter_counts import count_parameters
from pipeline.params.schema.reading import ParamsError

RANDOM = np.random.default_rng(0)
ROWS, CLASSES = RANDOM.normal(size=(60, 4)), np.arange(60) % 3
NUMBERS = ROWS[:, 0] * 2 + RANDOM.normal(size=60)


def fitted(name: str, targets: np.ndarray, **settings: Any) -> Any:
    return make_estimator(name, "some_row", settings).fit(ROWS, targets)


def count(estimator: Any, *learned: str) -> int:
    return count_parameters(estimator, learned, "some_row")


def nodes(trees: Any) -> int:
    return sum(tree.tree_.node_count for tree in trees)


def test_linear_models_have_a_weight_a_feature_and_a_constant_for_each_class() -> None:
    assert count(fitted("LogisticRegression", CLASSES)) == (4 + 1) * 3
    assert count(fitted("Ridge", NUMBERS)) == 4 + 1


def test_support_vectors_are_counted_and_not_the_weights_that_a_linear_kernel_has_too() -> None:
    machine = fitted("SVC", CLASSES, kernel="linear")
    assert hasattr(machine, "coef_")
    assert count(machine) == len(machine.support_vectors_) * (4 + 2) + 3


def test_nearest_neighbours_remember_every_example_and_its_target() -> None:
    assert count(fitted("KNeighborsRegressor", NUMBERS)) == 60 * (4 + 1)


@pytest.mark.parametrize("name", ["RandomForestClassifier", "ExtraTreesClassifier"])
def test_a_node_of_a_tree_has_a_feature_a_threshold_and_a_share_of_each_class(name: str) -> None:
    forest = fitted(name, CLASSES, n_estimators=3, random_state=0)
    assert count(forest) == nodes(forest.estimators_) * (2 + 3)


def test_a_node_of_a_regression_tree_has_one_answer() -> None:
    forest = fitted("RandomForestRegressor", NUMBERS, n_estimators=3, random_state=0)
    assert count(forest) == nodes(forest.estimators_) * 3
    boosted = fitted("GradientBoostingClassifier", CLASSES, n_estimators=2)
    assert count(boosted) == nodes(boosted.estimators_.ravel()) * 3


def test_histogram_boosting_has_three_numbers_a_node() -> None:
    boosted = fitted("HistGradientBoostingRegressor", NUMBERS, max_iter=2)
    assert count(boosted) == 3 * sum(len(tree.nodes) for stage in boosted._predictors for tree in stage) > 0


def test_an_ensemble_of_ensembles_is_counted_to_the_bottom_with_its_weights() -> None:
    forest = make_estimator("RandomForestClassifier", "some_row", {"n_estimators": 2})
    boosted = AdaBoostClassifier(forest, n_estimators=2, random_state=0).fit(ROWS, CLASSES)
    trees = [tree for member in boosted.estimators_ for tree in member.estimators_]
    assert count(boosted) == nodes(trees) * (2 + 3) + len(boosted.estimator_weights_)


def test_what_scales_the_target_is_looked_into() -> None:
    ridge = make_estimator("Ridge", "some_row", {})
    assert count(TransformedTargetRegressor(ridge, transformer=StandardScaler()).fit(ROWS, NUMBERS)) == 4 + 1


def test_an_estimator_of_unknown_size_is_an_error_that_says_what_to_add_to_the_row() -> None:
    bayes = fitted("GaussianNB", CLASSES)
    with pytest.raises(ParamsError, match=r"fitted GaussianNB keeps .*some_row\.learned\. It has .*theta_, var_"):
        count(bayes)
    assert count(bayes, "theta_", "var_", "class_prior_") == 3 * 4 + 3 * 4 + 3


def test_an_attribute_that_is_not_there_is_an_error_with_those_that_are() -> None:
    with pytest.raises(ParamsError, match=r"some_row\.learned: a fitted GaussianNB has no 'means_'; it has .*theta_"):
        count(fitted("GaussianNB", CLASSES), "means_")
