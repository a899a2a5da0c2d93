"""How many numbers a fit left in a scikit-learn estimator: weights, tree nodes' numbers, or examples it remembers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor

from pipeline.params.schema.reading import ParamsError

NUMBERS_OF_A_NODE = 2  # of a tree: a feature and a threshold; what it answers comes on top
NUMBERS_OF_A_BOOSTED_NODE = 3  # a feature, a threshold and a value


def count_parameters(estimator: Any, learned: Sequence[str], row: str) -> int:
    """
    Args:
        estimator: fitted, perhaps inside what calibrates it or scales its target.
        learned: the attributes that hold what it learned, where the row of classical.yaml names them.
        row: its name, for messages.

    Raises:
        ParamsError: what it learned is not known; says which attributes there are to name.
    """
    inner = _inside(estimator)
    if learned:
        return sum(_size(_attribute(inner, name, row)) for name in learned)
    count = _count(inner)
    if count is None:
        kind = type(inner).__name__
        raise ParamsError(
            f"pipeline/models/classical.yaml: {row}: it is not known where a fitted {kind} keeps what it learned; name "
            f"those attributes in {row}.learned. It has {', '.join(_fitted_attributes(inner))}"
        )
    return count


def _inside(estimator: Any) -> Any:
    """The estimator itself; of a calibrated one that of the first fold."""
    if isinstance(estimator, CalibratedClassifierCV):
        return estimator.calibrated_classifiers_[0].estimator.named_steps["estimator"]
    return estimator.regressor_ if isinstance(estimator, TransformedTargetRegressor) else estimator


def _count(estimator: Any) -> int | None:
    """By the attributes that scikit-learn's families of estimators have; None where it has none of them."""
    if hasattr(estimator, "support_vectors_"):  # before `coef_`, which is computed from these
        return _size([estimator.support_vectors_, estimator.dual_coef_, estimator.intercept_])
    if hasattr(estimator, "_predictors"):
        return sum(NUMBERS_OF_A_BOOSTED_NODE * len(tree.nodes) for stage in estimator._predictors for tree in stage)
    if hasattr(estimator, "tree_"):
        answers = len(getattr(estimator, "classes_", (None,)))
        return int(estimator.tree_.node_count * (NUMBERS_OF_A_NODE + answers))
    if hasattr(estimator, "estimators_"):
        return _count_members(estimator)
    if hasattr(estimator, "coefs_"):
        return _size([*estimator.coefs_, *estimator.intercepts_])
    if hasattr(estimator, "coef_"):
        return _size([estimator.coef_, getattr(estimator, "intercept_", [])])
    if hasattr(estimator, "n_samples_fit_"):
        return int(estimator.n_samples_fit_ * (estimator.n_features_in_ + 1))
    return None


def _count_members(ensemble: Any) -> int | None:
    """Of all members of an ensemble, and the weights that they have in it."""
    members = ensemble.estimators_
    total = _size(getattr(ensemble, "estimator_weights_", []))
    for member in members.ravel() if isinstance(members, np.ndarray) else members:
        count = _count(member)
        if count is None:
            return None
        total += count
    return total


def _size(values: Any) -> int:
    """How many numbers there are in arrays, lists of arrays, or a number."""
    if isinstance(values, list | tuple):
        return sum(_size(value) for value in values)
    return int(np.size(values))


def _attribute(estimator: Any, name: str, row: str) -> Any:
    if not hasattr(estimator, name):
        raise ParamsError(
            f"pipeline/models/classical.yaml: {row}.learned: a fitted {type(estimator).__name__} has no {name!r}; it "
            f"has {', '.join(_fitted_attributes(estimator))}"
        )
    return getattr(estimator, name)


def _fitted_attributes(estimator: Any) -> list[str]:
    """What scikit-learn's own convention marks as learned."""
    return sorted(name for name in vars(estimator) if name.endswith("_") and not name.startswith("_"))
