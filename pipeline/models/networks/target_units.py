"""The units of a number that a network predicts: it is trained on standardised targets and answers in the user's units.

Both are Keras' own layer in the saved `.keras` file, so what is saved answers in these units wherever Keras is.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from pipeline.tasks import deviation_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras

UNITS = "target_units"  # the layer; it is fitted to a seed's training targets and never trained


def in_target_units(output: keras.KerasTensor) -> keras.KerasTensor:
    """(batch, 1) of zero mean and unit variance → the units of the target, as the training examples have them."""
    import keras

    return keras.layers.Dense(1, trainable=False, dtype="float32", name=UNITS)(output)


def fit_target_units(model: keras.Model, targets: np.ndarray) -> None:
    """Give the layer the mean and the standard deviation of the training targets; nothing where there is no such layer.

    Args:
        targets: (N, units), of the training examples.
    """
    if UNITS in {layer.name for layer in model.layers}:
        numbers = targets.astype(np.float64)
        model.get_layer(UNITS).set_weights([np.array([[deviation_of(numbers)]]), np.array([float(numbers.mean())])])


def deviation_in(model: keras.Model) -> keras.Variable | None:
    """(1, 1) the layer's standard deviation, whatever it is fitted to; None where there is no such layer."""
    return model.get_layer(UNITS).kernel if UNITS in {layer.name for layer in model.layers} else None


def without_units(layers: list[keras.Layer]) -> list[keras.Layer]:
    """The layers that are trained and initialised, whatever the task."""
    return [layer for layer in layers if layer.name != UNITS]


def adapter_of(model: keras.Model) -> Callable[[np.ndarray, np.ndarray, np.ndarray], None] | None:
    """What fits a network of photos to a seed's training examples (see `Network.adapt`); None where it tells classes
    apart."""
    return partial(_adapt, model) if UNITS in {layer.name for layer in model.layers} else None


def _adapt(model: keras.Model, inputs: np.ndarray, targets: np.ndarray, train: np.ndarray) -> None:
    """The photos are not asked: they may be more than fit into memory."""
    fit_target_units(model, targets[train])
