"""The CNN is the one of the lecture, and each of its parameters changes it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from pydantic import ValidationError

from pipeline.configuration.loading import load_params
from pipeline.models.networks.cnn import Architecture, ConvolutionBlock, build_cnn
from pipeline.models.networks.heads import head_for
from pipeline.params.schema.reading import ParamsError

ROOT = Path(__file__).resolve().parents[3]


def lecture(**changes: Any) -> Architecture:
    return load_params(ROOT / "params.yaml").architectures["lecture"].model_copy(update=changes)


def build(architecture: Architecture, size: int = 96) -> keras.Model:
    return build_cnn(architecture, size, head_for("multiclass", 14)).model


def test_it_has_the_layers_of_the_lecture() -> None:
    model = build(lecture())
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [(layer.filters, layer.kernel_size) for layer in convolutions] == [(32, (3, 3)), (64, (3, 3)), (128, (5, 5))]
    assert all(layer.activation is keras.activations.relu for layer in convolutions)
    assert sum(isinstance(layer, keras.layers.MaxPooling2D) for layer in model.layers) == 3
    assert model.get_layer("dense").units == 128
    assert model.get_layer("head").activation is keras.activations.softmax


def test_pooling_activation_and_dropout_are_parameters() -> None:
    model = build(lecture(pooling="average", activation="tanh", dropout=0.5))
    assert sum(isinstance(layer, keras.layers.AveragePooling2D) for layer in model.layers) == 3
    assert model.get_layer("block1_conv").activation is keras.activations.tanh
    assert model.get_layer("dense").activation is keras.activations.tanh
    assert model.get_layer("head_dropout").rate == 0.5


def test_its_layer_names_do_not_depend_on_what_was_built_before() -> None:
    first = [layer.name for layer in build(lecture()).layers]
    assert [layer.name for layer in build(lecture()).layers] == first


def test_the_image_size_is_a_parameter_down_to_what_the_poolings_leave() -> None:
    assert build(lecture(), size=32).input_shape == (None, 32, 32, 3)
    with pytest.raises(ParamsError, match=r"data\.image_size = 4"):
        build(lecture(), size=4)


def of_blocks(*blocks: dict[str, Any], **changes: Any) -> keras.Model:
    """Small enough to count by hand: 8×8 pixels, dense 5, 2 classes."""
    architecture = lecture(blocks=[ConvolutionBlock(**block) for block in blocks], dense=5, **changes)
    return build_cnn(architecture, 8, head_for("binary", 2)).model


def counted(names: Iterable[str], model: keras.Model) -> int:
    return sum(model.get_layer(name).count_params() for name in names)


def test_the_default_network_is_the_one_that_it_was_before_it_had_options() -> None:
    config = build(lecture()).get_layer("block3_conv").get_config()
    assert config["use_bias"] and config["kernel_initializer"]["class_name"] == "GlorotUniform"
    assert [layer.name for layer in build(lecture()).layers] == [
        "image",
        "rescaling",
        *(f"block{number}_{part}" for number in (1, 2, 3) for part in ("conv", "pool")),
        "flatten",
        "dense",
        "head",
    ]


def test_without_bias_a_network_has_one_parameter_less_for_each_filter_and_dense_unit() -> None:
    blocks = ({"filters": 4, "kernel": 3}, {"filters": 6, "kernel": 3})
    assert of_blocks(*blocks).count_params() - of_blocks(*blocks, bias=False).count_params() == 4 + 6 + 5
    assert of_blocks(*blocks, bias=False).get_layer("head").use_bias


def test_the_initializer_draws_all_but_the_head() -> None:
    model = of_blocks({"filters": 4, "kernel": 3}, initializer="he_normal")
    drawn = {layer.name: type(layer.kernel_initializer).__name__ for layer in model.layers if hasattr(layer, "kernel")}
    assert drawn == {"block1_conv": "HeNormal", "dense": "HeNormal", "head": "GlorotUniform"}


def test_convolutions_stand_one_behind_the_other_before_one_pooling() -> None:
    model = of_blocks({"filters": 4, "kernel": 3, "convolutions": 3})
    assert counted(["block1_conv", "block1_conv2", "block1_conv3"], model) == (27 * 4 + 4) + 2 * (36 * 4 + 4)
    assert model.get_layer("flatten").output.shape[1] == 4 * 4 * 4


def test_a_block_without_pooling_keeps_the_side() -> None:
    assert of_blocks({"filters": 4, "kernel": 3, "pool": False}).get_layer("flatten").output.shape[1] == 8 * 8 * 4


def test_residual_links_cost_parameters_only_where_the_channels_change() -> None:
    block = {"filters": 4, "kernel": 3, "convolutions": 4}
    plain, residual = of_blocks(block), of_blocks(block | {"kind": "residual"})
    assert residual.count_params() - plain.count_params() == 3 * 4 + 4
    assert counted(["block1_conv_link"], residual) == 3 * 4 + 4


def test_with_kernels_of_zero_a_residual_unit_hands_on_what_came_in() -> None:
    model = of_blocks({"filters": 3, "kernel": 3, "kind": "residual", "convolutions": 2, "pool": False})
    for name in ("block1_conv", "block1_conv2"):
        model.get_layer(name).set_weights([0 * weight for weight in model.get_layer(name).get_weights()])
    unit = keras.Model(model.input, model.get_layer("block1_conv2_activation").output)
    photo = np.random.default_rng(0).integers(128, 256, (1, 8, 8, 3)).astype("float32")  # positive once rescaled
    np.testing.assert_allclose(unit(photo), photo / 127.5 - 1, atol=1e-5)


def test_an_inception_block_has_four_branches_of_a_quarter_of_the_filters() -> None:
    model = of_blocks({"filters": 8, "kind": "inception"})
    branches = [f"block1_conv_{name}" for name in ("1x1", "3x3", "5x5", "pooled_1x1")]
    assert counted(branches, model) == 3 * 2 * (1 + 9 + 25 + 1) + 8
    assert model.get_layer("block1_conv_joined").output.shape[1:] == (8, 8, 8)


@pytest.mark.parametrize(
    ("block", "says"),
    [
        ({"filters": 4}, "needs a kernel"),
        ({"filters": 4, "kernel": 3, "kind": "inception"}, "leave kernel out"),
        ({"filters": 6, "kind": "inception"}, "multiple of 4"),
        ({"filters": 4, "kernel": 3, "kind": "residual", "convolutions": 3}, "make convolutions even"),
    ],
)
def test_a_block_that_cannot_be_built_is_refused_with_a_remedy(block: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        ConvolutionBlock(**block)
