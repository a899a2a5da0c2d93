"""What the champion's last layer sees: of a network below its head, of a classical model behind all other steps."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import PolynomialFeatures

from pipeline.ground.files import write_json
from pipeline.models.archive import write_model
from pipeline.models.features.layout import layout_of
from pipeline.models.networks.heads import head_for
from pipeline.models.networks.mlp import MlpArchitecture, build_mlp
from pipeline.operations.labelling import seen_features
from pipeline.operations.labelling.pool import Pool
from pipeline.operations.labelling.seen_features import _below_estimator, _below_head, features_of


def asked_of(inputs: np.ndarray, folder: Path, monkeypatch: pytest.MonkeyPatch, columns: Any) -> np.ndarray:
    """Features of all inputs but the first, by the model in the folder."""
    monkeypatch.setattr(seen_features, "answering_folder", lambda version: folder)
    monkeypatch.setattr(seen_features, "BLOCK", 3)
    champion: Any = SimpleNamespace(champion=SimpleNamespace(version=1), asked=lambda inputs, columns: inputs)
    today: Any = SimpleNamespace(columns=columns)
    rows = np.arange(1, len(inputs))
    pool = Pool("photo", [str(row) for row in rows], rows, inputs, len(inputs), {})
    return features_of(champion, pool, today, np.arange(len(rows)))


def test_of_a_network_they_are_what_its_head_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    image = keras.Input((4, 4, 3))
    seen = keras.layers.GlobalAveragePooling2D(name="seen")(image)
    network = keras.Model(image, keras.layers.Dense(2, activation="softmax", name="head")(seen))
    network.save(tmp_path / "model.keras")
    write_json(tmp_path / "served.json", {"members": [{"model": "model.keras", "weight": 1.0}]})
    images = np.random.default_rng(0).integers(0, 256, (8, 4, 4, 3)).astype(np.uint8)
    means = images[1:].reshape(7, 16, 3).mean(axis=1)
    expected = means / np.linalg.norm(means, axis=1, keepdims=True)
    np.testing.assert_allclose(asked_of(images, tmp_path, monkeypatch, columns=None), expected, atol=1e-5)


def test_of_rows_they_are_standardised_and_a_missing_value_is_the_mean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = np.random.default_rng(0).normal(5, 2, (9, 2))
    model = make_pipeline(PolynomialFeatures(2, include_bias=False), LogisticRegression())
    write_model(tmp_path / "model.skops", model.fit(rows, np.arange(9) % 2))
    write_json(tmp_path / "served.json", {"model": "model.skops"})
    features = asked_of(rows, tmp_path, monkeypatch, columns=[])
    assert features.shape == (8, 5)
    np.testing.assert_allclose(features.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(features.std(axis=0), 1)
    write_model(tmp_path / "model.skops", make_pipeline(LogisticRegression()).fit(rows, np.arange(9) % 2))
    rows[4, 1] = np.nan
    features = asked_of(rows, tmp_path, monkeypatch, columns=[])  # without another step they are the rows themselves
    assert features.shape == (8, 2) and features[3, 1] == 0


@pytest.mark.parametrize("task", ["regression", "multiclass"])
def test_of_a_network_that_predicts_a_number_they_are_more_than_the_number(task: str) -> None:
    """Its last layer only has the units of the target, and by what that is given all examples lie on one line."""
    rows = np.random.default_rng(0).normal(size=(5, 2))
    shape = MlpArchitecture(hidden=[4, 3], activation="tanh", dropout=0.0, epochs=1, learning_rate=0.1)
    network = build_mlp(shape, layout_of([None, None], rows), head_for(task, 4)).model
    assert _below_head(network)(rows).shape == (5, 3)


def test_of_a_calibrated_model_they_lie_inside_and_of_photos_without_features_they_are_small_photos() -> None:
    rows, labels = np.random.default_rng(0).normal(size=(12, 2)), np.arange(12) % 2
    inside = make_pipeline(PolynomialFeatures(2, include_bias=False), LogisticRegression())
    calibrated = CalibratedClassifierCV(inside, method="temperature", cv=2, ensemble=False).fit(rows, labels)
    assert _below_estimator(Pipeline([("estimator", calibrated)]))(rows).shape == (12, 5)
    cubes = PolynomialFeatures(3, include_bias=False).fit(rows)  # nine features, of which 54 are made inside
    calibrated = CalibratedClassifierCV(inside, method="temperature", cv=2, ensemble=False)
    outside = Pipeline([("features", cubes), ("estimator", calibrated.fit(cubes.transform(rows), labels))])
    assert _below_estimator(outside)(rows).shape == (12, 54)
    guess = Pipeline([("estimator", LogisticRegression())])
    assert _below_estimator(guess)(np.zeros((2, 40, 40, 3), np.uint8)).shape == (2, 16, 16, 3)
