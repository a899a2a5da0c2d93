"""What prefixes make of photos, computed once for all candidates that share them, and never taken for others'."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin

from pipeline import folding
from pipeline.evaluation.answers.kept_prefix import (
    ComputedPrefix,
    KeptFeatures,
    Prefix,
    Storage,
    kept_layers,
)
from pipeline.evaluation.answers.models import predictor
from pipeline.evaluation.answers.seed_models import SeedModels
from pipeline.evaluation.answers.shared_prefix import split_off_prefix
from pipeline.folding import answering
from pipeline.ground.kept import KeptArrays

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


def storage_in(folder: Path, limit_gb: float = 1.0, photos: int = 100) -> Storage:
    return Storage(KeptArrays(folder, limit_gb), batch_size=4, photos=photos)


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return storage_in(tmp_path)


def kept(extractor: Any, storage: Storage) -> Prefix:
    if isinstance(extractor, keras.Model):
        return kept_layers(extractor, storage)
    return KeptFeatures(extractor, storage.kept)


def seed_models(cut: str, storage: Storage | None = None) -> SeedModels:
    """Two seeds that share the body up to the cut; without storage nothing is kept."""
    split = split_off_prefix([with_head(seed) for seed in (0, 1)], [cut])
    prefix = kept(split.prefix, storage) if storage else ComputedPrefix(answering(split.prefix))
    return SeedModels([predictor(rest) for rest in split.rests], 4, prefix)


def files(storage: Storage) -> int:
    return len(list(storage.kept.folder.rglob("*.npy")))


def test_rows_are_what_the_network_makes_of_every_photo(storage: Storage) -> None:
    expected = body().predict(PHOTOS.astype("float32"), verbose=0)
    np.testing.assert_allclose(kept(body(), storage).of_all(PHOTOS), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("mine", "alike"),
    [(body, lambda: body(trainable=False)), (Corners, Corners)],
    ids=["network", "transformer"],
)
def test_what_another_candidate_made_is_not_made_again(
    mine: Callable[[], Any], alike: Callable[[], Any], storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = np.array(kept(mine(), storage).of_all(PHOTOS))
    other = alike()
    owner, computing = (folding, "_inference") if isinstance(other, keras.Model) else (other, "transform")
    monkeypatch.setattr(owner, computing, lambda *_: pytest.fail("must not be computed again"))
    np.testing.assert_array_equal(kept(other, storage).of_all(PHOTOS.copy()), made)


@pytest.mark.parametrize(
    "different",
    [lambda: body(weight=0.1), lambda: body(activation="tanh"), Corners, lambda: Corners(channel=1)],
    ids=["weights", "activation", "transformer", "argument"],
)
def test_another_prefix_has_rows_of_its_own(different: Callable[[], Any], storage: Storage) -> None:
    for extractor in (body(), Corners(channel=2)):
        kept(extractor, storage).of_all(PHOTOS)
    kept(different(), storage).of_all(PHOTOS)
    assert files(storage) == 3


def test_other_photos_have_rows_of_their_own(storage: Storage) -> None:
    corners = KeptFeatures(Corners(), storage.kept).of_all
    np.testing.assert_array_equal(corners(PHOTOS)[::-1], corners(PHOTOS[::-1]))
    assert files(storage) == 2


def test_kept_rows_change_no_probability(storage: Storage) -> None:
    plain = seed_models("pool").predict(PHOTOS)
    keeping = seed_models("pool", storage)
    for found in (keeping.predict(PHOTOS), keeping.predict(PHOTOS)):
        for one, other in zip(plain, found, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)
    np.testing.assert_array_equal(keeping.predict_first(PHOTOS), keeping.predict(PHOTOS)[0])
    assert not np.allclose(plain[0], plain[1], atol=1e-3) and files(storage) == 1


def test_what_only_one_candidate_is_asked_is_not_kept(storage: Storage) -> None:
    keeping = seed_models("pool", storage)
    alone = keeping.predict_first_alone(PHOTOS)
    assert files(storage) == 0
    np.testing.assert_array_equal(alone, keeping.predict_first(PHOTOS))


def test_given_what_the_prefix_makes_it_is_not_computed(storage: Storage) -> None:
    models = seed_models("pool", storage)
    rows = np.zeros((11, 5), np.float32)
    for probabilities in models.predict_from(rows, PHOTOS):
        np.testing.assert_array_equal(probabilities, np.repeat(probabilities[:1], 11, axis=0))
    computed = models.predict_from(None, PHOTOS)
    assert files(storage) == 0
    np.testing.assert_array_equal(computed, models.predict(PHOTOS))


def in_two_steps(storage: Storage, asked_for: bool = True) -> Callable[[Any], Any]:
    return kept_layers(body(), storage, "convolution", asked_for).of_all


def maps_of(storage: Storage) -> np.ndarray:
    whole = body()
    below = keras.Model(whole.input, whole.get_layer("convolution").output)
    return np.array(kept_layers(below, storage).of_all(PHOTOS))


def spoil(storage: Storage, pattern: str) -> None:
    (file,) = storage.kept.folder.rglob(pattern)
    np.save(file, np.zeros_like(np.load(file)))


def test_rows_go_on_from_the_maps_of_a_candidate_that_is_trained_above_them(storage: Storage) -> None:
    assert maps_of(storage).shape == (11, 6, 6, 5)
    spoil(storage, "maps-*.npy")
    assert not in_two_steps(storage)(PHOTOS).any(), "the pooling of maps of zeros"


def test_a_candidate_that_is_trained_above_the_maps_finds_those_that_rows_were_made_of(storage: Storage) -> None:
    assert in_two_steps(storage)(PHOTOS).any()
    assert files(storage) == 2
    spoil(storage, "maps-*.npy")
    assert not maps_of(storage).any()


def test_maps_that_no_other_candidate_asks_for_are_not_kept_and_the_rows_above_them_are_the_same(
    storage: Storage, tmp_path: Path
) -> None:
    rows = in_two_steps(storage, asked_for=False)(PHOTOS)
    assert files(storage) == 1 and not list(storage.kept.folder.glob("maps-*.npy"))
    np.testing.assert_array_equal(rows, in_two_steps(storage_in(tmp_path / "asked for"))(PHOTOS))


def test_the_bits_of_rows_do_not_hang_on_what_was_kept_before(tmp_path: Path) -> None:
    first, after_maps, without_room = (
        storage_in(tmp_path / name, limit) for name, limit in (("first", 1.0), ("after", 1.0), ("none", 0.0))
    )
    expected = np.array(in_two_steps(first)(PHOTOS))
    maps_of(after_maps)
    np.testing.assert_array_equal(in_two_steps(after_maps)(PHOTOS), expected)
    prefix = kept_layers(body(), without_room, "convolution")
    assert prefix.of_all(PHOTOS) is None
    np.testing.assert_array_equal(SeedModels([lambda rows: rows], 4, prefix).predict(PHOTOS)[0], expected)
    assert files(without_room) == 0


def test_maps_of_too_many_photos_are_not_kept_and_rows_are(tmp_path: Path) -> None:
    storage = storage_in(tmp_path, photos=10**6)
    plain = seed_models("convolution").predict(PHOTOS)
    np.testing.assert_array_equal(seed_models("convolution", storage).predict(PHOTOS), plain)
    assert files(storage) == 0
    in_two_steps(storage)(PHOTOS)
    assert files(storage) == 1 and not list(tmp_path.glob("maps-*.npy"))


@pytest.mark.parametrize(("photos", "are_kept"), [(70, True), (90, False)])
def test_maps_are_not_kept_where_the_photos_beside_them_would_push_them_out(
    photos: int, are_kept: bool, tmp_path: Path
) -> None:
    image = keras.Input((8, 8, 3), name="image")
    small_maps = keras.Model(image, keras.layers.AveragePooling2D(8)(image))
    storage = storage_in(tmp_path, 2 * 80 * PHOTOS[0].nbytes / 1e9, photos)
    assert (kept_layers(small_maps, storage).of_all(PHOTOS) is not None) is are_kept


def test_what_computes_in_bfloat16_makes_the_same_in_two_steps(storage: Storage) -> None:
    image = keras.Input((8, 8, 3), name="image")
    convolution = keras.layers.Conv2D(5, 3, activation="relu", name="convolution", dtype="mixed_bfloat16")
    tanh = keras.layers.Activation("tanh", name="tanh", dtype="mixed_bfloat16")
    pool = keras.layers.GlobalAveragePooling2D(name="pool", dtype="float32")
    network = keras.Model(image, pool(tanh(convolution(image))))
    whole = np.array(kept_layers(network, storage).of_all(PHOTOS))
    assert network.get_layer("convolution").output.dtype == "bfloat16"
    np.testing.assert_array_equal(kept_layers(network, storage, "convolution").of_all(PHOTOS), whole)
    (maps,) = storage.kept.folder.glob("maps-*.npy")
    assert np.load(maps).dtype == np.float32
