"""Estimators by name: scikit-learn says which there are and what each is for."""

from __future__ import annotations

import pytest

from pipeline.models.estimators import estimator_named, estimators, make_estimator, tells_classes_apart
from pipeline.models.features.columns import RepeatLast
from pipeline.params.schema.classical import load_classical
from pipeline.params.schema.reading import ParamsError
from pipeline.params.schema.rows import row_names


@pytest.mark.parametrize("name", row_names("classical.yaml"))
def test_the_estimator_of_every_row_can_be_made(name: str) -> None:
    row = load_classical(name)
    assert type(make_estimator(row.estimator, name, row.settings)).__name__ == row.estimator


def test_the_naive_forecast_stands_beside_those_of_scikit_learn() -> None:
    assert estimators()["RepeatLast"] is RepeatLast and len(estimators()) > 90


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        ("SVC", True),
        ("SVR", False),
        ("RidgeClassifier", True),
        ("Ridge", False),
        ("RepeatLast", False),
        ("Lasso", False),
    ],
)
def test_scikit_learn_is_asked_what_an_estimator_is_for(name: str, classes: bool) -> None:
    assert tells_classes_apart(name, "some_row") is classes


def test_an_unknown_estimator_is_refused_with_the_likeliest() -> None:
    with pytest.raises(ParamsError, match=r"some_row\.estimator = 'RandomForest': .*did you mean 'RandomForest\w+'"):
        estimator_named("RandomForest", "some_row")


def test_an_estimator_that_is_made_of_others_is_refused() -> None:
    with pytest.raises(ParamsError, match=r"'StackingClassifier': cannot be made of its settings alone: .*estimators"):
        tells_classes_apart("StackingClassifier", "some_row")
