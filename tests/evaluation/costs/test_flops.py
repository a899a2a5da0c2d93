"""Floating-point operations of networks whose figures are published, or can be counted by hand."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import keras
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from pipeline.evaluation.costs.flops import flops_per_image

BILLION = 1e9


@pytest.mark.parametrize(
    ("constructor", "side", "multiply_adds"),
    [
        # Simonyan and Zisserman 2014; He et al. 2015, table 1: 3.8; torchvision's table: 5.71; Sandler et al. 2018.
        (keras.applications.VGG16, 224, 15.35),
        (keras.applications.ResNet50, 224, 3.86),
        (keras.applications.InceptionV3, 299, 5.71),
        (keras.applications.MobileNetV2, 224, 0.30),
    ],
)
def test_published_figures_come_out(constructor: Callable[..., keras.Model], side: int, multiply_adds: float) -> None:
    model = constructor(weights=None, include_top=False, input_shape=(side, side, 3))
    flops = flops_per_image(model)
    keras.backend.clear_session()
    assert flops is not None and flops / 2 / BILLION == pytest.approx(multiply_adds, rel=0.02)


def test_a_small_network_is_counted_by_hand() -> None:
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, strides=2, padding="same", groups=1)(image)  # 4×4 places, 3·3·3·4 weights
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.SeparableConv2D(2, 3, padding="same")(x)  # 4×4 places, 3·3·4 + 4·2 weights
    x = keras.layers.Flatten()(x)  # 32
    model = keras.Model(image, keras.layers.Dense(5)(x))
    assert flops_per_image(model) == 2 * (16 * 108 + 16 * 44 + 32 * 5)


def test_grouped_convolutions_cost_less() -> None:
    image = keras.Input((8, 8, 4))
    grouped = keras.Model(image, keras.layers.Conv2D(4, 3, padding="same", groups=2)(image))
    assert flops_per_image(grouped) == 2 * 64 * 9 * 2 * 4


def test_a_matrix_counts_at_each_token_and_each_step() -> None:
    sequence = keras.Input((5, 8))
    attention = keras.layers.MultiHeadAttention(2, 4)(sequence, sequence)  # query, key, value and output: 8·8 each
    assert flops_per_image(keras.Model(sequence, attention)) == 2 * 5 * 4 * 64
    recurrent = keras.layers.GRU(3)(sequence)  # 8·9 and 3·9
    assert flops_per_image(keras.Model(sequence, recurrent)) == 2 * 5 * (72 + 27)
    words = keras.Input((5,))
    assert flops_per_image(keras.Model(words, keras.layers.Embedding(100, 8)(words))) == 0
    inner = keras.Model(sequence, keras.layers.Dense(3)(sequence))
    assert flops_per_image(keras.Model(sequence, inner(sequence))) == 2 * 5 * 24


def test_a_classical_model_has_the_operations_of_the_network_that_makes_its_features() -> None:
    image = keras.Input((8, 8, 4))
    network = keras.Model(image, keras.layers.Conv2D(4, 3, padding="same")(image))
    features = SimpleNamespace(network=lambda side: network if side == 8 else None)
    assert flops_per_image(SimpleNamespace(named_steps={"features": features}), 8) == flops_per_image(network)
    assert flops_per_image(make_pipeline(LogisticRegression()), 8) is None
    assert flops_per_image(LogisticRegression()) is None
