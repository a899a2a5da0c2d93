"""Grad-CAM of networks of which it is known where they look."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from pipeline.evaluation.answers.shared_prefix import split_off_prefix
from pipeline.evaluation.explanations import gradcam as gradcam_module
from pipeline.evaluation.explanations.gradcam import gradcam, uppermost_maps

SIDE = 16


def photo(*bright: tuple[int, int, int]) -> np.ndarray:
    """Dark, with bright 4×4 squares: (channel, row, column) of their corners."""
    image = np.full((SIDE, SIDE, 3), 10, dtype=np.uint8)
    for channel, row, column in bright:
        image[row : row + 4, column : column + 4, channel] = 250
    return image


def of_a_number(trainable: bool = True) -> keras.Model:
    """Red makes it larger, green smaller; its units are those of the target."""
    model = network(1, trainable)
    number = keras.layers.Dense(1, name="number")(model.get_layer("pool").output)
    whole = keras.Model(model.input, keras.layers.Dense(1, trainable=False, name="target_units")(number))
    whole.get_layer("number").set_weights([np.array([[0.1], [-0.1], [0.0]]), np.zeros(1)])
    whole.get_layer("target_units").set_weights([np.array([[7.0]]), np.array([30.0])])
    return whole


def network(units: int, trainable: bool = True) -> keras.Model:
    """Class 0 is red, class 1 green (class 2 blue): maps of 4×4 mean colours, their means, and a dense layer."""
    image = keras.Input((SIDE, SIDE, 3), name="image")
    x = keras.layers.AveragePooling2D(4, name="maps")(image)
    x = keras.layers.Conv2D(3, 1, use_bias=False, name="copies")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    activation = "sigmoid" if units == 1 else "softmax"
    model = keras.Model(image, keras.layers.Dense(units, activation=activation, name="head")(x))
    model.get_layer("copies").set_weights([np.eye(3).reshape(1, 1, 3, 3)])
    kernel = np.array([[-0.1], [0.1], [0.0]]) if units == 1 else 0.1 * np.eye(3)
    model.get_layer("head").set_weights([kernel, np.zeros(units)])
    model.trainable = trainable
    return model


RED_AND_GREEN = photo((0, 0, 4), (1, 8, 12))[None]


@pytest.mark.parametrize("units", [3, 1])
@pytest.mark.parametrize("trainable", [True, False])
def test_heat_lies_where_the_class_is_and_nowhere_else(units: int, trainable: bool) -> None:
    model = network(units, trainable)
    red, green = (gradcam(model, RED_AND_GREEN, np.array([label]))[0] for label in (0, 1))
    assert red.shape == (4, 4) and red.max() == green.max() == 1
    assert np.unravel_index(red.argmax(), red.shape) == (0, 1)
    assert np.unravel_index(green.argmax(), green.shape) == (2, 3)
    assert (red > 0.5).sum() == (green > 0.5).sum() == 1


def test_a_network_in_bfloat16_is_explained_alike() -> None:
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mixed = network(3)
    finally:
        keras.config.set_dtype_policy("float32")
    heat = gradcam(mixed, RED_AND_GREEN, np.array([1]))
    assert heat.dtype == np.float32
    np.testing.assert_allclose(heat, gradcam(network(3), RED_AND_GREEN, np.array([1])), atol=0.05)


def test_what_speaks_against_a_class_is_cold() -> None:
    heat = gradcam(network(1), photo((0, 0, 4))[None], np.array([1]))[0]
    assert heat[0, 1] == 0


@pytest.mark.parametrize("trainable", [True, False])
def test_what_makes_a_number_larger_or_smaller_is_hot(trainable: bool) -> None:
    heat = gradcam(of_a_number(trainable), RED_AND_GREEN, None)[0]
    assert heat[0, 1] > 0.5 and heat[2, 3] > 0.5
    assert (heat > 0.5).sum() == 2


def test_photos_do_not_mix() -> None:
    photos = np.stack([photo((0, 0, 0)), photo((1, 12, 12))])
    together = gradcam(network(3), photos, np.array([0, 1]))
    for one, label, heat in zip(photos, (0, 1), together, strict=True):
        np.testing.assert_allclose(gradcam(network(3), one[None], np.array([label]))[0], heat, atol=1e-6)


def test_many_photos_are_explained_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    photos, labels = np.stack([photo((0, 0, 0)), photo((1, 12, 12)), photo((2, 4, 8))]), np.array([0, 1, 2])
    model = network(3)
    together, seen = gradcam(model, photos, labels), []
    explain = gradcam_module._heat

    def noted(*given: Any) -> Any:
        seen.append(len(given[2]))
        return explain(*given)

    monkeypatch.setattr(gradcam_module, "AT_ONCE", 2)
    monkeypatch.setattr(gradcam_module, "_heat", noted)
    np.testing.assert_allclose(gradcam(model, photos, labels), together, atol=1e-6)
    assert seen == [2, 1]


def test_maps_that_are_too_small_are_passed_over() -> None:
    image = keras.Input((SIDE, SIDE, 3))
    x = keras.layers.Conv2D(2, 3, padding="same", name="large")(image)
    x = keras.layers.AveragePooling2D(4, name="four")(x)
    x = keras.layers.AveragePooling2D(4, name="one")(x)
    model = keras.Model(image, keras.layers.Dense(2)(keras.layers.Flatten()(x)))
    assert uppermost_maps(model).shape[1:3] == (4, 4)


def test_a_network_that_was_cut_for_prediction_is_explained_as_before() -> None:
    whole, cut, other = network(3), network(3), network(3)
    other.get_layer("head").set_weights([np.eye(3), np.ones(3)])
    assert split_off_prefix([cut, other], ["pool"]).prefix is not None
    for label in (0, 1):
        before, after = (gradcam(model, RED_AND_GREEN, np.array([label])) for model in (whole, cut))
        np.testing.assert_allclose(after, before)
