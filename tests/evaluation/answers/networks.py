"""Networks of several seeds, alike up to a layer of one's choice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np

BLOCKS = ["block1_out", "block2_out", "pool"]
IMAGES = np.random.default_rng(0).integers(0, 256, (11, 12, 12, 3), dtype=np.uint8)


def network(seed: int, units: int = 3, bypass: bool = False) -> keras.Model:
    """Two residual blocks with batch normalisation, pooling, and a head of its own for each seed."""
    keras.utils.set_random_seed(0)
    image = keras.Input((12, 12, 3), name="image")
    x = keras.layers.Rescaling(1 / 255, name="rescaling")(image)
    outputs = []
    for name in ("block1", "block2"):
        branch = keras.layers.Conv2D(4, 3, padding="same", name=f"{name}_conv")(x)
        branch = keras.layers.BatchNormalization(name=f"{name}_bn")(branch)
        short = keras.layers.Conv2D(4, 1, name=f"{name}_short")(x)
        x = keras.layers.Add(name=f"{name}_out")([branch, short])
        outputs.append(x)
    if bypass:
        x = keras.layers.Concatenate(name="joined")(outputs)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    activation = "sigmoid" if units == 1 else "softmax"
    model = keras.Model(image, keras.layers.Dense(units, activation=activation, name="head")(x))
    change(model, "head", by=seed + 0.1 * np.random.default_rng(seed).random())
    return model


def change(model: keras.Model, layer: str, by: float = 0.5, weight: int = 0) -> keras.Model:
    weights = model.get_layer(layer).get_weights()
    weights[weight] = weights[weight] + by * np.linspace(-1, 1, weights[weight].size).reshape(weights[weight].shape)
    model.get_layer(layer).set_weights(weights)
    return model


def saved(models: list[keras.Model], folder: Path) -> list[Path]:
    paths = [folder / f"seed-{seed}.keras" for seed in range(len(models))]
    for model, path in zip(models, paths, strict=True):
        model.save(path)
    return paths


def never(path: Path) -> Any:
    raise AssertionError(f"{path} is no .skops file")
