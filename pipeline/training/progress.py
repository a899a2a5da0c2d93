"""How far a trial has come: its history, its best weights, where its phase stands, and what follows each epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import inf, isfinite
from typing import Any

import keras
import numpy as np

from pipeline.params.training.settings import Training
from pipeline.training.losses import unit_of
from pipeline.training.phases import ReadyPhase

Row = dict[str, Any]
Weights = dict[int, np.ndarray]  # by their place in Network.state()


@dataclass
class Fit:
    """What one trial went through.

    Attributes:
        history: one row an epoch, with the keys of history.csv.
        best: the row of the epoch whose weights the network now holds; empty where no epoch had a finite loss.
        activation_seconds: what making its kept activations takes, charged in full though they are shared.
        setup_seconds: tracing and compiling, charged in full likewise.
        fit_seconds: training and validation alone.
        images_seen: how many images (or their activations) were trained on, repetitions counted.
        phases: the parameters of each phase that is over, and how many weights it trained.
        epoch_ended: ISO time (UTC) at which each epoch ended.
        measured: the stopwatch's entries of cost.json, up to the last epoch.
    """

    history: list[Row] = field(default_factory=list)
    best: Row = field(default_factory=dict)
    activation_seconds: float = 0.0
    setup_seconds: float = 0.0
    fit_seconds: float = 0.0
    images_seen: int = 0
    phases: list[Row] = field(default_factory=list)
    epoch_ended: list[str] = field(default_factory=list)
    measured: Row = field(default_factory=dict)


class DivergedError(ValueError):
    """No epoch of a trial had a finite validation loss, so there is no model."""


@dataclass
class TrialState:
    """Where one trial stands: training changes it, a checkpoint keeps it, and a killed trial goes on from it.

    A phase goes on from the best epoch of the phase before it, even where that one was a setback: what opening a block
    costs at first, later epochs and phases can win back. The trial ends with the best epoch of all.

    Attributes:
        seed: of the trial.
        fit: its history and what it took so far.
        phase: number of the phase that is being trained, from 1; 0 before the first.
        epochs_waited: epochs since the phase's validation loss was lowest.
        phase_best: the weights that the phase would end with now.
        trial_best: the weights that the trial would end with now.
        variables: all that the phases so far can have changed, by place in Network.state(): the network's own variables
            while it is trained, and their values in a state that a checkpoint gave back.
        optimizer: the variables of the phase's optimizer, or their values likewise; empty once the phase is over.
        charged: for each set of kept activations that the phases so far read, by its key, the seconds to compute it.
        on_the_way: keys of sets whose seconds are part of those of a higher cut, so that they are not added again.
    """

    seed: int
    fit: Fit
    phase: int = 0
    epochs_waited: int = 0
    phase_best: Weights = field(default_factory=dict)
    trial_best: Weights = field(default_factory=dict)
    variables: Mapping[int, Any] = field(default_factory=dict)
    optimizer: Sequence[Any] = ()
    charged: dict[str, float] = field(default_factory=dict)
    on_the_way: set[str] = field(default_factory=set)

    def begin_phase(
        self, number: int, variables: Mapping[int, Any], trained: Iterable[int], optimizer: Sequence[Any]
    ) -> None:
        """Go on to a phase, or go on with the one that the state was kept in.

        Args:
            variables: the network's own variables that this phase and those before it can change, by place.
            trained: the places of this phase's weights.
            optimizer: the variables of this phase's optimizer.
        """
        self.variables, self.optimizer = variables, optimizer
        if number != self.phase:
            self.phase, self.epochs_waited = number, 0
            self.phase_best = self._values(trained)
        for place, values in self.phase_best.items():
            # A weight that no phase before has trained is still as the best epoch so far left it.
            self.trial_best.setdefault(place, values)

    def add_epoch(self, row: Row, early_stopping: bool) -> None:
        """Add an epoch to the history and hold on to its weights where they are the best so far.

        Args:
            early_stopping: when it is off, the last epoch counts as the best. One without a finite loss never does.
        """
        loss, lowest = row["val_loss"], min(filter(isfinite, self.phase_losses()), default=inf)
        best_of_phase = isfinite(loss) and (not early_stopping or loss < lowest)
        best_of_trial = isfinite(loss) and (not early_stopping or loss < self.fit.best.get("val_loss", inf))
        self.fit.history.append(row)
        self.fit.epoch_ended.append(datetime.now(UTC).isoformat(timespec="milliseconds"))
        self.epochs_waited = 0 if best_of_phase else self.epochs_waited + 1
        if best_of_phase:
            self.phase_best = self._values(self.phase_best)
        if best_of_trial:
            self.fit.best = row
        if best_of_phase and best_of_trial:
            untrained_now = [place for place in self.trial_best if place not in self.phase_best]
            self.trial_best = self.phase_best | self._values(untrained_now)

    def phase_losses(self) -> list[float]:
        """The validation losses of the phase's epochs so far."""
        return [row["val_loss"] for row in self.fit.history if row["phase"] == self.phase]

    def has_diverged(self) -> bool:
        """Whether the phase's last epoch had no finite loss: weights that are no numbers stay so."""
        last = self.fit.history[-1] if self.fit.history else {}
        return last.get("phase") == self.phase and not (isfinite(last["train_loss"]) and isfinite(last["val_loss"]))

    def refuse_divergence(self) -> None:
        """
        Raises:
            DivergedError: no epoch had a finite validation loss.
        """
        if not self.fit.best:
            first = self.fit.history[0]
            raise DivergedError(
                f"seed {self.seed}: no epoch had a finite validation loss (it is {first['val_loss']} after epoch 1, in "
                f"phase 1 with learning_rate {first['learning_rate']:g}); lower the learning rate of its phases"
            )

    def end_phase(self) -> None:
        """Give the network the weights of the phase's best epoch, where that is not the last one."""
        if self.epochs_waited:
            self._assign(self.phase_best)

    def end_trial(self) -> None:
        """Give the network the weights of the trial's best epoch, where that is not the last one."""
        if self.fit.best != self.fit.history[-1]:
            self._assign(self.trial_best)

    def charge(self, key: str, seconds: float, below: Iterable[str]) -> None:
        """Count what making a phase's activations takes; each of them once, however many phases read it.

        Args:
            below: the keys of those that they went on from.
        """
        self.charged[key] = seconds
        self.on_the_way.update(below)

    def activation_seconds(self) -> float:
        """What making all that was charged takes."""
        return sum(seconds for key, seconds in self.charged.items() if key not in self.on_the_way)

    def _values(self, places: Iterable[int]) -> Weights:
        """Copies: a backend may hand out a view of memory that training goes on to change."""
        return {place: np.array(self.variables[place].numpy()) for place in places}

    def _assign(self, weights: Weights) -> None:
        for place, values in weights.items():
            self.variables[place].assign(values)


