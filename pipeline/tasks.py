"""What a model can be asked for: one of several classes, one of two, or a number; and what training it then needs.

Stages that train import this module, so nothing stands here that only people read (see `pipeline.scores`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import keras

SMALLEST_PROBABILITY = 1e-7
Measure = Callable[[NDArray[Any], NDArray[np.floating]], float]


def deviation_of(numbers: NDArray[np.floating]) -> float:
    """Standard deviation of targets, as a unit: 1 where they do not vary, which rounding would leave a trace of."""
    return float(numbers.std()) if np.ptp(numbers) else 1.0


def accuracy(labels: NDArray[np.int64], probabilities: NDArray[np.floating]) -> float:
    """The share of examples whose most probable class is the right one; on a tie the first class counts."""
    return float(np.mean(probabilities.argmax(axis=1) == labels))


def cross_entropy(labels: NDArray[np.int64], probabilities: NDArray[np.floating]) -> float:
    """Mean of -ln p(right class), in nats. No probability counts as smaller than 1e-7, so it stays finite."""
    right = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.clip(right, SMALLEST_PROBABILITY, 1.0)).mean())


def mean_squared_error(targets: NDArray[np.floating], outputs: NDArray[np.floating]) -> float:
    return float(np.square(np.asarray(outputs[:, 0], dtype=np.float64) - targets).mean())


def root_mean_squared_error(targets: NDArray[np.floating], outputs: NDArray[np.floating]) -> float:
    return float(np.sqrt(mean_squared_error(targets, outputs)))


@dataclass(frozen=True)
class Task:
    """One kind of question.

    Attributes:
        name: as dataset.json and trial.json have it.
        setting: as `data.task` of params.yaml has it.
        has_classes: whether it tells classes apart; else it predicts a number.
        activation: of a network's last layer.
        loss: what a network is trained to lower, as Keras names it.
        measure_loss: the same, measured: labels (N,), outputs (N, classes) or (N, 1) → a number.
        score: the score that is followed during training, as columns have it (`val_accuracy`).
        measure_score: that score, measured as the loss is.
        scoring: that score as scikit-learn names it; more is better. Accuracy needs no probabilities, which not every
            estimator has before it is calibrated, so a grid can be searched for it.
    """

    name: str
    setting: str
    has_classes: bool
    activation: str
    loss: str
    measure_loss: Measure
    score: str
    measure_score: Measure
    scoring: str

    def units(self, classes: int) -> int:
        """How many units a network's last layer has."""
        return classes if self.activation == "softmax" else 1

    def keras_metric(self) -> str | keras.metrics.Metric:
        """What Keras follows beside the loss; its logs name it as `score` does."""
        if self.activation == "softmax":
            return self.score
        import keras

        if self.has_classes:
            return keras.metrics.MeanMetricWrapper(_on_the_same_side, name=self.score)
        return keras.metrics.RootMeanSquaredError(name=self.score)


def _on_the_same_side(targets: Any, outputs: Any) -> Any:
    """(N,) 1 where a sigmoid unit is on its target's side of a half, else 0. Smoothed targets stay on their side, but
    Keras' own accuracy of one unit takes each for wrong."""
    import keras

    same = keras.ops.equal(targets > 0.5, outputs > 0.5)
    return keras.ops.mean(keras.ops.cast(same, "float32"), axis=-1)


MULTICLASS = Task(
    "multiclass",
    setting="classification",
    has_classes=True,
    activation="softmax",
    loss="categorical_crossentropy",
    measure_loss=cross_entropy,
    score="accuracy",
    measure_score=accuracy,
    scoring="accuracy",
)
BINARY = replace(MULTICLASS, name="binary", activation="sigmoid", loss="binary_crossentropy")
REGRESSION = Task(
    "regression",
    setting="regression",
    has_classes=False,
    activation="linear",
    loss="mean_squared_error",
    measure_loss=mean_squared_error,
    score="rmse",
    measure_score=root_mean_squared_error,
    scoring="neg_root_mean_squared_error",
)
TASKS = {task.name: task for task in (MULTICLASS, BINARY, REGRESSION)}


def task_named(name: str) -> Task:
    """
    Args:
        name: as dataset.json and trial.json have it.

    Raises:
        ValueError: there is no such task.
    """
    if name not in TASKS:
        raise ValueError(f"task = {name!r}: there is no such task; known: {', '.join(TASKS)}; prepare the data again")
    return TASKS[name]


def task_for(classes: int) -> Task:
    """
    Args:
        classes: how many there are to tell apart; 0 where numbers are predicted.
    """
    return {0: REGRESSION, 2: BINARY}.get(classes, MULTICLASS)
