"""A phase of training: made ready once for all seeds, and followed epoch by epoch in each trial."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from pipeline.params.strategies import Phase
from pipeline.params.training import Training
from pipeline.training.trial_state import Row, TrialState


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
    """

    number: int
    plan: Phase
    model: keras.Model
    prefix_length: int
    trainable_parameters: int
    score: str

    def describe(self) -> Row:
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


class PhaseProgress(keras.callbacks.Callback):
    """Adds each epoch of a phase to the trial's state, and stops a phase that no longer improves.

    Args:
        state: of the trial, in which the phase has begun.
        after_epoch: called once the state holds the epoch.
    """

    def __init__(
        self, state: TrialState, phase: ReadyPhase, settings: Training, after_epoch: Callable[[], None]
    ) -> None:
        super().__init__()
        self.state, self.phase, self.settings, self.after_epoch = state, phase, settings, after_epoch

    def epochs_left(self) -> int:
        """How many epochs the phase may still take; none once it has stopped early."""
        if self._is_out_of_patience():
            return 0
        return self.phase.plan.epochs - len(self.state.phase_losses())

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.state.add_epoch(self._row(epoch + 1, logs or {}), self.settings.early_stopping)
        if self._is_out_of_patience():
            self.model.stop_training = True
        if not self.epochs_left():
            self.state.optimizer = ()
        self.after_epoch()

    def _is_out_of_patience(self) -> bool:
        return self.state.epochs_waited >= self.settings.patience

    def _row(self, epoch: int, logs: dict[str, float]) -> Row:
        score = self.phase.score
        return {
            "seed": self.state.seed,
            "phase": self.phase.number,
            "epoch": epoch,
            "learning_rate": float(self.model.optimizer.learning_rate),
            "trainable_parameters": self.phase.trainable_parameters,
            "train_loss": float(logs["loss"]),
            f"train_{score}": float(logs[score]),
            "val_loss": float(logs["val_loss"]),
            f"val_{score}": float(logs[f"val_{score}"]),
        }
