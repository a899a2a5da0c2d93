"""The head: the last layers of every network, its targets and its loss, by task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline.tasks import task_named

if TYPE_CHECKING:
    import keras

SMALL = 1e-3  # standard deviation of the initial weights on pretrained features; BiT starts its heads at zero


@dataclass(frozen=True)
class Head:
    """What a task asks of a network's last layer.

    Several classes: one unit a class, softmax, categorical cross-entropy.
    Two classes: one unit (the probability of class 1), sigmoid, binary cross-entropy.
    A number: one linear unit, mean squared error.
    """

    units: int
    activation: str
    loss: str
    score: str = "accuracy"

    def attach(self, features: keras.KerasTensor, dropout: float, pretrained: bool = False) -> keras.KerasTensor:
        """(batch, features) → (batch, units) probabilities; always in float32, whatever the backbone computes in.

        Args:
            pretrained: the features come from trained layers. Their scale is the backbone's (VGG16's 512 have a norm of
                about 300), so the usual initial weights begin with a loss of 7 to 10, and its gradients wreck what is
                pretrained; small ones begin near log(classes).
        """
        import keras

        initializer = keras.initializers.RandomNormal(stddev=SMALL) if pretrained else "glorot_uniform"

        if dropout:
            features = keras.layers.Dropout(dropout, name="head_dropout")(features)
        dense = keras.layers.Dense(
            self.units, activation=self.activation, kernel_initializer=initializer, dtype="float32", name="head"
        )
        return dense(features)

    def targets(self, labels: np.ndarray) -> np.ndarray:
        """(N,) class numbers → (N, units) float32: one-hot rows for softmax, a column of 0 and 1 for sigmoid; numbers
        as a column."""
        if self.units == 1:
            return labels[:, None].astype(np.float32)
        return np.eye(self.units, dtype=np.float32)[labels]


def head_for(task: str, classes: int) -> Head:
    """The head of a task: "multiclass", "binary" or "regression", as the prepared data names it.

    Raises:
        ValueError: there is no such task.
    """
    asked = task_named(task)
    return Head(asked.units(classes), asked.activation, asked.loss, asked.score)
