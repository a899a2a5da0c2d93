"""Features of photos, computed once for all candidates that have them in common, and never taken for others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin

from pipeline.evaluation.answers.features import KeptFeatures
from pipeline.evaluation.answers.inference import predictors

PHOTOS = np.random.default_rng(2).integers(0, 256, (11, 8, 8, 3), dtype=np.uint8)


def body(activation: str = "relu", weight: float = 0.0, trainable: bool = True) -> keras.Model:
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3), name="image")
    convolution = keras.layers.Conv2D(5, 3, activation=activation, name="convolution", trainable=trainable)
    model = keras.Model(image, keras.layers.GlobalAveragePooling2D(name="pool")(convolution(image)))
    convolution.set_weights([convolution.get_weights()[0] + weight, convolution.get_weights()[1]])
    return model


def with_head(seed: int) -> keras.Model:
    """The very same body under a head of its own."""
    below = body()
    head = keras.layers.Dense(
        3, activation="softmax", name="head", kernel_initializer=keras.initializers.GlorotUniform(seed)
    )
    return keras.Model(below.input, head(below.output / 100))


class Corners(TransformerMixin, BaseEstimator):
    def __init__(self, channel: int = 0) -> None:
        self.channel = channel

    def transform(self, photos: np.ndarray) -> np.ndarray:
        return photos[:, 0, :, self.channel].astype(np.float32)


@pytest.fixture
def store(tmp_path: Path) -> KeptFeatures:
    return KeptFeatures(1.0, batch_size=4, photos=100, folder=tmp_path)


def files(store: KeptFeatures) -> int:
    return len(list(store.folder.rglob("*.npy")))


def test_features_are_what_the_network_says_of_every_photo(store: KeptFeatures) -> None:
    expected = body().predict(PHOTOS.astype("float32"), verbose=0)
    np.testing.assert_allclose(store.of(body()).of_all_images(PHOTOS), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("mine", "alike"),
    [(body, lambda: body(trainable=False)), (Corners, Corners)],
    ids=["network", "transformer"],
)
def test_what_another_candidate_made_is_not_made_again(
    mine: Callable[[], Any], alike: Callable[[], Any], store: KeptFeatures, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = np.array(store.of(mine()).of_all_images(PHOTOS))
    other = alike()
    computing = "predict_on_batch" if isinstance(other, keras.Model) else "transform"
    monkeypatch.setattr(other, computing, lambda *_: pytest.fail("must not be computed again"))
    np.testing.assert_array_equal(store.of(other).of_all_images(PHOTOS.copy()), made)


@pytest.mark.parametrize(
    "different",
    [lambda: body(weight=0.1), lambda: body(activation="tanh"), Corners, lambda: Corners(channel=1)],
    ids=["weights", "activation", "transformer", "argument"],
)
def test_another_extractor_has_features_of_its_own(different: Callable[[], Any], store: KeptFeatures) -> None:
    for extractor in (body(), Corners(channel=2)):
        store.of(extractor).of_all_images(PHOTOS)
    store.of(different()).of_all_images(PHOTOS)
    assert files(store) == 3


def test_other_photos_have_features_of_their_own(store: KeptFeatures) -> None:
    corners = store.of(Corners()).of_all_images
    np.testing.assert_array_equal(corners(PHOTOS)[::-1], corners(PHOTOS[::-1]))
    assert files(store) == 2


def test_kept_features_change_no_probability(store: KeptFeatures) -> None:
    models = [with_head(seed) for seed in (0, 1)]
    plain = predictors(models, 4, ["pool"])(PHOTOS)
    keeping = predictors(models, 4, ["pool"], store.of)
    for kept in (keeping(PHOTOS), keeping(PHOTOS)):
        for one, other in zip(plain, kept, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)
    np.testing.assert_array_equal(keeping.first(PHOTOS), keeping(PHOTOS)[0])
    assert not np.allclose(plain[0], plain[1], atol=1e-3) and files(store) == 1


def test_what_only_one_candidate_is_asked_is_not_kept(store: KeptFeatures) -> None:
    keeping = predictors([with_head(seed) for seed in (0, 1)], 4, ["pool"], store.of)
    alone = keeping.first_alone(PHOTOS)
    assert files(store) == 0
    np.testing.assert_array_equal(alone, keeping.first(PHOTOS))


def in_two_steps(store: KeptFeatures) -> Callable[[Any], Any]:
    return store.of(body(), cut="convolution").of_all_images


def maps_of(store: KeptFeatures) -> np.ndarray:
    whole = body()
    below = keras.Model(whole.input, whole.get_layer("convolution").output)
    return np.array(store.of(below).of_all_images(PHOTOS))


def spoil(store: KeptFeatures, pattern: str) -> None:
    (file,) = store.folder.rglob(pattern)
    np.save(file, np.zeros_like(np.load(file)))


def test_rows_go_on_from_the_maps_of_a_candidate_that_is_trained_above_them(store: KeptFeatures) -> None:
    assert maps_of(store).shape == (11, 6, 6, 5)
    spoil(store, "maps-*.npy")
    assert not in_two_steps(store)(PHOTOS).any(), "the pooling of maps of zeros"


def test_a_candidate_that_is_trained_above_the_maps_finds_those_that_rows_were_made_of(store: KeptFeatures) -> None:
    assert in_two_steps(store)(PHOTOS).any()
    assert files(store) == 2
    spoil(store, "maps-*.npy")
    assert not maps_of(store).any()


def test_the_bits_of_rows_do_not_hang_on_what_was_kept_before(tmp_path: Path) -> None:
    first, after_maps, without_room = (
        KeptFeatures(limit, batch_size=4, photos=100, folder=tmp_path / name)
        for name, limit in (("first", 1.0), ("after", 1.0), ("none", 0.0))
    )
    expected = np.array(in_two_steps(first)(PHOTOS))
    maps_of(after_maps)
    np.testing.assert_array_equal(in_two_steps(after_maps)(PHOTOS), expected)
    np.testing.assert_array_equal(in_two_steps(without_room)(PHOTOS), expected)
    assert files(without_room) == 0


def test_maps_of_too_many_photos_are_not_kept_and_rows_are(tmp_path: Path) -> None:
    store = KeptFeatures(1.0, batch_size=4, photos=10**6, folder=tmp_path)
    models = [with_head(0), with_head(1)]
    plain = predictors(models, 4, ["convolution"])(PHOTOS)
    np.testing.assert_array_equal(predictors(models, 4, ["convolution"], store.of)(PHOTOS), plain)
    assert files(store) == 0
    in_two_steps(store)(PHOTOS)
    assert files(store) == 1 and not list(tmp_path.glob("maps-*.npy"))


@pytest.mark.parametrize(("photos", "kept"), [(70, True), (90, False)])
def test_maps_are_not_kept_where_the_photos_beside_them_would_push_them_out(
    photos: int, kept: bool, tmp_path: Path
) -> None:
    image = keras.Input((8, 8, 3), name="image")
    small_maps = keras.Model(image, keras.layers.AveragePooling2D(8)(image))
    store = KeptFeatures(2 * 80 * PHOTOS[0].nbytes / 1e9, batch_size=4, photos=photos, folder=tmp_path)
    assert (store.of(small_maps).of_all_images(PHOTOS) is not None) is kept


def test_what_computes_in_bfloat16_says_the_same_in_two_steps(store: KeptFeatures) -> None:
    image = keras.Input((8, 8, 3), name="image")
    convolution = keras.layers.Conv2D(5, 3, activation="relu", name="convolution", dtype="mixed_bfloat16")
    tanh = keras.layers.Activation("tanh", name="tanh", dtype="mixed_bfloat16")
    pool = keras.layers.GlobalAveragePooling2D(name="pool", dtype="float32")
    network = keras.Model(image, pool(tanh(convolution(image))))
    whole = np.array(store.of(network).of_all_images(PHOTOS))
    assert network.get_layer("convolution").output.dtype == "bfloat16"
    np.testing.assert_array_equal(store.of(network, cut="convolution").of_all_images(PHOTOS), whole)
    (maps,) = store.folder.glob("maps-*.npy")
    assert np.load(maps).dtype == np.float32
