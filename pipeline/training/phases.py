"""A phase of training, made ready once for all seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pipeline.params.training.strategies import Phase
from pipeline.training.batches import Batches, as_read_by_keras


@dataclass(frozen=True)
class ReadyPhase:
    """A phase made ready once and used by every seed.

    Attributes:
        number: its place among the phases, from 1.
        plan: what it trains, for how long and how fast.
        model: what is not frozen, compiled and traced.
        prefix_length: how many of the network's lowest blocks lie below the model, their activations kept.
        trainable_parameters: how many weights it trains.
        score: what is followed beside the loss, as Keras' logs name it.
        target_deviation: of the training targets; its loss is counted in this (see `losses.loss_of`).
    """

    number: int
    plan: Phase
    model: keras.Model
    prefix_length: int
    trainable_parameters: int
    score: str
    target_deviation: keras.Variable | None = None

    def describe(self) -> dict[str, Any]:
        """Its entry under `phases` in trial.json."""
        return {"phase": self.number, **self.plan.model_dump(), "trainable_parameters": self.trainable_parameters}

    def reset_optimizer(self, values: Sequence[np.ndarray]) -> None:
        """Make the optimizer as good as new: no steps made, no moments kept.

        Args:
            values: of its variables, in its order, where a phase goes on; empty for a phase that begins.
        """
        variables = self.model.optimizer.variables
        if values:
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
            return
        for variable in variables:
            if variable.name != "learning_rate":
                variable.assign(np.zeros(variable.shape, dtype=variable.dtype))


def trace(model: keras.Model, training: Batches, validation: Batches) -> None:
    """Have Keras build a compiled model's graphs now, so that no seed pays for them. It trains an epoch on the way.

    Where functions run eagerly, as `check --candidate` has them, there are no graphs to build.

    Metrics make their variables when they are first used; if that were inside a graph, TensorFlow would trace it
    a second time.

    Args:
        training: few examples, since graphs hold for batches of any size; validation likewise.
    """
    if tf.config.functions_run_eagerly():
        return
    _, targets = validation[0]
    model.compute_metrics(None, targets, targets)
    read, held_out = as_read_by_keras(training), as_read_by_keras(validation)
    model.fit(read, validation_data=held_out, epochs=1, shuffle=False, verbose=0)
