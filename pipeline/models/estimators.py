"""scikit-learn's estimators by the names that rows of classical.yaml give them, and the naive forecast of this project.

Importing scikit-learn takes some three processor seconds, so it happens inside the functions, and what each command
asks before it runs anything is known here of the estimators that ship.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from pipeline.params.schema.reading import ParamsError, did_you_mean

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

ROWS = "pipeline/models/classical.yaml"
CLASSIFIERS = (
    "DummyClassifier",
    "LogisticRegression",
    "RandomForestClassifier",
    "HistGradientBoostingClassifier",
    "SVC",
    "KNeighborsClassifier",
)
REGRESSORS = (
    "DummyRegressor",
    "RepeatLast",
    "Ridge",
    "RandomForestRegressor",
    "HistGradientBoostingRegressor",
    "SVR",
    "KNeighborsRegressor",
)


@cache
def estimators() -> dict[str, type[BaseEstimator]]:
    """Every classifier and regressor of scikit-learn, and RepeatLast, by class name."""
    from sklearn.utils import all_estimators

    from pipeline.models.features.columns import RepeatLast

    return {**dict(all_estimators(type_filter=["classifier", "regressor"])), "RepeatLast": RepeatLast}


def estimator_named(name: str, row: str) -> type[BaseEstimator]:
    """
    Args:
        name: of a class of scikit-learn, such as "ExtraTreesClassifier".
        row: of classical.yaml that names it, for messages.

    Raises:
        ParamsError: there is no such estimator.
    """
    if name not in estimators():
        hint = did_you_mean(name, list(estimators())).partition(" Known here")[0]
        raise ParamsError(f"{ROWS}: {row}.estimator = {name!r}: scikit-learn has no such estimator{hint}")
    return estimators()[name]


def make_estimator(name: str, row: str, settings: dict[str, Any]) -> BaseEstimator:
    """
    Raises:
        ParamsError: there is no such estimator, or it needs others to be made of, which a row cannot give it.
    """
    try:
        return estimator_named(name, row)(**settings)
    except TypeError as error:
        raise ParamsError(
            f"{ROWS}: {row}.estimator = {name!r}: cannot be made of its settings alone: {error}"
        ) from None


def tells_classes_apart(name: str, row: str) -> bool:
    """Whether an estimator tells classes apart; else it predicts numbers.

    Raises:
        ParamsError: see `make_estimator`.
    """
    if name in CLASSIFIERS + REGRESSORS:
        return name in CLASSIFIERS
    from sklearn.base import is_classifier

    return bool(is_classifier(make_estimator(name, row, {})))
