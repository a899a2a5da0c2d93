"""What training lowers: the task's loss; of numbers it is counted in standard deviations of a seed's training targets.

In the target's own units gradients would grow with its variance. Adam divides that out again, but for its epsilon:
where numbers vary by a thousandth, it is larger than they are and nothing is learned.
"""

from __future__ import annotations

from typing import Any

import keras

from pipeline.network import Network
from pipeline.tasks import Task


def loss_of(task: Task, network: Network) -> Any:
    """The loss as `compile` takes it; one graph serves all seeds, since it reads the deviation from its variable."""
    deviation = network.target_deviation
    if deviation is None:
        return task.loss
    lowered = keras.losses.get(task.loss)

    def in_deviations(targets: Any, outputs: Any) -> Any:
        errors = (outputs - keras.ops.cast(targets, outputs.dtype)) / deviation[0, 0]
        return lowered(keras.ops.zeros_like(errors), errors)

    return in_deviations


def unit_of(deviation: keras.Variable | None) -> float:
    """What a loss is multiplied by, to be told in the target's own units."""
    return 1.0 if deviation is None else float(deviation.numpy()[0, 0]) ** 2