class PhaseProgress(keras.callbacks.Callback):
    """Adds each epoch of a phase to the trial's state, and stops a phase that no longer improves.

    Args:
        state: of the trial, in which the phase has begun.
        after_epoch: called once the state holds the epoch.
        pauses: whether to stop after the epoch that the state holds, to go on later.

    Attributes:
        has_paused: whether it did.
    """

    def __init__(
        self,
        state: TrialState,
        phase: ReadyPhase,
        settings: Training,
        after_epoch: Callable[[TrialState], None],
        pauses: Callable[[TrialState], bool] = lambda state: False,
    ) -> None:
        super().__init__()
        self.state, self.phase, self.settings = state, phase, settings
        self.after_epoch, self.pauses, self.has_paused = after_epoch, pauses, False

    def epochs_left(self) -> int:
        """How many epochs the phase may still take; none once it has stopped early."""
        if self._is_over():
            return 0
        return self.phase.plan.epochs - len(self.state.phase_losses())

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.state.add_epoch(self._row(epoch + 1, logs or {}), self.settings.early_stopping)
        if self._is_over():
            self.model.stop_training = True
        if not self.epochs_left():
            self.state.optimizer = ()
        self.after_epoch(self.state)
        if self.pauses(self.state):
            self.has_paused = self.model.stop_training = True

    def _is_over(self) -> bool:
        return self.state.epochs_waited >= self.settings.patience or self.state.has_diverged()

    def _row(self, epoch: int, logs: dict[str, float]) -> Row:
        score, unit = self.phase.score, unit_of(self.phase.target_deviation)
        return {
            "seed": self.state.seed,
            "phase": self.phase.number,
            "epoch": epoch,
            "learning_rate": self.model.optimizer.last_rate(),
            "trainable_parameters": self.phase.trainable_parameters,
            "train_loss": unit * float(logs["loss"]),
            f"train_{score}": float(logs[score]),
            "val_loss": unit * float(logs["val_loss"]),
            f"val_{score}": float(logs[f"val_{score}"]),
        }
