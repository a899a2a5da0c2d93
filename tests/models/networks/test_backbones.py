"""A backbone is a flat graph whose layers always have the same names, whose blocks can be cut at, and that sees RGB."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras.applications.imagenet_utils import preprocess_input

from pipeline.models.networks.backbones import (
    blocks_of,
    build_backbone,
    load_imagenet_weights,
    names_by_position,
    preprocess,
)
from pipeline.params.schema.backbones import Backbone, load_backbone
from pipeline.params.schema.reading import ParamsError
from pipeline.params.schema.rows import row_names

ROWS = row_names("backbones.yaml")
EVERY_LEVEL = np.arange(256, dtype=np.float32).repeat(3).reshape(1, 16, 16, 3) + np.array([0, 100, 50]) % 256


@pytest.fixture(scope="module", autouse=True)
def let_go() -> Iterator[None]:
    """Eleven networks need not stay in memory until the last test of all."""
    yield
    built.cache_clear()
    gc.collect()


@cache
def built(name: str) -> tuple[keras.Model, dict[str, keras.KerasTensor]]:
    """The backbone of a row behind its preprocessing, at the smallest size, and what each layer gives."""
    row = load_backbone(name)
    for _ in range(3):
        keras.layers.Conv2D(1, 1), keras.layers.MaxPooling2D()  # moves Keras' own count on
    image = keras.Input((row.smallest_input, row.smallest_input, 3), name="image")
    model = build_backbone(row, preprocess(image, row.preprocessing))
    return model, {layer.name: layer.output for layer in model.layers}


def other_row(constructor: str, **changed: object) -> Backbone:
    """A row that is in no file."""
    return Backbone.model_validate(load_backbone("vgg16").model_dump() | {"constructor": constructor} | changed)


@pytest.mark.parametrize("name", ROWS)
def test_layers_are_called_as_in_a_fresh_process_whatever_was_built_before(name: str) -> None:
    model, _ = built(name)
    keras.utils.clear_session()  # as a fresh process: the count starts anew
    fresh = getattr(keras.applications, load_backbone(name).constructor)(include_top=False, weights=None)
    assert [layer.name for layer in model.layers][-len(fresh.layers) + 1 :] == [
        layer.name for layer in fresh.layers[1:]
    ]
    assert [_own(variable.path) for variable in model.weights] == [_own(variable.path) for variable in fresh.weights]


def test_layers_that_have_these_names_already_are_not_built_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.models, "clone_model", lambda *_, **__: pytest.fail("must not be built again"))
    row = load_backbone("vgg16")  # names all its layers
    model = build_backbone(row, preprocess(keras.Input((32, 32, 3), name="image"), row.preprocessing))
    assert (model.name, model.layers[-1].name) == ("vgg16", "block5_pool")


def _own(path: str) -> str:
    """layer/variable, without the chain that the layer may be inside of; ConvNeXt's layer scales have no name."""
    return re.sub(r"/variable_\d+$", "/variable", "/".join(path.split("/")[-2:]))


@pytest.mark.parametrize("name", ROWS)
def test_everything_from_the_image_on_lies_flat_in_one_graph(name: str) -> None:
    """A chain inside (ConvNeXt's stem and downsampling) is one layer; no row cuts there."""
    layers = built(name)[0].layers
    assert layers[0].name == "image"
    assert not [layer for layer in layers if isinstance(layer, keras.Model) and not isinstance(layer, keras.Sequential)]
    assert len({layer.name for layer in layers}) == len(layers)


@pytest.mark.parametrize("name", ROWS)
def test_a_row_counts_its_parameters_and_states_its_smallest_input(name: str) -> None:
    row = load_backbone(name)
    assert built(name)[0].count_params() == row.weights.parameters
    with pytest.raises(ValueError, match="at least"):
        getattr(keras.applications, row.constructor)(
            include_top=False, weights=None, input_shape=(row.smallest_input - 1, row.smallest_input - 1, 3)
        )


@pytest.mark.parametrize("name", ROWS)
def test_blocks_hold_every_layer_once_in_order_and_end_as_the_row_says(name: str) -> None:
    row, (model, _) = load_backbone(name), built(name)
    blocks = blocks_of(row, model)
    assert [layer for block in blocks for layer in block] == model.layers
    assert [block[-1].name for block in blocks] == row.blocks
    assert all(any(layer.weights for layer in block) for block in blocks)


@pytest.mark.parametrize("name", ROWS)
def test_nothing_above_a_block_reads_past_its_last_layer(name: str) -> None:
    model, outputs = built(name)
    for boundary in load_backbone(name).blocks[:-1]:
        keras.Model(outputs[boundary], model.output)  # Keras refuses it when the output needs anything else


