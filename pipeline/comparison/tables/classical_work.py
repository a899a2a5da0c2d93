"""Estimated operations of classical models, from what scikit-learn's estimators do.

The weights stand for how much slower than a network's matrix products such work runs, so that both kinds can be set
against each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

SLOWER = 7  # times: scikit-learn's numerical work against a network's matrix products
FORWARD_AND_BACKWARD = 3  # passes' worth of operations that one training step of a layer takes
PER_PARAMETER = 2  # a multiplication and an addition, where no count of operations is known
PASSES = 100  # of an iterative solver over its training examples
CALIBRATION_FITS = 5  # that a calibrated estimator makes of itself
SORTED = 20  # for each example and feature that a split of a tree looks at
GROWN = 1.4e7  # of growing one tree, however small
FOREST_ASKED, BOOSTING_ASKED = 1e6, 1.4e5  # of asking one tree: a forest asks each by a call of its own


@dataclass(frozen=True)
class Fit:
    """One fit of a classical model.

    Attributes:
        examples: that it is fitted to.
        features: numbers that describe an example.
        parameters: that it ends up with.
        trees: of an ensemble.
    """

    examples: float
    features: float
    parameters: float
    trees: float


@dataclass(frozen=True)
class Operations:
    """Of one fit, and of one answer."""

    of_fit: Callable[[Fit], float]
    of_answer: Callable[[Fit], float]


def _guessing(fit: Fit) -> float:
    return fit.examples


def _iterative(fit: Fit) -> float:
    return PASSES * FORWARD_AND_BACKWARD * PER_PARAMETER * fit.examples * fit.parameters


def _normal_equations(fit: Fit) -> float:
    return PER_PARAMETER * fit.examples * fit.features**2


def _kernel(fit: Fit) -> float:
    return FORWARD_AND_BACKWARD * PER_PARAMETER * fit.examples**2 * fit.features


def _neighbours(fit: Fit) -> float:
    """Fitting keeps the examples; finding neighbours while settings are tried is what takes time."""
    return PER_PARAMETER * fit.examples**2 * fit.features


def _forest(fit: Fit) -> float:
    return _grown(fit, math.sqrt(fit.features))


def _boosting(fit: Fit) -> float:
    return _grown(fit, fit.features)


def _grown(fit: Fit, looked_at: float) -> float:
    return fit.trees * (GROWN + SORTED * fit.examples * math.log2(fit.examples + 1) * looked_at)


def _all_parameters(fit: Fit) -> float:
    return PER_PARAMETER * fit.parameters


def _all_examples(fit: Fit) -> float:
    return PER_PARAMETER * fit.examples * fit.features


def _down_the_forest(fit: Fit) -> float:
    return fit.trees * FOREST_ASKED


def _down_the_boosted_trees(fit: Fit) -> float:
    return fit.trees * BOOSTING_ASKED


def _one_number(fit: Fit) -> float:
    return 1.0


GUESS = Operations(_guessing, _one_number)
KERNEL = Operations(_kernel, _all_parameters)
NEIGHBOURS = Operations(_neighbours, _all_examples)
FOREST = Operations(_forest, _down_the_forest)
BOOSTING = Operations(_boosting, _down_the_boosted_trees)
OTHERS = Operations(_iterative, _all_parameters)
ESTIMATORS = {
    "DummyClassifier": GUESS,
    "DummyRegressor": GUESS,
    "RepeatLast": GUESS,
    "Ridge": Operations(_normal_equations, _all_parameters),
    "SVC": KERNEL,
    "SVR": KERNEL,
    "KNeighborsClassifier": NEIGHBOURS,
    "KNeighborsRegressor": NEIGHBOURS,
    "RandomForestClassifier": FOREST,
    "RandomForestRegressor": FOREST,
    "HistGradientBoostingClassifier": BOOSTING,
    "HistGradientBoostingRegressor": BOOSTING,
}
