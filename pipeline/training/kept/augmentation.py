"""Augmented views: a fixed number of altered versions of every image, drawn once, that epochs take in turn.

Fixed views let activations be kept though images are augmented (a view is computed like the images themselves), and
make a view the same whether activations are kept or not. All seeds share the views; they differ in order and split.
"""

from __future__ import annotations

import keras
import numpy as np

from pipeline.params.training.settings import Augmentation

BATCH = 64  # images altered at a time; the draws depend on it
PIXELS = (0, 255)


def make_view(images: np.ndarray, augmentation: Augmentation, view: int, out: np.ndarray) -> None:
    """Write one altered version of every image into `out`.

    Args:
        images: (N, S, S, 3) uint8.
        view: which of the versions, from 1; with the same arguments the result is always the same.
        out: (N, S, S, 3) uint8.
    """
    layers = augmentation_layers(augmentation, view)
    for start in range(0, len(images), BATCH):
        batch = images[start : start + BATCH].astype(np.float32)
        for layer in layers:
            batch = layer(batch, training=True)
        altered = keras.ops.convert_to_numpy(keras.ops.clip(keras.ops.round(batch), *PIXELS))
        out[start : start + BATCH] = altered.astype(np.uint8)


def describe_view(augmentation: Augmentation, view: int) -> list[object]:
    """Plain data that every pixel of a view depends on, beside the images: the configuration of Keras' layers."""
    layers = augmentation_layers(augmentation, view)
    configurations = [{key: value for key, value in layer.get_config().items() if key != "name"} for layer in layers]
    return [[type(layer).__name__ for layer in layers], configurations, BATCH, keras.__version__]


def augmentation_layers(augmentation: Augmentation, view: int) -> list[keras.layers.Layer]:
    """Keras' own layers for what is switched on; each draws from a seed of its own for each view."""
    seeds = iter(range(view * 100, view * 100 + 100))
    layers: list[keras.layers.Layer] = []
    if augmentation.flip != "none":
        mode = "horizontal_and_vertical" if augmentation.flip == "both" else augmentation.flip
        layers.append(keras.layers.RandomFlip(mode, seed=next(seeds)))
    if augmentation.rotate:
        layers.append(keras.layers.RandomRotation(augmentation.rotate / 360, fill_mode="reflect", seed=next(seeds)))
    if augmentation.shift:
        shift = augmentation.shift
        layers.append(keras.layers.RandomTranslation(shift, shift, fill_mode="reflect", seed=next(seeds)))
    if augmentation.zoom:
        span = (-augmentation.zoom, augmentation.zoom)  # one draw for both axes: the picture keeps its proportions
        layers.append(keras.layers.RandomZoom(span, fill_mode="reflect", seed=next(seeds)))
    if augmentation.colour:
        layers.append(_jitter(augmentation.colour, next(seeds)))
    if augmentation.randaugment:
        layers.append(keras.layers.RandAugment(PIXELS, factor=augmentation.randaugment, seed=next(seeds)))
    return layers


def _jitter(share: float, seed: int) -> keras.layers.Layer:
    """Brightness by up to this share of the range, contrast and saturation times 1 - share to 1 + share.

    A single number means something else to Keras: contrast that only grows, and saturation from none to a little, so
    that nearly every picture turns grey. Its factor f multiplies saturation by f / (1 - f).
    """
    return keras.layers.RandomColorJitter(
        PIXELS,
        brightness_factor=share,
        contrast_factor=(share, share),
        saturation_factor=((1 - share) / (2 - share), (1 + share) / (2 + share)),
        seed=seed,
    )
