"""The head: the last layers of every network, and the targets that they are trained on, by task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline.tasks import Task, task_named

if TYPE_CHECKING:
    import keras

SMALL = 1e-3  # standard deviation of the initial weights on pretrained features; BiT starts its heads at zero


@dataclass(frozen=True)
class Head:
    """The last layer of a network for a task.

    Several classes: one unit a class, softmax. Two classes: one unit (the probability of class 1), sigmoid.
    A number: one linear unit.
    """

    task: Task
    units: int

    def attach(self, features: keras.KerasTensor, dropout: float, pretrained: bool = False) -> keras.KerasTensor:
        """(batch, features) → (batch, units) probabilities; always in float32, whatever the backbone computes in.

        Args:
            dropout: share of the features that is dropped while training.
            pretrained: the features come from trained layers. Their scale is the backbone's (VGG16's 512 have a norm of
                about 300), so the usual initial weights begin with a loss of 7 to 10, and its gradients wreck what is
                pretrained; small ones begin near log(classes).
        """
        import keras

        initializer = keras.initializers.RandomNormal(stddev=SMALL) if pretrained else "glorot_uniform"

        if dropout:
            features = keras.layers.Dropout(dropout, name="head_dropout")(features)
        dense = keras.layers.Dense(
            self.units, activation=self.task.activation, kernel_initializer=initializer, dtype="float32", name="head"
        )
        return dense(features)

    def targets(self, labels: np.ndarray) -> np.ndarray:
        """(N,) labels → (N, units) float32: one-hot rows for softmax, else a column of 0 and 1, or of numbers."""
        if self.units == 1:
            return labels[:, None].astype(np.float32)
        return np.eye(self.units, dtype=np.float32)[labels]


def head_for(task: str, classes: int) -> Head:
    """The head of a task.

    Args:
        task: "multiclass", "binary" or "regression", as the prepared data names it.
        classes: how many there are to tell apart; 0 where a number is predicted.

    Raises:
        ValueError: there is no such task.
    """
    asked = task_named(task)
    return Head(asked, asked.units(classes))
