"""The CNN is the one of the lecture, and each of its parameters changes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import pytest

from pipeline.models.cnn import build_cnn
from pipeline.models.heads import head_for
from pipeline.params import Architecture, ParamsError, load_params

ROOT = Path(__file__).resolve().parents[2]


def lecture(**changes: Any) -> Architecture:
    return load_params(ROOT / "params.yaml").architectures["lecture"].model_copy(update=changes)


def build(architecture: Architecture, size: int = 96) -> keras.Model:
    return build_cnn(architecture, size, head_for("multiclass", 14))


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
