"""A network whose frozen BatchNorm is folded computes and learns what the plain one does, and is saved as that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from pipeline.folding import FoldedModel, answering

RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(-1, 1, (8, 12, 12, 3)).astype(np.float32)
TARGETS = np.eye(3, dtype=np.float32)[np.arange(8) % 3]
Tensor = keras.KerasTensor


def norm(tensor: Tensor, **settings: bool) -> Tensor:
    return layers.BatchNormalization(**settings)(tensor)


def residual(image: Tensor) -> Tensor:
    """As in ResNet50: convolutions with biases, one of them on the link, and a sum behind two BatchNorms."""
    image = layers.Conv2D(8, 3, padding="same")(image)  # with fewer channels the link has a wrong gradient with AVX2
    left = layers.ReLU()(norm(layers.Conv2D(4, 3, strides=2, padding="same")(image)))
    left = norm(layers.Conv2D(6, 1)(left))
    return layers.Add()([left, norm(layers.Conv2D(6, 1, strides=2)(image))])


def inception(image: Tensor) -> Tensor:
    """As in InceptionV3: no biases, BatchNorm without a scale, branches side by side."""
    branches = [layers.Conv2D(4, kernel, padding="same", use_bias=False)(image) for kernel in (1, (1, 5), 3)]
    return layers.Concatenate()([layers.ReLU()(norm(branch, scale=False)) for branch in branches])


def efficient(image: Tensor) -> Tensor:
    """As in EfficientNet and MobileNet: depthwise convolutions, here two maps a channel, and gates."""
    wide = layers.Activation("swish")(norm(layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2)(image)))
    gate = layers.Conv2D(6, 1, activation="sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(wide))
    return norm(layers.Conv2D(4, 1, use_bias=False)(layers.Multiply()([wide, gate])), center=False)


def dense(image: Tensor) -> Tensor:
    """As in DenseNet and ResNetV2: BatchNorm in front of convolutions and behind what joins several."""
    inside = layers.ReLU()(norm(layers.Conv2D(4, 1)(layers.ReLU()(norm(image)))))
    return layers.ReLU()(norm(layers.Concatenate()([image, layers.Conv2D(2, 3, padding="same")(inside)])))


def separable(image: Tensor) -> Tensor:
    """As in Xception."""
    return norm(layers.SeparableConv2D(5, 3, padding="same", use_bias=False)(image))


def two_readers(image: Tensor) -> Tensor:
    maps = layers.Conv2D(4, 3)(image)
    return layers.Concatenate()([norm(maps), maps])


def called_twice(image: Tensor) -> Tensor:
    shared = layers.Conv2D(3, 3, padding="same")
    return norm(shared(shared(image)))


def activated(image: Tensor) -> Tensor:
    return norm(layers.Conv2D(4, 3, activation="relu")(image))


PLACES = {
    residual: 3,
    inception: 3,
    efficient: 2,
    dense: 1,
    separable: 1,
    two_readers: 0,
    called_twice: 0,
    activated: 0,
}


def network(body: Callable[[Tensor], Tensor], policy: str = "float32") -> keras.Model:
    """Body under a head, BatchNorm frozen, its statistics and weights drawn."""
    keras.utils.set_random_seed(1)
    keras.config.set_dtype_policy(policy)
    try:
        image = keras.Input((12, 12, 3))
        features = layers.GlobalAveragePooling2D(dtype="float32")(body(image))
    finally:
        keras.config.set_dtype_policy("float32")
    model = keras.Model(image, layers.Dense(3, "softmax", dtype="float32")(features))
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.trainable = False
            layer.set_weights(
                [np.random.default_rng(2).uniform(0.5, 2, weight.shape) for weight in layer.get_weights()]
            )
    return model


def folded(model: keras.Model) -> FoldedModel:
    return FoldedModel(model.inputs[0], model.outputs[0])


@pytest.mark.parametrize("body", PLACES)
def test_it_answers_as_the_plain_network_in_every_way(body: Callable[[Tensor], Tensor]) -> None:
    model = network(body)
    plain = np.asarray(model(IMAGES, training=False))
    for ways in (folded(model)(IMAGES, training=False), folded(model)(IMAGES, training=True), answering(model)(IMAGES)):
        np.testing.assert_allclose(ways, plain, atol=2e-6)


@pytest.mark.parametrize(("body", "folds"), PLACES.items())
def test_only_what_a_single_convolution_hands_to_batch_norm_alone_is_folded(
    body: Callable[[Tensor], Tensor], folds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = network(body)
    norms = sum(isinstance(layer, layers.BatchNormalization) for layer in model.layers)
    computed: list[object] = []
    plain = layers.BatchNormalization.call
    monkeypatch.setattr(layers.BatchNormalization, "call", lambda *args, **kw: computed.append(1) or plain(*args, **kw))
    folded(model)(IMAGES, training=True)
    assert norms - len(computed) == folds


@pytest.mark.parametrize("body", PLACES)
def test_it_learns_what_the_plain_network_learns(body: Callable[[Tensor], Tensor]) -> None:
    losses, weights = [], []
    for make in (lambda model: model, folded):
        model = network(body)
        trained = make(model)
        trained.compile(keras.optimizers.SGD(0.5), "categorical_crossentropy", jit_compile=False)
        losses.append([float(trained.train_on_batch(IMAGES, TARGETS)) for _ in range(5)])
        weights.append(model.get_weights())
    assert losses[0][0] - losses[0][-1] > 1e-3, "nothing was learnt, so nothing was compared"
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-4)
    for plain, other in zip(*weights, strict=True):
        np.testing.assert_allclose(other, plain, atol=1e-4)


def test_a_batch_norm_that_is_trained_is_computed_as_it_stands() -> None:
    moved, before = [], None
    for make in (lambda model: model, folded):
        model = network(residual)
        trained = next(layer for layer in model.layers if isinstance(layer, layers.BatchNormalization))
        before = trained.moving_mean.numpy()
        trained.trainable = True
        make(model)(IMAGES, training=True)
        moved.append(trained.moving_mean.numpy())
    np.testing.assert_array_equal(moved[1], moved[0])
    assert not np.allclose(moved[1], before)


def test_once_made_ready_it_answers_though_batch_norm_could_be_trained() -> None:
    """As of a network loaded from its file: BatchNorm is normalised by its statistics in every answer."""
    model = network(residual)
    plain = np.asarray(model(IMAGES, training=False))
    model.trainable = True
    np.testing.assert_allclose(answering(model)(IMAGES), plain, atol=2e-6)


def test_in_bfloat16_it_is_no_farther_from_float32_than_the_plain_network() -> None:
    exact = np.asarray(network(residual)(IMAGES, training=False))
    rounded = network(residual, "mixed_bfloat16")
    plain = np.abs(np.asarray(rounded(IMAGES, training=False)) - exact).max()
    assert 0 < np.abs(answering(rounded)(IMAGES) - exact).max() < 2 * plain
    assert answering(rounded)(IMAGES[:3]).dtype == np.float32


def test_its_weights_are_the_networks_own_which_is_saved_with_stock_layers(tmp_path: Path) -> None:
    model = network(residual)
    trained = folded(model)
    assert [id(variable) for variable in trained.variables] == [id(variable) for variable in model.variables]
    trained.compile(keras.optimizers.SGD(0.5), "categorical_crossentropy", jit_compile=False)
    trained.train_on_batch(IMAGES, TARGETS)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    assert {type(layer).__module__.split(".")[0] for layer in loaded.layers} == {"keras"}
    np.testing.assert_allclose(loaded(IMAGES, training=False), trained(IMAGES, training=False), atol=2e-6)
