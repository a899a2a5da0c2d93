"""The one fit loop: phase after phase on what is not frozen, the best epoch by validation loss kept."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import keras
import numpy as np

from pipeline.network import Network, hash_weights, weights_by_layer
from pipeline.params.strategies import Phase, Strategy
from pipeline.params.training import Training
from pipeline.training.activations import Activations, ActivationStore
from pipeline.training.checkpoint import Checkpoint, Standing
from pipeline.training.optimizers import make_optimizer

log = logging.getLogger("kiyas")

Row = dict[str, Any]
BATCHES_AHEAD = 2  # gathered while the last one is trained on
TRACED_ON = 2  # examples: graphs hold for batches of any size


class FrozenWeightsMoved(RuntimeError):
    """Layers that a phase froze are not bit-identical afterwards; the result would not be what it says it is."""


@dataclass(frozen=True)
class Examples:
    """images (N, S, S, 3) uint8, or rows (N, columns), targets (N, units) float32, and a hash that stands for them."""

    images: np.ndarray
    targets: np.ndarray
    sha256: str

    def smoothed(self, share: float) -> np.ndarray:
        """Targets with a share of each spread evenly over the classes (one sigmoid unit stands for two)."""
        classes = max(self.targets.shape[1], 2)
        return (self.targets * (1 - share) + share / classes).astype(np.float32) if share else self.targets

    def class_weights(self, train: np.ndarray) -> np.ndarray:
        """(N,) float32: N / (classes × examples of its class), counted over the training examples alone."""
        labels = self.targets.argmax(axis=1) if self.targets.shape[1] > 1 else self.targets[:, 0].astype(int)
        counts = np.bincount(labels[train], minlength=labels.max() + 1)
        present = np.count_nonzero(counts)
        return (len(train) / (present * np.maximum(counts, 1)))[labels].astype(np.float32)


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
        score: str = "accuracy",
    ) -> None:
        """
        Args:
            train_size: about how many examples a seed trains on; schedules count its steps.
            score: "accuracy" or "rmse", told beside the loss.
        """
        self.network, self.examples, self.settings, self.store = network, examples, settings, store
        self.score = score
        self.pretrained = weights_by_layer(network.model.layers)
        steps = -(-train_size // settings.batch_size)
        started = time.perf_counter()
        lengths = [self._cut(phase) for phase in strategy.phases]
        for length in sorted(set(lengths)):  # the lowest first: the higher ones go on from it
            for view in range(store.views + 1):
                self._activations(length, view)
        self.stages = [
            self._make_ready(phase, length, strategy.layer_decay, loss, steps)
            for phase, length in zip(strategy.phases, lengths, strict=True)
        ]
        self.setup_seconds = time.perf_counter() - started - store.seconds_spent

    def run(
        self,
        seed: int,
        train: np.ndarray,
        val: np.ndarray,
        on_epoch: Callable[[Row], None] = lambda row: None,
        checkpoint: Checkpoint | None = None,
    ) -> Fit:
        """Train one trial; afterwards the network holds the weights of its best epoch.

        Args:
            train, val: indices into the examples.
            on_epoch: called with each finished row of the history; also with those of an earlier, killed run.
            checkpoint: where the trial goes on if it was killed, and what it keeps after each epoch.

        Raises:
            FrozenWeightsMoved: when a frozen layer changed.
        """
        self.network.initialise(seed, self.pretrained)
        if self.network.adapt:
            self.network.adapt(self.examples.images[train], self.examples.targets[train])
        standing = checkpoint.load() if checkpoint else None
        fit = Fit(**standing.facts) if standing else Fit(setup_seconds=self.setup_seconds)
        if standing:
            log.info("  seed %d goes on after epoch %d, where an earlier run was stopped", seed, len(fit.history))
            _assign(self.network, standing.network)
        for row in fit.history:
            on_epoch(row)
        clock = _Clock(self.store, already=fit.fit_seconds)
        charged: dict[str, Activations] = {}
        trial_best = standing.trial_best if standing else {}
        for number, stage in enumerate(self.stages, start=1):
            sides = self._sides(stage, charged)
            if standing and number < standing.phase:
                continue
            going_on = standing if standing and number == standing.phase else None
            frozen = self.network.freeze_all_but(stage.phase.train)
            before = hash_weights(frozen)
            _reset(stage.model.optimizer)
            best = _Best(self.network, self.network.places([stage.model]), trial_best, going_on)
            callback = _FollowPhase(fit, seed, number, stage, self.settings, best, on_epoch, going_on, self.score)
            if checkpoint:
                models = [earlier.model for earlier in self.stages[:number]]
                callback.after_epoch = partial(self._keep, checkpoint, fit, callback, models, clock)
            self._fit_phase(stage, sides, train, val, seed, callback)
            if hash_weights(frozen) != before:
                raise FrozenWeightsMoved(
                    f"phase {number} ({stage.phase.train}): frozen layers changed while the rest was trained"
                )
            fit.phases.append(stage.describe(number))
        if fit.best != fit.history[-1]:
            _assign(self.network, trial_best)
        fit.activation_seconds = _seconds(charged)
        fit.images_seen = len(fit.history) * len(train)
        fit.fit_seconds = clock.seconds()
        return fit

    def _cut(self, phase: Phase) -> int:
        """How many of the lowest blocks a phase need not compute again; none where what they say is too large."""
        length = self.network.prefix_length(phase.train)
        return length if length and self.store.fits(self.network, length) else 0

    def _make_ready(self, phase: Phase, length: int, layer_decay: float, loss: str, steps: int) -> _Stage:
        """Freeze, cut, compile with a fresh optimizer, trace."""
        self.network.freeze_all_but(phase.train)
        model = self.network.suffix(length)
        optimizer = make_optimizer(self.network, phase, layer_decay, self.settings.weight_decay, steps)
        model.compile(optimizer, loss, metrics=[_metric(self.score)], jit_compile=False)
        optimizer.build(model.trainable_variables)
        self._trace(model, self._activations(length, 0).values)
        count = int(sum(np.prod(variable.shape) for variable in model.trainable_variables))
        return _Stage(phase, model, length, count)

    def _trace(self, model: keras.Model, inputs: np.ndarray) -> None:
        """Have Keras build its graphs now, on few examples, so that no seed pays for them; then undo what that trained.

        Metrics make their variables when they are first used; if that were inside a graph, TensorFlow would trace it
        a second time.
        """
        few = np.arange(min(TRACED_ON, len(inputs)))
        train, val = self._batches([inputs], inputs, few, few, seed=0, first=0)
        model.compute_metrics(None, self.examples.targets[few], self.examples.targets[few])
        model.fit(as_read_by_keras(train), validation_data=as_read_by_keras(val), epochs=1, shuffle=False, verbose=0)
        self.network.initialise(0, self.pretrained)

    def _activations(self, length: int, view: int) -> Activations:
        return self.store.get(self.network, length, view) if length else self.store.view(view)

    def _sides(self, stage: _Stage, charged: dict[str, Activations]) -> tuple[list[np.ndarray], np.ndarray]:
        """What a phase trains on, one array a view, and what it is validated on; never augmented."""
        numbers = range(self.store.views + 1)
        plain, *altered = [self._activations(stage.prefix_length, view) for view in numbers]
        pictures = [self.store.view(number) for number in numbers]
        charged.update({made.key: made for made in (plain, *altered, *pictures)})
        return [made.values for made in altered] or [plain.values], plain.values

    def _batches(
        self,
        views: list[np.ndarray],
        plain: np.ndarray,
        train: np.ndarray,
        val: np.ndarray,
        seed: int,
        first: int,
    ) -> tuple[Batches, Batches]:
        size, settings = self.settings.batch_size, self.settings
        weights = self.examples.class_weights(train) if settings.class_weights == "balanced" else None
        targets = self.examples.smoothed(settings.label_smoothing)
        return (
            Batches(views, targets, train, size, seed=seed, epoch=first, weights=weights),
            Batches([plain], self.examples.targets, val, size),
        )

    def _fit_phase(
        self,
        stage: _Stage,
        sides: tuple[list[np.ndarray], np.ndarray],
        train: np.ndarray,
        val: np.ndarray,
        seed: int,
        callback: _FollowPhase,
    ) -> None:
        first = len(callback.fit_record.history)
        if callback.epochs_left():
            training, validation = self._batches(*sides, train, val, seed, first)
            stage.model.fit(
                as_read_by_keras(training),
                validation_data=as_read_by_keras(validation),
                initial_epoch=first,
                epochs=first + callback.epochs_left(),
                shuffle=False,
                callbacks=[callback],
                verbose=0,
            )
        if callback.waited:
            callback.best.end_phase()

    def _keep(
        self, checkpoint: Checkpoint, fit: Fit, callback: _FollowPhase, models: list[keras.Model], clock: _Clock
    ) -> None:
        fit.fit_seconds, best = clock.seconds(), callback.best
        optimizer = callback.model.optimizer if callback.epochs_left() else None
        checkpoint.save(
            fit, callback.number, callback.waited, self.network, models, optimizer, best.of_phase, best.of_trial
        )


class Batches(keras.utils.PyDataset):
    """Batches gathered from memory-mapped arrays, cast on the fly; with a seed, in an order of (seed, epoch) alone.

    Epochs take the arrays (one a view) in turn, and draw from 1 on: where Keras reads this itself, it calls
    `on_epoch_end` once before the first one (it peeks at the shapes).
    """

    def __init__(
        self,
        views: list[np.ndarray],
        targets: np.ndarray,
        indices: np.ndarray,
        batch_size: int,
        seed: int | None = None,
        epoch: int = 0,
        weights: np.ndarray | None = None,
    ) -> None:
        super().__init__(workers=1)
        self.views, self.targets, self.indices, self.batch_size = views, targets, indices, batch_size
        self.seed, self.epoch, self.weights = seed, epoch, weights
        self._order()

    def __len__(self) -> int:
        return -(-len(self.indices) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        rows = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        view = self.views[(self.epoch - 1) % len(self.views)]
        batch = (view[rows].astype(np.float32, copy=False), self.targets[rows])
        return batch if self.weights is None else (*batch, self.weights[rows])

    def on_epoch_end(self) -> None:
        self.epoch += 1
        self._order()

    def next_epoch(self) -> Iterator[tuple[np.ndarray, ...]]:
        """The batches of the epoch after the last one."""
        self.on_epoch_end()
        for index in range(len(self)):
            yield self[index]

    def _order(self) -> None:
        if self.seed is None:
            self.order = self.indices
        else:
            self.order = np.random.default_rng([self.seed, self.epoch]).permutation(self.indices)


def as_read_by_keras(batches: Batches) -> Any:
    """The batches in the form that costs least on this backend: on TensorFlow, read ahead without being tuned."""
    if keras.backend.backend() != "tensorflow":
        return batches
    import tensorflow as tf

    signature = tuple(tf.TensorSpec((None, *part.shape[1:]), part.dtype) for part in batches[0])
    dataset = tf.data.Dataset.from_generator(batches.next_epoch, output_signature=signature)
    return read_ahead(dataset.apply(tf.data.experimental.assert_cardinality(len(batches))))


def read_ahead(dataset: Any) -> Any:
    """A tf.data.Dataset that has some batches ready, without the thread that tunes the reading.

    Keras, given a PyDataset, would leave that thread on. It sleeps twice as long each time, and the end of an epoch
    waits until it wakes: one of 26 s took 41 s. Nothing here needs tuning.
    """
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.prefetch(BATCHES_AHEAD).with_options(options)


class _Clock:
    """Seconds of training alone: those of an earlier, killed run counted, those of making activations not."""

    def __init__(self, store: ActivationStore, already: float) -> None:
        self.store, self.already = store, already
        self.started, self.made_before = time.perf_counter(), store.seconds_spent

    def seconds(self) -> float:
        made = self.store.seconds_spent - self.made_before
        return self.already + time.perf_counter() - self.started - made


class _Best:
    """The weights of the best epoch of a phase, and of the whole trial, by their place in Network.state().

    A phase goes on from the best epoch of the one before it, even where that was a setback: what opening a block costs
    at first, later epochs and phases can win back. The trial ends with the best epoch of all.
    """

    def __init__(
        self, network: Network, places: list[int], of_trial: dict[int, np.ndarray], standing: Standing | None
    ) -> None:
        """
        Args:
            places: of the weights that belong to the phase's model.
            of_trial: filled by the phases before; this one writes on in it.
        """
        self.state, self.places, self.of_trial = network.state(), places, of_trial
        self.of_phase = standing.phase_best if standing else self._now(places)
        for place in places:  # no phase before has moved it: that is how the best epoch so far left it
            of_trial.setdefault(place, self.of_phase[place])

    def keep(self, of_trial_too: bool) -> None:
        """The epoch that has just ended is the best of its phase, or of the whole trial too."""
        self.of_phase = self._now(self.places)
        if of_trial_too:
            elsewhere = [place for place in self.of_trial if place not in self.of_phase]
            self.of_trial.update(self.of_phase | self._now(elsewhere))

    def end_phase(self) -> None:
        """Back to the best epoch of the phase, where it is not the last one."""
        for place, values in self.of_phase.items():
            self.state[place].assign(values)

    def _now(self, places: list[int]) -> dict[int, np.ndarray]:
        return {place: np.array(self.state[place].numpy()) for place in places}


class _FollowPhase(keras.callbacks.Callback):
    """Writes the history, has the best weights kept, stops a phase that no longer improves.

    Without early stopping every epoch takes the place of the best one before it, so that the last one stays.
    """

    def __init__(
        self,
        fit: Fit,
        seed: int,
        number: int,
        stage: _Stage,
        settings: Training,
        best: _Best,
        on_epoch: Callable[[Row], None],
        going_on: Standing | None = None,
        score: str = "accuracy",
    ) -> None:
        super().__init__()
        self.score = score
        self.fit_record, self.seed, self.number, self.stage = fit, seed, number, stage
        self.settings, self.best, self.on_epoch, self.going_on = settings, best, on_epoch, going_on
        self.waited = going_on.waited if going_on else 0
        self.losses = [row["val_loss"] for row in fit.history if row["phase"] == number]
        self.after_epoch: Callable[[], None] = lambda: None

    def epochs_left(self) -> int:
        """How many epochs this phase may still take; none when it had stopped before its trial was killed."""
        return 0 if self.waited >= self.settings.patience else self.stage.phase.epochs - len(self.losses)

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        if self.going_on:
            for variable, values in zip(self.model.optimizer.variables, self.going_on.optimizer, strict=True):
                variable.assign(values)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        row, fit = self._row(epoch + 1, logs or {}), self.fit_record
        fit.history.append(row)
        fit.epoch_ended.append(datetime.now(UTC).isoformat(timespec="milliseconds"))
        last_is_best = not self.settings.early_stopping
        best_of_phase = last_is_best or not self.losses or row["val_loss"] < min(self.losses)
        best_of_trial = last_is_best or not fit.best or row["val_loss"] < fit.best["val_loss"]
        self.losses.append(row["val_loss"])
        if best_of_trial:
            fit.best = row
        if best_of_phase:
            self.best.keep(of_trial_too=best_of_trial)
            self.waited = 0
        else:
            self.waited += 1
            self.model.stop_training = self.waited >= self.settings.patience
        self.after_epoch()
        self.on_epoch(row)

    def _row(self, epoch: int, logs: dict[str, float]) -> Row:
        return {
            "seed": self.seed,
            "phase": self.number,
            "epoch": epoch,
            "learning_rate": float(self.model.optimizer.learning_rate),
            "trainable_parameters": self.stage.trainable_parameters,
            "train_loss": float(logs["loss"]),
            f"train_{self.score}": float(logs[self.score]),
            "val_loss": float(logs["val_loss"]),
            f"val_{self.score}": float(logs[f"val_{self.score}"]),
        }


def _seconds(charged: dict[str, Activations]) -> float:
    """What making all of these takes: those of a higher cut go on from a lower one."""
    on_the_way = frozenset[str]().union(*(made.below for made in charged.values()))
    return sum(made.seconds for key, made in charged.items() if key not in on_the_way)


def _metric(score: str) -> str | keras.metrics.Metric:
    return keras.metrics.RootMeanSquaredError(name="rmse") if score == "rmse" else score


def _assign(network: Network, values: Mapping[int, np.ndarray]) -> None:
    state = network.state()
    for place, value in values.items():
        state[place].assign(value)


def _reset(optimizer: keras.optimizers.Optimizer) -> None:
    """Back to a fresh optimizer: no steps made, no moments kept."""
    for variable in optimizer.variables:
        if variable.name != "learning_rate":
            variable.assign(np.zeros(variable.shape, dtype=variable.dtype))
