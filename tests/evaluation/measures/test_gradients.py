"""Gradient norms by layer: a known answer, and what depth and residual links do to them."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from pipeline.evaluation.measures.gradients import gradient_norms, measure_gradients

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (16, 8, 8, 3), dtype=np.uint8)
LABELS = np.arange(16) % 3


def deep(linked: bool, activation: str = "sigmoid") -> keras.Model:
    image = keras.Input((8, 8, 3), name="image")
    x = keras.layers.Rescaling(1 / 255, name="rescaling")(image)
    x = keras.layers.Conv2D(4, 1, name="conv0")(x)
    for number in range(1, 9):
        y = keras.layers.Conv2D(4, 3, padding="same", activation=activation, name=f"conv{number}")(x)
        x = keras.layers.Add(name=f"sum{number}")([x, y]) if linked else y
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, keras.layers.Dense(3, activation="softmax", name="head")(x))


@pytest.mark.parametrize("units", [1, 3])
def test_a_head_without_weights_is_pulled_as_the_chain_rule_says(units: int) -> None:
    """With kernels of zero every class is as probable, so the gradient is the mean of input × (probability − truth)."""
    image = keras.Input((8, 8, 3), name="image")
    flat = keras.layers.Flatten(name="flatten")(image)
    activation = "sigmoid" if units == 1 else "softmax"
    model = keras.Model(
        image, keras.layers.Dense(units, activation=activation, kernel_initializer="zeros", name="head")(flat)
    )
    labels = LABELS % 2 if units == 1 else LABELS
    truth = labels[:, None] if units == 1 else np.eye(3)[labels]
    error = 1 / max(units, 2) - truth
    expected = IMAGES.reshape(16, -1).astype(float).T @ error / 16
    assert gradient_norms(model, IMAGES, labels)["head"] == pytest.approx(np.linalg.norm(expected), rel=1e-4)


def test_sigmoids_in_a_row_starve_the_lowest_layer_and_links_around_them_feed_it() -> None:
    plain, linked = (measure_gradients(deep(linked), IMAGES, LABELS, seed=1).summary for linked in (False, True))
    assert plain["gradient_ratio"] < 0.01 < 0.1 < linked["gradient_ratio"]
    assert plain["gradient_lowest"] < 0.01 * linked["gradient_lowest"]


def test_both_fresh_and_trained_weights_are_measured_from_the_input_up_and_neither_is_changed() -> None:
    model = deep(linked=True)
    model.get_layer("head").set_weights([np.zeros((4, 3)), np.zeros(3)])
    before = model.get_weights()
    found = measure_gradients(model, IMAGES, LABELS, seed=1).sections["gradients"]
    assert list(found["layers"]) == [*(f"conv{number}" for number in range(9)), "head"] and found["photos"] == 16
    assert found["layers"]["conv0"]["trained"] == 0, "a head of zeros hands nothing down"
    assert found["layers"]["conv0"]["fresh"] > 0
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_same_seed_draws_the_same_fresh_weights() -> None:
    model = deep(linked=True)
    first, second = (measure_gradients(model, IMAGES, LABELS, seed=3) for _ in range(2))
    assert first.summary == second.summary
