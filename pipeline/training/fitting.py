"""The one fit loop: phase after phase on what is not frozen, the best epoch by validation loss kept."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import keras
import numpy as np

from pipeline.params import Phase, Strategy, Training
from pipeline.training.activations import ActivationStore
from pipeline.training.network import Network, hash_weights, weights_by_layer
from pipeline.training.optimizers import make_optimizer

log = logging.getLogger("kiyas")

Row = dict[str, Any]


class FrozenWeightsMoved(RuntimeError):
    """Layers that a phase froze are not bit-identical afterwards; the result would not be what it says it is."""


@dataclass(frozen=True)
class Examples:
    """images (N, S, S, 3) uint8, targets (N, units) float32, and a hash that stands for them."""

    images: np.ndarray
    targets: np.ndarray
    sha256: str


@dataclass
class Fit:
    """What one trial went through.

    Attributes:
        history: one row an epoch, with the keys of history.csv.
        best: the row of the epoch whose weights the network now holds.
        activation_seconds: what making its kept activations takes, charged in full though they are shared.
        setup_seconds: tracing and compiling, likewise.
        fit_seconds: training and validation alone.
        images_seen: how many images (or their activations) were trained on, repetitions counted.
        phases: what each phase was told and how many parameters it trained.
        epoch_ended: ISO time (UTC) at which each epoch ended.
    """

    history: list[Row] = field(default_factory=list)
    best: Row = field(default_factory=dict)
    activation_seconds: float = 0.0
    setup_seconds: float = 0.0
    fit_seconds: float = 0.0
    images_seen: int = 0
    phases: list[Row] = field(default_factory=list)
    epoch_ended: list[str] = field(default_factory=list)


@dataclass
class _Stage:
    """A phase made ready once and used by every seed: the model of what is not frozen, compiled and traced."""

    phase: Phase
    model: keras.Model
    prefix_length: int
    trainable_parameters: int

    def describe(self, number: int) -> Row:
        return {"phase": number, **self.phase.model_dump(), "trainable_parameters": self.trainable_parameters}


class Trainer:
    """Trains one candidate: the same network, from its starting weights, once for each seed.

    Rebuilding a network for each seed would trace it again (half a minute for a ResNet50), so a phase is compiled
    once and its optimizer is reset between trials; that the result is that of a fresh one is tested.
    """

    def __init__(
        self,
        network: Network,
        examples: Examples,
        strategy: Strategy,
        loss: str,
        settings: Training,
        store: ActivationStore,
        train_size: int,
    ) -> None:
        self.network, self.examples, self.settings, self.store = network, examples, settings, store
        self.pretrained = weights_by_layer(network.model.layers)
        steps = -(-train_size // settings.batch_size)
        started = time.perf_counter()
        self.stages = [self._make_ready(phase, strategy.layer_decay, loss, steps) for phase in strategy.phases]
        self.setup_seconds = time.perf_counter() - started - store.seconds_spent

    def run(
        self, seed: int, train: np.ndarray, val: np.ndarray, on_epoch: Callable[[Row], None] = lambda row: None
    ) -> Fit:
        """Train one trial; afterwards the network holds the weights of its best epoch.

        Args:
            train, val: indices into the examples.
            on_epoch: called with each finished row of the history.

        Raises:
            FrozenWeightsMoved: when a frozen layer changed.
        """
        self.network.initialise(seed, self.pretrained)
        started, made_before = time.perf_counter(), self.store.seconds_spent
        fit = Fit(setup_seconds=self.setup_seconds)
        charged: dict[str, float] = {}
        for number, stage in enumerate(self.stages, start=1):
            frozen = self.network.freeze_all_but(stage.phase.train)
            before = hash_weights(frozen)
            inputs = self._inputs(stage, charged)
            _reset(stage.model.optimizer)
            callback = _KeepBest(fit, seed, number, stage, self.settings.patience, on_epoch)
            self._fit_phase(stage, inputs, train, val, seed, callback)
            if hash_weights(frozen) != before:
                raise FrozenWeightsMoved(
                    f"phase {number} ({stage.phase.train}): frozen layers changed while the rest was trained"
                )
            fit.phases.append(stage.describe(number))
        fit.activation_seconds = sum(charged.values())
        fit.images_seen = len(fit.history) * len(train)
        fit.fit_seconds = time.perf_counter() - started - (self.store.seconds_spent - made_before)
        return fit

    def _make_ready(self, phase: Phase, layer_decay: float, loss: str, steps: int) -> _Stage:
        """Freeze, cut, compile with a fresh optimizer, trace."""
        self.network.freeze_all_but(phase.train)
        length = self.network.prefix_length(phase.train)
        kept = self.store.get(self.network, length) if length else None
        length = length if kept else 0
        model = self.network.suffix(length)
        optimizer = make_optimizer(self.network, phase, layer_decay, self.settings.weight_decay, steps)
        model.compile(optimizer, loss, metrics=["accuracy"], jit_compile=False)
        optimizer.build(model.trainable_variables)
        self._trace(model, kept.values if kept else self.examples.images)
        count = int(sum(np.prod(variable.shape) for variable in model.trainable_variables))
        return _Stage(phase, model, length, count)

    def _trace(self, model: keras.Model, inputs: np.ndarray) -> None:
        """Have Keras build its graphs now, on one batch, so that no seed pays for them; then undo what that trained."""
        size = min(self.settings.batch_size, len(inputs))
        batch = Batches(inputs, self.examples.targets, np.arange(size), size)
        model.fit(batch, validation_data=batch, epochs=1, shuffle=False, verbose=0)
        self.network.initialise(0, self.pretrained)

    def _inputs(self, stage: _Stage, charged: dict[str, float]) -> np.ndarray:
        if not stage.prefix_length:
            return self.examples.images
        activations = self.store.get(self.network, stage.prefix_length)
        assert activations is not None, "the limit was checked when the phase was made ready"
        charged[f"{stage.prefix_length}"] = activations.seconds
        return activations.values

    def _fit_phase(
        self, stage: _Stage, inputs: np.ndarray, train: np.ndarray, val: np.ndarray, seed: int, callback: _KeepBest
    ) -> None:
        size, targets, first = self.settings.batch_size, self.examples.targets, len(callback.fit_record.history)
        stage.model.fit(
            Batches(inputs, targets, train, size, seed=seed, epoch=first),
            validation_data=Batches(inputs, targets, val, size),
            initial_epoch=first,
            epochs=first + stage.phase.epochs,
            shuffle=False,
            callbacks=[callback],
            verbose=0,
        )
        callback.restore()


class Batches(keras.utils.PyDataset):
    """Batches gathered from a memory-mapped array, cast on the fly; with a seed, in an order of (seed, epoch) alone.

    Keras calls `on_epoch_end` once before the first epoch too (it peeks at the shapes), so epochs draw from 1 on.
    """

    def __init__(
        self,
        inputs: np.ndarray,
        targets: np.ndarray,
        indices: np.ndarray,
        batch_size: int,
        seed: int | None = None,
        epoch: int = 0,
    ) -> None:
        super().__init__(workers=1)
        self.inputs, self.targets, self.indices, self.batch_size = inputs, targets, indices, batch_size
        self.seed, self.epoch = seed, epoch
        self._order()

    def __len__(self) -> int:
        return -(-len(self.indices) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        rows = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        return self.inputs[rows].astype(np.float32, copy=False), self.targets[rows]

    def on_epoch_end(self) -> None:
        self.epoch += 1
        self._order()

    def _order(self) -> None:
        if self.seed is None:
            self.order = self.indices
        else:
            self.order = np.random.default_rng([self.seed, self.epoch]).permutation(self.indices)


class _KeepBest(keras.callbacks.Callback):
    """Writes the history, keeps the best weights of the whole trial so far, stops a phase that no longer improves."""

    def __init__(
        self, fit: Fit, seed: int, number: int, stage: _Stage, patience: int, on_epoch: Callable[[Row], None]
    ) -> None:
        super().__init__()
        self.fit_record, self.seed, self.number, self.stage = fit, seed, number, stage
        self.patience, self.on_epoch, self.waited = patience, on_epoch, 0

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        self.weights = self.model.get_weights()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        row = self._row(epoch + 1, logs or {})
        self.fit_record.history.append(row)
        self.fit_record.epoch_ended.append(datetime.now(UTC).isoformat(timespec="milliseconds"))
        best = self.fit_record.best
        if not best or row["val_loss"] < best["val_loss"]:
            self.fit_record.best, self.weights, self.waited = row, self.model.get_weights(), 0
        else:
            self.waited += 1
            self.model.stop_training = self.waited >= self.patience
        self.on_epoch(row)

    def restore(self) -> None:
        """A phase ends at the best epoch so far, and the next one goes on from there."""
        self.model.set_weights(self.weights)

    def _row(self, epoch: int, logs: dict[str, float]) -> Row:
        return {
            "seed": self.seed,
            "phase": self.number,
            "epoch": epoch,
            "learning_rate": float(self.model.optimizer.learning_rate),
            "trainable_parameters": self.stage.trainable_parameters,
            "train_loss": float(logs["loss"]),
            "train_accuracy": float(logs["accuracy"]),
            "val_loss": float(logs["val_loss"]),
            "val_accuracy": float(logs["val_accuracy"]),
        }


def _reset(optimizer: keras.optimizers.Optimizer) -> None:
    """Back to a fresh optimizer: no steps made, no moments kept."""
    for variable in optimizer.variables:
        if variable.name != "learning_rate":
            variable.assign(np.zeros(variable.shape, dtype=variable.dtype))
