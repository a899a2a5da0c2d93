"""Probabilities from saved models: the same as each model alone gives, with shared work done once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from pipeline.evaluation.answers.inference import load_models, predictor, predictors, split_off_shared

BLOCKS = ["block1_out", "block2_out", "pool"]
IMAGES = np.random.default_rng(0).integers(0, 256, (11, 12, 12, 3), dtype=np.uint8)


def never(path: Path) -> Any:
    raise AssertionError(f"{path} is no .skops file")


def network(seed: int, units: int = 3, bypass: bool = False) -> keras.Model:
    """Two residual blocks with batch normalisation, pooling, and a head of its own for each seed."""
    keras.utils.set_random_seed(0)
    image = keras.Input((12, 12, 3), name="image")
    x = keras.layers.Rescaling(1 / 255, name="rescaling")(image)
    outputs = []
    for name in ("block1", "block2"):
        branch = keras.layers.Conv2D(4, 3, padding="same", name=f"{name}_conv")(x)
        branch = keras.layers.BatchNormalization(name=f"{name}_bn")(branch)
        short = keras.layers.Conv2D(4, 1, name=f"{name}_short")(x)
        x = keras.layers.Add(name=f"{name}_out")([branch, short])
        outputs.append(x)
    if bypass:
        x = keras.layers.Concatenate(name="joined")(outputs)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    activation = "sigmoid" if units == 1 else "softmax"
    model = keras.Model(image, keras.layers.Dense(units, activation=activation, name="head")(x))
    change(model, "head", by=seed + 0.1 * np.random.default_rng(seed).random())
    return model


def change(model: keras.Model, layer: str, by: float = 0.5, weight: int = 0) -> keras.Model:
    weights = model.get_layer(layer).get_weights()
    weights[weight] = weights[weight] + by * np.linspace(-1, 1, weights[weight].size).reshape(weights[weight].shape)
    model.get_layer(layer).set_weights(weights)
    return model


def saved(models: list[keras.Model], folder: Path) -> list[Path]:
    paths = [folder / f"seed-{seed}.keras" for seed in range(len(models))]
    for model, path in zip(models, paths, strict=True):
        model.save(path)
    return paths


def cut_of(models: list[keras.Model], cuts: list[str] = BLOCKS) -> str | None:
    shared = split_off_shared(models, cuts)
    return shared.prefix.layers[-1].name if shared else None


@pytest.mark.parametrize(
    ("differing", "expected"),
    [("head", "pool"), ("block2_conv", "block1_out"), ("block2_bn", "block1_out"), ("block1_conv", None)],
)
def test_the_cut_lies_behind_the_last_block_below_which_all_weights_agree(differing: str, expected: str | None) -> None:
    assert cut_of([network(0), network(1), change(network(2), differing)]) == expected


def test_statistics_of_batch_normalisation_are_weights_too() -> None:
    moving_mean = 2
    assert cut_of([network(0), change(network(1), "block2_bn", weight=moving_mean)]) == "block1_out"


def test_a_block_that_something_bypasses_is_no_place_to_cut() -> None:
    models = [network(seed, bypass=True) for seed in (0, 1)]
    assert cut_of(models, ["block2_out"]) is None, "the pooling reads the output of block 1, too"
    assert cut_of(models, ["block1_out", "block2_out"]) == "block1_out"
    assert cut_of(models) == "pool"


def test_what_was_trainable_when_a_model_was_saved_does_not_matter() -> None:
    models = [network(0), network(1)]
    models[0].get_layer("block2_bn").trainable = False
    assert cut_of(models) == "pool"


def test_one_model_alone_is_cut_where_it_may_be() -> None:
    assert cut_of([network(0)], BLOCKS[:2]) == "block2_out"
    assert cut_of([network(0)], []) is None


@pytest.mark.parametrize("differing", ["head", "block2_conv", "block1_conv"])
@pytest.mark.parametrize("batch_size", [4, 11, 64])
def test_shared_work_changes_no_probability(differing: str, batch_size: int, tmp_path: Path) -> None:
    models = [network(0), network(1), change(network(2), differing)]
    together = predictors(load_models(saved(models, tmp_path), never), batch_size, BLOCKS)(IMAGES)
    assert not np.allclose(together[0], together[1], atol=1e-3), "the models must differ, or nothing is compared"
    for model, probabilities in zip(models, together, strict=True):
        assert probabilities.shape == (11, 3) and probabilities.dtype == np.float32
        np.testing.assert_allclose(probabilities, model.predict(IMAGES.astype("float32"), verbose=0), atol=1e-6)


def test_networks_without_blocks_are_predicted_one_by_one(tmp_path: Path) -> None:
    paths = saved([network(0), network(1)], tmp_path)
    for path, probabilities in zip(paths, predictors(load_models(paths, never), 4)(IMAGES), strict=True):
        np.testing.assert_allclose(probabilities, predictor(*load_models([path], never))(IMAGES), atol=1e-6)


def test_a_sigmoid_gives_a_column_for_each_of_the_two_classes(tmp_path: Path) -> None:
    models = [network(0, units=1), network(1, units=1)]
    for model, probabilities in zip(
        models, predictors(load_models(saved(models, tmp_path), never), 4, BLOCKS)(IMAGES), strict=True
    ):
        of_one = model.predict(IMAGES.astype("float32"), verbose=0)
        np.testing.assert_allclose(probabilities, np.hstack([1 - of_one, of_one]), atol=1e-6)


def test_images_may_be_memory_mapped(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", IMAGES)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    predict = predictors(load_models(saved([network(0)], tmp_path), never), 4)
    np.testing.assert_array_equal(predict(mapped)[0], predict(IMAGES)[0])


def test_a_network_that_carries_code_is_not_loaded(tmp_path: Path) -> None:
    image = keras.Input((12, 12, 3))
    model = keras.Model(image, keras.layers.Lambda(lambda x: x * 2)(image))
    with pytest.raises(ValueError, match=r"safe_mode|unsafe"):
        load_models(saved([model], tmp_path), never)


class Means(TransformerMixin, BaseEstimator):
    """Features that count how often they are computed."""

    calls = 0

    def fit(self, images: np.ndarray, labels: np.ndarray | None = None) -> Means:
        return self

    def transform(self, images: np.ndarray) -> np.ndarray:
        type(self).calls += 1
        return images.mean(axis=(1, 2)) / 255

    def __sklearn_is_fitted__(self) -> bool:
        return True


@pytest.fixture
def read() -> Callable[[Path], Pipeline]:
    """Classical models of three seeds, by their file names."""
    models = {}
    for seed in range(3):
        drawn = np.random.default_rng(seed).integers(0, 256, (60, 4, 4, 3), dtype=np.uint8)
        pipeline = Pipeline([("features", Means()), ("estimator", LogisticRegression(C=100))])
        models[f"seed-{seed}.skops"] = pipeline.fit(drawn, np.arange(60) % 3)
    return lambda path: models[path.name]


def test_classical_models_say_what_each_says_alone(read: Callable[[Path], Pipeline]) -> None:
    paths = [Path(f"seed-{seed}.skops") for seed in range(3)]
    together = predictors(load_models(paths, read), 4)(IMAGES)
    assert not np.allclose(together[0], together[1], atol=1e-3)
    for path, probabilities in zip(paths, together, strict=True):
        assert probabilities.dtype == np.float32
        np.testing.assert_allclose(probabilities, read(path).predict_proba(IMAGES), atol=1e-6)
        np.testing.assert_allclose(probabilities, predictor(*load_models([path], read))(IMAGES), atol=1e-6)


def test_features_are_computed_once_for_all_seeds(read: Callable[[Path], Pipeline]) -> None:
    predict = predictors(load_models([Path(f"seed-{seed}.skops") for seed in range(3)], read), 11)
    before = Means.calls
    predict(IMAGES)
    assert Means.calls - before == 1
