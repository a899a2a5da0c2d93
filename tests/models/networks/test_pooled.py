"""A frozen backbone's pooled features: Keras' own numbers, whatever the batch, and all of it in one file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from pipeline.models.archive import TRUSTED, read_model, write_model
from pipeline.models.networks.pooled import BATCH, PooledFeatures
from pipeline.params.schema.backbones import load_backbone

IMAGES = np.random.default_rng(0).integers(0, 256, (BATCH + 6, 16, 16, 3), dtype=np.uint8)


@pytest.fixture
def plain(tiny_constructor: Callable[..., keras.Model]) -> keras.Model:
    """The backbone as Keras builds it, for images that are preprocessed already."""
    keras.utils.set_random_seed(5)
    return tiny_constructor(include_top=False)


@pytest.fixture
def features(plain: keras.Model) -> PooledFeatures:
    row = load_backbone("vgg16").model_dump() | {"constructor": "Tiny", "blocks": ["batch_normalization", "tiny_pool"]}
    return PooledFeatures(row, plain.get_weights())


def test_they_are_the_channel_means_of_what_the_backbone_makes_of_preprocessed_photos(
    features: PooledFeatures, plain: keras.Model
) -> None:
    preprocessed = keras.applications.imagenet_utils.preprocess_input(IMAGES.astype(np.float32), mode="caffe")
    expected = np.asarray(plain(preprocessed)).mean(axis=(1, 2))
    found = features.transform(IMAGES)
    assert found.dtype == np.float32 and found.shape == (len(IMAGES), 2)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)


def test_a_photo_has_the_same_features_alone_and_among_others(features: PooledFeatures) -> None:
    together = features.transform(IMAGES)
    assert np.ptp(together, axis=0).min() > 0.1, "the photos must differ, or nothing is compared"
    for index in (0, BATCH - 1, BATCH, len(IMAGES) - 1):
        np.testing.assert_allclose(features.transform(IMAGES[index : index + 1])[0], together[index], rtol=1e-4)


def test_a_saved_model_carries_the_backbone_and_needs_no_other_file(
    features: PooledFeatures, plain: keras.Model, tmp_path: Path
) -> None:
    labels = np.arange(len(IMAGES)) % 3
    estimator = LogisticRegression().fit(features.transform(IMAGES), labels)
    model = Pipeline([("features", features), ("estimator", estimator)])
    write_model(tmp_path / "model.skops", model)
    loaded = read_model(tmp_path / "model.skops")
    for read, written in zip(loaded.named_steps["features"].weights, plain.get_weights(), strict=True):
        np.testing.assert_array_equal(read, written)
    np.testing.assert_array_equal(loaded.predict_proba(IMAGES), model.predict_proba(IMAGES))
    strangers = set(skops.io.get_untrusted_types(file=tmp_path / "model.skops"))
    assert strangers == {"pipeline.models.networks.pooled.PooledFeatures"} <= set(TRUSTED), (
        "the network itself is not saved"
    )


def test_photos_that_are_not_square_are_refused(features: PooledFeatures) -> None:
    with pytest.raises(ValueError, match=r"square images, got shape \(70, 16, 12, 3\)"):
        features.transform(IMAGES[:, :, :12])
