"""The fit loop of every network: phase after phase on what is not frozen, from the best epoch of the phase before."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import keras
import numpy as np

from pipeline.folding import FoldedModel
from pipeline.network import Network, hash_weights, weights_by_layer
from pipeline.params.training.settings import Training
from pipeline.params.training.strategies import Phase, Strategy
from pipeline.tasks import Task
from pipeline.training.batches import Examples, Split, as_read_by_keras, batches_of_epochs
from pipeline.training.checkpoint import Checkpoint
from pipeline.training.devices import are_several
from pipeline.training.kept.activations import Activations, ActivationStore
from pipeline.training.losses import loss_of
from pipeline.training.optimizers import make_optimizer
from pipeline.training.phases import ReadyPhase, trace
from pipeline.training.progress import Fit, PhaseProgress, Row, TrialState
from pipeline.training.replicas import ReplicatedModel, summed

log = logging.getLogger("kiyas")

TRACED_ON = 2  # examples: graphs hold for batches of any size


class FrozenWeightsMoved(RuntimeError):
    """Layers that a phase froze are not bit-identical afterwards; the result would not be what it says it is."""


class Trainer:
    """Trains one candidate: the same network, from its starting weights, once for each seed.

    Rebuilding a network for each seed would trace it again (half a minute for a ResNet50). So a phase is compiled once
    and its optimizer is reset between trials; a test shows that the result is that of a fresh one.
    """

    def __init__(
        self,
        network: Network,
        examples: Examples,
        strategy: Strategy,
        task: Task,
        settings: Training,
        store: ActivationStore,
        train_size: int,
    ) -> None:
        """Make every phase ready, and the activations that it is trained on.

        Args:
            train_size: about how many examples a seed trains on; learning rate schedules count its steps.
        """
        self.network, self.examples, self.settings, self.store = network, examples, settings, store
        self.task, self.layer_decay = task, strategy.layer_decay
        self.has_several_devices = are_several()
        self.steps_per_epoch = -(-train_size // settings.batch_size)
        self.pretrained = weights_by_layer(network.model.layers)
        started = time.perf_counter()
        lengths = [self._prefix_length(plan) for plan in strategy.phases]
        for length in sorted(set(lengths)):  # the lowest first: the higher ones go on from it
            self._views(length)
        numbered = enumerate(zip(strategy.phases, lengths, strict=True), start=1)
        self.phases = [self._make_ready(number, plan, length) for number, (plan, length) in numbered]
        self.setup_seconds = time.perf_counter() - started - store.seconds_spent

    def run(
        self,
        seed: int,
        train: np.ndarray,
        val: np.ndarray,
        on_epoch: Callable[[Row], None] = lambda row: None,
        checkpoint: Checkpoint | None = None,
        measured: Callable[[Row], Row] = lambda earlier: earlier,
    ) -> Fit:
        """Train one trial; afterwards the network holds the weights of its best epoch.

        Args:
            train: indices of the training examples.
            val: indices of the validation examples.
            on_epoch: called with each finished row of the history; also with those of an earlier, killed run.
            checkpoint: where the trial goes on if it was killed, and what it keeps after each epoch.
            measured: what the trial took by now, from what an earlier, killed run took: see `Fit.measured`.

        Raises:
            FrozenWeightsMoved: when a frozen layer changed.
            DivergedError: when no epoch had a finite validation loss.
        """
        self.start(seed, train)
        state = self._state_of(seed, checkpoint)
        earlier = state.fit.measured
        for row in state.fit.history:
            on_epoch(row)

        def after_epoch(state: TrialState) -> None:
            state.fit.measured = measured(earlier)
            if checkpoint:
                checkpoint.save(state)
            on_epoch(state.fit.history[-1])

        self.go_on(state, (train, val), after_epoch)
        state.refuse_divergence()
        state.fit.measured = measured(earlier)
        return state.fit

    def start(self, seed: int, train: np.ndarray) -> None:
        """Give the network the weights that the seed starts with.

        Args:
            train: indices of the training examples.
        """
        self.network.initialise(seed, self.pretrained)
        if self.network.adapt:
            self.network.adapt(self.examples.images, self.examples.targets, train)

    def go_on(
        self,
        state: TrialState,
        split: Split,
        after_epoch: Callable[[TrialState], None] = lambda state: None,
        pauses: Callable[[TrialState], bool] = lambda state: False,
    ) -> bool:
        """Train from where the state is, and the network with it, to the trial's end; then it holds the best weights.

        Args:
            split: indices of the training and the validation examples.
            after_epoch: called once the state holds the epoch.
            pauses: whether to stop after the epoch that the state holds.

        Returns:
            Whether the end was reached.
        """
        clock = _Clock(self.store, already=state.fit.fit_seconds)

        def timed(state: TrialState) -> None:
            state.fit.fit_seconds = clock.seconds()
            after_epoch(state)

        for phase in self.phases:
            if phase.number >= state.phase and not self._train_phase(phase, split, state, timed, pauses):
                return False
        state.end_trial()
        state.fit.activation_seconds = state.activation_seconds()
        state.fit.images_seen = len(state.fit.history) * len(split[0])
        state.fit.fit_seconds = clock.seconds()
        return True

    def _prefix_length(self, plan: Phase) -> int:
        """How many of the lowest blocks a phase need not compute again; 0 where their output is too large to keep."""
        length = self.network.prefix_length(plan.train)
        return length if length and self.store.fits(self.network, length) else 0

    def _activations(self, length: int, view: int) -> Activations:
        """What the lowest `length` blocks make of the images (view 0) or of an augmented view.

        They are those of the blocks' present weights, which an earlier phase may have trained.
        """
        return self.store.get(self.network, length, view) if length else self.store.view(view)

    def _views(self, length: int) -> list[Activations]:
        """What the lowest `length` blocks make of the images, then of each augmented view."""
        return [self._activations(length, view) for view in range(self.store.views + 1)]

    def _make_ready(self, number: int, plan: Phase, length: int) -> ReadyPhase:
        """Freeze, cut, compile with a fresh optimizer, trace."""
        self.network.freeze_all_but(plan.train)
        kind = ReplicatedModel if self.has_several_devices else FoldedModel
        model = self.network.suffix(length, self.network.prefix_length(plan.train), kind)
        optimizer = self._make_optimizer(number, plan)
        loss, score = loss_of(self.task, self.network), self.task.keras_metric()
        loss = summed(loss) if self.has_several_devices else loss
        model.compile(optimizer, loss, metrics=[score], jit_compile=False)
        optimizer.build(model.trainable_variables)
        few = np.arange(min(max(TRACED_ON, self.settings.devices), len(self.examples.targets)))
        inputs = [self._activations(length, 0).values]
        trace(model, *batches_of_epochs(self.examples, self.settings, inputs, (few, few), seed=0, epoch=0))
        self.network.initialise(0, self.pretrained)  # as it was before tracing
        count = int(sum(np.prod(variable.shape) for variable in model.trainable_variables))
        return ReadyPhase(number, plan, model, length, count, self.task.score, self.network.target_deviation)

    def _make_optimizer(self, number: int, plan: Phase) -> keras.optimizers.Optimizer:
        """A fresh one for the phase of this number."""
        decay = self.settings.weight_decay
        return make_optimizer(self.network, plan, self.layer_decay, decay, self.steps_per_epoch)

    def _state_of(self, seed: int, checkpoint: Checkpoint | None) -> TrialState:
        """Of a trial that starts, or the one that a killed trial had come to, whose weights the network gets."""
        state = checkpoint.load() if checkpoint else None
        if state is None:
            return TrialState(seed, Fit(setup_seconds=self.setup_seconds))
        epochs = len(state.fit.history)
        log.info("  seed %d goes on after epoch %d, where an earlier run was stopped", seed, epochs)
        self.network.assign(state.variables)
        return state

    def _train_phase(
        self,
        phase: ReadyPhase,
        split: Split,
        state: TrialState,
        after_epoch: Callable[[TrialState], None],
        pauses: Callable[[TrialState], bool],
    ) -> bool:
        """Train what the phase names, from where the state is to the phase's best epoch; False where it paused."""
        views = self._views(phase.prefix_length)
        for read in (*views, *self._views(0)):
            state.charge(read.key, read.seconds, read.below)
        frozen = self.network.freeze_all_but(phase.plan.train)
        before = hash_weights(frozen)
        self._begin_phase(phase, state)
        progress = PhaseProgress(state, phase, self.settings, after_epoch, pauses)
        if progress.epochs_left():
            self._fit(phase, views, split, progress)
        if not progress.has_paused:
            state.end_phase()
        if hash_weights(frozen) != before:
            raise FrozenWeightsMoved(
                f"phase {phase.number} ({phase.plan.train}): frozen layers changed while the rest was trained"
            )
        if progress.has_paused:
            return False
        state.fit.phases.append(phase.describe())
        return True

    def _begin_phase(self, phase: ReadyPhase, state: TrialState) -> None:
        phase.reset_optimizer(state.optimizer if phase.number == state.phase else ())
        models = [earlier.model for earlier in self.phases[: phase.number]]
        trained = self.network.places(phase.model)
        state.begin_phase(phase.number, self.network.variables_in(models), trained, phase.model.optimizer.variables)

    def _fit(self, phase: ReadyPhase, views: list[Activations], split: Split, progress: PhaseProgress) -> None:
        first = len(progress.state.fit.history)
        values, seed = [view.values for view in views], progress.state.seed
        training, validation = batches_of_epochs(self.examples, self.settings, values, split, seed, first)
        phase.model.fit(
            as_read_by_keras(training),
            validation_data=as_read_by_keras(validation),
            initial_epoch=first,
            epochs=first + progress.epochs_left(),
            shuffle=False,
            callbacks=[progress],
            verbose=0,
        )


class _Clock:
    """Seconds of training alone: those of an earlier, killed run counted, those of making activations not."""

    def __init__(self, store: ActivationStore, already: float) -> None:
        self.store, self.already = store, already
        self.started, self.spent_before = time.perf_counter(), store.seconds_spent

    def seconds(self) -> float:
        spent_on_activations = self.store.seconds_spent - self.spent_before
        return self.already + time.perf_counter() - self.started - spent_on_activations
