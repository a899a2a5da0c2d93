"""Estimators by name: scikit-learn says which there are and what each is for."""

from __future__ import annotations

import subprocess
import sys

import pytest
from sklearn.base import is_classifier

from pipeline.models.estimators import (
    CLASSIFIERS,
    REGRESSORS,
    estimator_named,
    estimators,
    make_estimator,
    tells_classes_apart,
)
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


def test_what_is_known_of_the_estimators_that_ship_is_what_scikit_learn_says() -> None:
    rows = [load_classical(name) for name in row_names("classical.yaml")]
    assert {row.estimator for row in rows} == {*CLASSIFIERS, *REGRESSORS}
    for name in CLASSIFIERS + REGRESSORS:
        assert is_classifier(make_estimator(name, "some_row", {})) is (name in CLASSIFIERS)


def test_reading_the_parameters_that_ship_takes_no_scikit_learn() -> None:
    read = "from pipeline.configuration.loading import load_params; import sys; load_params(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", read], capture_output=True, text=True, check=True)
    assert not {"sklearn", "scipy.stats", "keras", "mlflow"} & set(done.stdout.split())


def test_an_unknown_estimator_is_refused_with_the_likeliest() -> None:
    with pytest.raises(ParamsError, match=r"some_row\.estimator = 'RandomForest': .*did you mean 'RandomForest\w+'"):
        estimator_named("RandomForest", "some_row")


def test_an_estimator_that_is_made_of_others_is_refused() -> None:
    with pytest.raises(ParamsError, match=r"'StackingClassifier': cannot be made of its settings alone: .*estimators"):
        tells_classes_apart("StackingClassifier", "some_row")
