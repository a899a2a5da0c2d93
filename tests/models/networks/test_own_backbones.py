"""A backbone of one's own is built flat, at any size, of what its file says, and gives what that network gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from pipeline.ground import processor
from pipeline.ground.kept import facts_of_layers
from pipeline.models.backbone_files.archive import file_faults
from pipeline.models.backbone_files.reading import read_backbone_file
from pipeline.models.backbone_files.stored import write_stored
from pipeline.models.networks.backbones import block_ends, build_pooled, preprocess
from pipeline.models.networks.finetuned import build_finetuned
from pipeline.models.networks.heads import head_for
from pipeline.models.networks.own_backbones import assign_weights
from pipeline.models.networks.pooled import PooledFeatures
from pipeline.params.schema.backbones import BackboneFile, ReadBackbone
from pipeline.params.schema.reading import ParamsError
from tests.own_backbone import BODY, FILE, NAME, ROW, own_network

SIDE = 16
PHOTOS = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3)).astype(np.uint8)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data/backbones").mkdir(parents=True)
    return tmp_path / "data/backbones"


def read(network: keras.Model, **changes: Any) -> tuple[ReadBackbone, dict[str, list[np.ndarray]]]:
    network.save(Path("data/backbones", FILE))
    return read_backbone_file(NAME, BackboneFile.model_validate(ROW | changes))


def built(network: keras.Model, precision: str = "float32", **changes: Any) -> tuple[keras.Model, list[list[Any]]]:
    row, weights = read(network, **changes)
    model, blocks = build_pooled(row, SIDE, precision)
    assign_weights(row, model, weights)
    return model, blocks


@pytest.mark.parametrize("side", [None, 40])
def test_it_answers_raw_photos_as_the_network_in_the_file_answers_preprocessed_ones(side: int | None) -> None:
    network = own_network(side)
    model, _ = built(network)
    below = own_network()  # the same weights, for any size
    features = keras.Model(below.input, below.get_layer("pooled").output)
    expected = features.predict_on_batch(PHOTOS.astype(np.float32) / 127.5 - 1)
    np.testing.assert_allclose(model.predict_on_batch(PHOTOS.astype(np.float32)), expected, rtol=1e-4, atol=1e-5)
    assert model.count_params() == BODY


def test_layers_lie_flat_and_keep_their_names_beside_those_around_a_backbone() -> None:
    model, blocks = built(own_network())
    names = [layer.name for layer in model.layers]
    assert names[0] == "image" and names[-1] == "pool" and "own_pool" in names and "inside" in names
    assert [layer.name for block in blocks for layer in block] == names
    assert [block[-1].name for block in blocks] == block_ends(BackboneFile.model_validate(ROW))


def test_precision_is_that_of_the_run_whatever_the_file_says() -> None:
    model, _ = built(own_network(), "mixed_bfloat16")
    assert model.get_layer("inside").compute_dtype == "bfloat16"
    assert model.get_layer("pool").compute_dtype == "float32"


def adapted_network() -> keras.Model:
    """With a mean and a variance that were learned from photos."""
    image = keras.Input((SIDE, SIDE, 3))
    adapted = keras.layers.Normalization(name="adapted")
    adapted.adapt(PHOTOS.astype(np.float32))
    first = keras.layers.Conv2D(4, 3, name="first")(adapted(image))
    return keras.Model(image, keras.layers.Conv2D(4, 3, name="last")(first))


def test_a_mean_and_a_variance_that_were_learned_from_photos_are_computed_with() -> None:
    network = adapted_network()
    model, _ = built(network, preprocessing="none", blocks=["first", "last"])
    expected = network.predict_on_batch(PHOTOS.astype(np.float32)).mean(axis=(1, 2))
    np.testing.assert_allclose(model.predict_on_batch(PHOTOS.astype(np.float32)), expected, rtol=1e-4, atol=1e-5)
    row, _ = read(network, preprocessing="none", blocks=["first", "last"])
    features = PooledFeatures(row.model_dump(), model.get_weights()).transform(PHOTOS)
    np.testing.assert_allclose(features, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("mode", ["caffe", "tf", "torch", "clip"])
def test_a_network_that_was_fine_tuned_here_brings_its_preprocessing_along(mode: str) -> None:
    image = keras.Input((SIDE, SIDE, 3), name="image")
    first = keras.layers.Conv2D(4, 3, name="first")(preprocess(image, mode))
    network = keras.Model(image, keras.layers.Conv2D(4, 3, name="last")(first))
    changes = {"preprocessing": "none", "blocks": ["first", "last"]}
    model, _ = built(network, **changes)
    assert file_faults(NAME, BackboneFile.model_validate(ROW | changes)) == []
    expected = network.predict_on_batch(PHOTOS.astype(np.float32)).mean(axis=(1, 2))
    np.testing.assert_allclose(model.predict_on_batch(PHOTOS.astype(np.float32)), expected, rtol=1e-4, atol=1e-4)


def test_penalties_are_left_to_the_run_so_that_losses_of_phases_can_be_compared() -> None:
    image = keras.Input((SIDE, SIDE, 3))
    inner = keras.layers.DepthwiseConv2D(3, depthwise_regularizer="l2")
    first = keras.layers.Conv2D(4, 3, kernel_regularizer="l2", activity_regularizer="l1", name="first")(image)
    last = keras.layers.Conv2D(4, 3, bias_regularizer="l2", name="last")(inner(first))
    model, _ = built(keras.Model(image, last), blocks=["first", "last"])
    model(PHOTOS.astype(np.float32))
    assert model.losses == []


def test_that_goes_for_a_layer_inside_another_too() -> None:
    image = keras.Input((SIDE, SIDE, 3))
    inside = keras.layers.LeakyReLU(dtype="float32")
    first = keras.layers.Conv2D(4, 3, activation=inside, name="first", dtype="float32")(image)
    last = keras.layers.Conv2D(4, 3, name="last")(first)
    model, _ = built(keras.Model(image, last), "mixed_bfloat16", blocks=["first", "last"])
    assert model.get_layer("first").activation.compute_dtype == "bfloat16"


@pytest.mark.parametrize(
    ("stem", "called"),
    [("my net", "my_net"), ("rücken", "r_cken"), ("net+v2", "net_v2"), ("_net", "own_net"), ("net-1.0", "net-1.0")],
)
def test_a_file_may_be_called_as_people_call_files(folder: Path, stem: str, called: str) -> None:
    image = keras.Input((SIDE, SIDE, 3))
    first = keras.layers.Conv2D(4, 3, name="first")(image)
    keras.Model(image, keras.layers.Conv2D(4, 3, name="last")(first)).save(folder / f"{stem}.keras")
    row = BackboneFile.model_validate(ROW | {"file": f"{stem}.keras", "blocks": ["first", "last"]})
    assert build_pooled(read_backbone_file(NAME, row)[0], SIDE)[0].name == called


def test_tokens_are_averaged_as_maps_are() -> None:
    image = keras.Input((SIDE, SIDE, 3))
    patches = keras.layers.Conv2D(6, 8, strides=8, name="patches")(image)
    tokens = keras.layers.Reshape((4, 6), name="tokens")(patches)
    seen = keras.layers.MultiHeadAttention(2, 3, name="attention")(tokens, tokens)
    out = keras.layers.LayerNormalization(name="out")(keras.layers.Add(name="sum")([tokens, seen]))
    network = keras.Model(image, out)
    model, _ = built(network, preprocessing="none", blocks=["tokens", "out"])
    expected = network.predict_on_batch(PHOTOS.astype(np.float32)).mean(axis=1)
    np.testing.assert_allclose(model.predict_on_batch(PHOTOS.astype(np.float32)), expected, rtol=1e-4, atol=1e-4)


def test_operations_and_a_layer_that_is_called_twice_are_built_as_they_stand() -> None:
    image, twice = keras.Input((None, None, 3)), keras.layers.Conv2D(3, 3, padding="same", name="twice")
    summed = keras.ops.relu(twice(twice(image)) + 2.0 * image)
    network = keras.Model(image, keras.layers.Conv2D(4, 1, name="out")(keras.layers.ReLU(name="a")(summed)))
    model, _ = built(network, preprocessing="none", blocks=["a", "out"])
    photos = PHOTOS.astype(np.float32)
    expected = network.predict_on_batch(photos).mean(axis=(1, 2))
    np.testing.assert_allclose(model.predict_on_batch(photos), expected, rtol=1e-4, atol=1e-4)


def test_another_way_through_the_same_layers_is_told_from_the_first() -> None:
    """Else what is kept of one network's outputs would be taken for the other's."""

    image = keras.Input((None, None, 3))
    stem = keras.layers.Conv2D(3, 1, name="a")(image) * 2.5
    row, _ = read(
        keras.Model(image, keras.layers.Conv2D(3, 1, name="b")(stem)), preprocessing="none", blocks=["a", "b"]
    )
    keys = []
    for factor in ("2.5", "3.5", "2.5"):
        assert '"config": {"name": "multiply' in row.architecture and "2.5" in row.architecture
        changed = row.model_copy(update={"architecture": row.architecture.replace("2.5", factor)})
        keys.append(facts_of_layers(build_pooled(changed, SIDE)[1][0])[1])  # configurations; weights are random
    assert keys[0] == keys[2] != keys[1]


def test_a_classical_model_brings_its_features_along_without_the_file(folder: Path) -> None:
    row, weights = read(own_network())
    model, _ = build_pooled(row, SIDE)
    assign_weights(row, model, weights)
    extractor = PooledFeatures(row.model_dump(), model.get_weights())
    (folder / FILE).unlink()
    np.testing.assert_allclose(
        extractor.transform(PHOTOS), model.predict_on_batch(PHOTOS.astype(np.float32)), rtol=1e-4, atol=1e-5
    )


def test_layers_that_come_with_a_saved_model_are_checked_as_those_of_a_file_are() -> None:
    row, _ = read(own_network())
    row = row.model_copy(
        update={"architecture": row.architecture.replace('"ReLU"', '"Lambda"').replace("Add", "Lambda")}
    )
    with pytest.raises(ParamsError, match="'block1_out' is a Lambda layer"):
        build_pooled(row, SIDE)


def flattened() -> keras.Model:
    image = keras.Input((SIDE * 2, SIDE * 2, 3))
    flat = keras.layers.Flatten(name="flat")(keras.layers.Conv2D(2, 3, name="a")(image))
    return keras.Model(image, keras.layers.Reshape((1, 1, 4), name="b")(keras.layers.Dense(4)(flat)))


def tall() -> keras.Model:
    image = keras.Input((None, None, 3))
    return keras.Model(image, keras.layers.Conv2D(4, 30, name="b")(keras.layers.Conv2D(4, 1, name="a")(image)))


def test_what_this_processor_would_train_wrongly_is_refused_with_its_remedy(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "cpuinfo").write_text("flags : fpu avx2")
    monkeypatch.setattr(processor, "CPUINFO", folder / "cpuinfo")
    image = keras.Input((None, None, 3))
    strided = keras.layers.Conv2D(8, 1, strides=2, name="a")(image)
    network = keras.Model(image, keras.layers.Conv2D(4, 3, name="b")(strided))
    row, _ = read(network, blocks=["a", "b"])
    model, _ = build_pooled(row, SIDE)  # which only answers
    assert model.predict_on_batch(PHOTOS.astype(np.float32)).shape == (3, 4)
    with pytest.raises(ParamsError, match=r"layer 'a' is a 1 × 1 convolution .* TF_ENABLE_ONEDNN_OPTS=0"):
        build_finetuned(row, SIDE, head_for("multiclass", 3), 0.0, None)


def test_a_network_that_begins_anew_keeps_the_mean_and_the_variance_of_its_photos(folder: Path) -> None:
    original = adapted_network()
    row, weights = read(original, preprocessing="none", blocks=["first", "last"])
    write_stored(folder / "mine.weights.h5", row, weights)
    head = head_for("multiclass", 3)
    network = build_finetuned(row, SIDE, head, 0.0, folder / "mine.weights.h5", batch_norm="trained", begins_anew=True)
    network.initialise(0, {layer.name: layer.get_weights() for layer in network.model.layers})
    kept, anew = (network.model.get_layer(name).get_weights() for name in ("adapted", "first"))
    for one, other in zip(kept, original.get_layer("adapted").get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(anew[0], original.get_layer("first").get_weights()[0])


@pytest.mark.parametrize(
    ("network", "blocks", "says"),
    [
        (
            own_network,
            ["inside", "block2_out"],
            "'inside' of mine.keras is no end of a block, since layers above it read from below it",
        ),
        (own_network, ["block2_out", "block1_out"], "from the input up: block1_out, block2_out"),
        (own_network, ["block1_out", "head"], "'head' of mine gives (None, 3) numbers; the last block has to end"),
        (flattened, ["a", "b"], "do not fit photos of 16 pixels; set data.image_size"),
        (tall, ["a", "b"], "cannot be built for photos of 16 pixels"),
    ],
)
def test_what_cannot_be_built_or_cut_is_told_with_its_key(
    network: Callable[[], keras.Model], blocks: list[str], says: str
) -> None:
    with pytest.raises(ParamsError) as error:
        built(network(), blocks=blocks)
    assert says in str(error.value) and "backbones.yaml: " in str(error.value) and "\n" not in str(error.value)


def test_a_block_that_ends_amid_a_shortcut_is_refused_in_a_saved_model_too() -> None:
    row, _ = read(own_network())
    with pytest.raises(ParamsError, match=r"'inside' of mine.keras is no end of a block, since layer 'block1_out'"):
        build_pooled(row.model_copy(update={"blocks": ["inside", "block2_out"]}), SIDE)
