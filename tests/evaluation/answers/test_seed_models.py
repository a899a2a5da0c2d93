"""Models of several seeds asked together: the same as each model alone gives, with shared work done once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from pipeline.evaluation.answers.kept_prefix import ComputedPrefix
from pipeline.evaluation.answers.models import load_models, predictor
from pipeline.evaluation.answers.seed_models import SeedModels
from pipeline.evaluation.answers.shared_prefix import split_off_prefix
from pipeline.folding import answering
from tests.evaluation.answers.networks import BLOCKS, IMAGES, change, network, never, saved


def together(
    models: Sequence[Any], batch_size: int, cuts: Sequence[str] = ()
) -> Callable[[np.ndarray], list[np.ndarray]]:
    """All seeds, with nothing kept of what they have in common."""
    split = split_off_prefix(models, cuts)
    is_network = isinstance(split.prefix, keras.Model)
    compute = answering(split.prefix) if is_network else getattr(split.prefix, "transform", None)
    prefix = ComputedPrefix(compute) if compute else None
    return SeedModels([predictor(rest) for rest in split.rests], batch_size, prefix).predict


@pytest.mark.parametrize("differing", ["head", "block2_conv", "block1_conv"])
@pytest.mark.parametrize("batch_size", [4, 11, 64])
def test_shared_work_changes_no_probability(differing: str, batch_size: int, tmp_path: Path) -> None:
    models = [network(0), network(1), change(network(2), differing)]
    probabilities_of_all = together(load_models(saved(models, tmp_path), never), batch_size, BLOCKS)(IMAGES)
    assert not np.allclose(probabilities_of_all[0], probabilities_of_all[1], atol=1e-3), (
        "the models must differ, or nothing is compared"
    )
    for model, probabilities in zip(models, probabilities_of_all, strict=True):
        assert probabilities.shape == (11, 3) and probabilities.dtype == np.float32
        np.testing.assert_allclose(probabilities, model.predict(IMAGES.astype("float32"), verbose=0), atol=1e-6)


def test_networks_without_blocks_are_predicted_one_by_one(tmp_path: Path) -> None:
    paths = saved([network(0), network(1)], tmp_path)
    for path, probabilities in zip(paths, together(load_models(paths, never), 4)(IMAGES), strict=True):
        np.testing.assert_allclose(probabilities, predictor(*load_models([path], never))(IMAGES), atol=1e-6)


def test_a_sigmoid_gives_a_column_for_each_of_the_two_classes(tmp_path: Path) -> None:
    models = [network(0, units=1), network(1, units=1)]
    for model, probabilities in zip(
        models, together(load_models(saved(models, tmp_path), never), 4, BLOCKS)(IMAGES), strict=True
    ):
        of_one = model.predict(IMAGES.astype("float32"), verbose=0)
        np.testing.assert_allclose(probabilities, np.hstack([1 - of_one, of_one]), atol=1e-6)


def test_images_may_be_memory_mapped(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", IMAGES)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    predict = together(load_models(saved([network(0)], tmp_path), never), 4)
    np.testing.assert_array_equal(predict(mapped)[0], predict(IMAGES)[0])


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
    probabilities_of_all = together(load_models(paths, read), 4)(IMAGES)
    assert not np.allclose(probabilities_of_all[0], probabilities_of_all[1], atol=1e-3)
    for path, probabilities in zip(paths, probabilities_of_all, strict=True):
        assert probabilities.dtype == np.float32
        np.testing.assert_allclose(probabilities, read(path).predict_proba(IMAGES), atol=1e-6)
        np.testing.assert_allclose(probabilities, predictor(*load_models([path], read))(IMAGES), atol=1e-6)


def test_features_are_computed_once_for_all_seeds(read: Callable[[Path], Pipeline]) -> None:
    predict = together(load_models([Path(f"seed-{seed}.skops") for seed in range(3)], read), 11)
    before = Means.calls
    predict(IMAGES)
    assert Means.calls - before == 1
