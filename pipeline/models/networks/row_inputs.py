"""What stands before and behind a network of rows: filling in, scaling and one-hot encoding, and the target's units.

All of it is part of the saved `.keras` file, made of Keras' own layers and operations, so that it takes rows as
`datasets.columns.encode` gives them, in the target's own units, and loads in safe mode wherever Keras is.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from pipeline.models.features.layout import Layout
from pipeline.models.networks.target_units import UNITS, deviation_in, fit_target_units

if TYPE_CHECKING:
    import keras

    from pipeline.network import Network

STANDARDISED = "standardised"  # the layer; it is fitted to training rows and never trained


def row_inputs(layout: Layout) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """The input (batch, columns), NaN where a value is missing, and what the first trained layer sees.

    Numbers: zero mean and unit variance as the training rows have them, 0 (the mean) where one is missing, and a flag
    for each column that lacks some. Categories: one-hot, missing being one more.
    """
    import keras
    from keras import ops

    row = keras.Input((len(layout.categories),), name="row")
    parts = []
    if layout.numbers:
        filled, missing = _filled(row, layout)
        parts.append(filled)
        lacking = [place for place, column in enumerate(layout.numbers) if layout.missing[column]]
        if lacking:
            parts.append(_named(ops.take(missing, lacking, axis=-1), "missing_flags"))
    for column in layout.categorical:
        parts.append(_one_hot(row, column, layout.categories[column]))
    return row, parts[0] if len(parts) == 1 else keras.layers.Concatenate(name="encoded", dtype="float32")(parts)


def window_inputs(layout: Layout) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """The input (batch, window) of a series, oldest value first, and what a recurrent layer steps through.

    (batch, window, 1) scaled values; where a training window has a gap, (batch, window, 2): each step's value, 0 (the
    mean) in a gap, and its own flag.
    """
    import keras
    from keras import ops

    row = keras.Input((len(layout.categories),), name="row")
    filled, missing = _filled(row, layout)
    if any(layout.missing):
        return row, _named(ops.stack([filled, missing], axis=-1), "steps")
    return row, keras.layers.Reshape((len(layout.categories), 1), name="steps")(filled)


def network_of_rows(model: keras.Model, layout: Layout) -> Network:
    """The whole model as one block; its scaling layers are fitted to each seed's training rows and never trained."""
    from pipeline.network import Network

    trained = [layer for layer in model.layers if layer.name not in (STANDARDISED, UNITS)]
    adapt, deviation = partial(_adapt_to, model, layout), deviation_in(model)
    return Network(model, blocks=[trained], head=[], fresh=trained, adapt=adapt, target_deviation=deviation)


def _adapt_to(model: keras.Model, layout: Layout, rows: np.ndarray, targets: np.ndarray, train: np.ndarray) -> None:
    adapt(model, layout, rows[train], targets[train])


def adapt(model: keras.Model, layout: Layout, rows: np.ndarray, targets: np.ndarray) -> None:
    """Fit the layers that hold means and variances to training rows and their targets.

    Args:
        rows: (N, columns), NaN where a value is missing.
        targets: (N, units).
    """
    names = {layer.name for layer in model.layers}
    if STANDARDISED in names:
        numbers = rows[:, layout.numbers]
        known = (~np.isnan(numbers)).sum(axis=0)
        mean = np.where(known, np.nansum(numbers, axis=0) / np.maximum(known, 1), 0.0)
        variance = np.nansum((numbers - mean) ** 2, axis=0) / np.maximum(known, 1)
        # Equal numbers have a mean that is rounded, and with it a variance just above 0. Networks read float32.
        read = numbers.astype(np.float32)
        is_constant = np.fmax.reduce(read, initial=-np.inf) <= np.fmin.reduce(read, initial=np.inf)
        least = np.finfo(np.float32).tiny
        model.get_layer(STANDARDISED).set_weights([mean, np.where(is_constant, 1.0, np.maximum(variance, least))])
    fit_target_units(model, targets)


def _filled(row: keras.KerasTensor, layout: Layout) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """(batch, numbers) twice: standardised numbers with 0 where one is missing, and 1 where one is missing, else 0."""
    from keras import layers, ops

    numbers = _named(ops.take(row, layout.numbers, axis=-1), "numbers")
    # The stock layer that holds a mean and a variance as weights; frozen, it never learns them from a batch.
    scaler = layers.BatchNormalization(
        center=False, scale=False, epsilon=0.0, dtype="float32", trainable=False, name=STANDARDISED
    )
    scaled = scaler(numbers)
    missing = _named(ops.isnan(scaled), "missing")
    filled = _named(ops.where(missing, 0.0, scaled), "filled")
    return filled, _named(ops.cast(missing, "float32"), "missing_as_number")


def _one_hot(row: keras.KerasTensor, column: int, count: int) -> keras.KerasTensor:
    """(batch, count + 1): the last one for a missing category, and for one that no row to learn from has."""
    from keras import ops

    place = _named(row[:, column], f"category_{column}")
    lacking = _named(ops.isnan(place), f"category_{column}_missing")
    filled = _named(ops.where(lacking, float(count), place), f"category_{column}_filled")
    number = _named(ops.cast(filled, "int32"), f"category_{column}_number")
    return _named(ops.one_hot(number, count + 1), f"category_{column}_one_hot")


def _named(tensor: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Operations take no name, and the one that they make up depends on what the process built before."""
    tensor._keras_history.operation.name = name
    return tensor