def test_keras_refuses_a_cut_inside_a_residual_block() -> None:
    """Else the test before this one could not fail."""
    model, outputs = built("resnet50")
    with pytest.raises(ValueError, match="not connected"):
        keras.Model(outputs["conv3_block2_1_conv"], model.output)


@pytest.mark.usefixtures("tiny_constructor")
def test_a_saved_backbone_loads_in_safe_mode_with_the_same_names_and_outputs(tmp_path: Path) -> None:
    image = keras.Input((8, 8, 3), name="image")
    model = build_backbone(other_row("Tiny"), preprocess(image, "caffe"))
    model.save(tmp_path / "model.keras")
    keras.layers.Conv2D(1, 1)  # moves Keras' own count on
    loaded = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3)).astype(np.float32)
    assert [layer.name for layer in loaded.layers][-4:] == ["conv2d", "batch_normalization", "conv2d_1", "tiny_pool"]
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]
    assert [variable.path for variable in loaded.weights] == [variable.path for variable in model.weights]
    assert np.array_equal(loaded.predict_on_batch(images), model.predict_on_batch(images))


@pytest.mark.parametrize("mode", ["caffe", "tf", "torch"])
def test_preprocessing_is_keras_own_to_the_bit_without_a_parameter(mode: str, tmp_path: Path) -> None:
    image = keras.Input((16, 16, 3), name="image")
    model = keras.Model(image, preprocess(image, mode))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    expected = preprocess_input(EVERY_LEVEL.astype(np.float32), mode=mode)
    for one in (model, loaded):
        assert np.array_equal(one.predict_on_batch(EVERY_LEVEL), expected)
        assert one.count_params() == 0


def test_a_backbone_with_its_own_preprocessing_gets_none() -> None:
    image = keras.Input((16, 16, 3), name="image")
    assert preprocess(image, "none") is image


def test_weights_of_a_plain_keras_model_load_behind_preprocessing(
    tmp_path: Path, tiny_constructor: Callable[..., keras.Model]
) -> None:
    plain = tiny_constructor(include_top=False)
    plain.save_weights(tmp_path / "tiny.weights.h5")
    image = keras.Input((8, 8, 3), name="image")
    model = build_backbone(other_row("Tiny"), preprocess(image, "caffe"))
    load_imagenet_weights(model, tmp_path / "tiny.weights.h5")
    for loaded, saved in zip(model.get_weights(), plain.get_weights(), strict=True):
        assert np.array_equal(loaded, saved)


def test_weights_that_are_not_there_name_the_command(tmp_path: Path) -> None:
    with pytest.raises(
        ParamsError, match=r"vgg16.weights.h5: there is no such file; make it with `dvc repro weights@vgg16`"
    ):
        load_imagenet_weights(built("vgg16")[0], tmp_path / "vgg16.weights.h5")


@pytest.mark.filterwarnings("ignore:Skipping nested container")
def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    image = keras.Input((32, 32, 3))
    keras.Model(image, keras.layers.Conv2D(2, 3)(image)).save_weights(tmp_path / "odd.weights.h5")
    with pytest.raises(ParamsError, match=r"odd.weights.h5: not the weights of vgg16"):
        load_imagenet_weights(built("vgg16")[0], tmp_path / "odd.weights.h5")


@pytest.mark.parametrize(
    ("change", "use", "says"),
    [
        (
            {"constructor": "MobileNet3"},
            lambda row: build_backbone(row, keras.Input((32, 32, 3))),
            "keras.applications has no such; did you mean MobileNet",
        ),
        (
            {"blocks": ["block1_pol", "block5_pool"]},
            lambda row: blocks_of(row, built("vgg16")[0]),
            "near it: block1_pool",
        ),
        (
            {"blocks": ["block2_pool", "block1_pool"]},
            lambda row: blocks_of(row, built("vgg16")[0]),
            "from the input up",
        ),
        (
            {"blocks": ["block1_pool", "block4_pool"]},
            lambda row: blocks_of(row, built("vgg16")[0]),
            "the last is block5_pool",
        ),
    ],
)
def test_a_wrong_row_says_what_is_right(change: dict[str, Any], use: Callable[[Backbone], object], says: str) -> None:
    with pytest.raises(ParamsError, match=says):
        use(other_row(**{"constructor": "VGG16", **change}))


def test_automatic_names_are_numbered_in_the_order_of_their_numbers() -> None:
    names = ["conv2d_100", "conv2d_99", "batch_normalization", "mixed9_1", "batch_normalization_7"]
    assert names_by_position(names, {"conv2d", "batch_normalization"}) == {
        "conv2d_99": "conv2d",
        "conv2d_100": "conv2d_1",
        "batch_normalization": "batch_normalization",
        "batch_normalization_7": "batch_normalization_1",
    }
