"""Phases freeze what they say, go on from each other, keep the best epoch, and repeat bit for bit."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest

from pipeline.network import hash_weights, weights_by_layer
from pipeline.params.training.strategies import Phase, Strategy
from pipeline.training.batches import batches_of_epochs
from pipeline.training.phases import ReadyPhase
from pipeline.training.progress import DivergedError
from pipeline.training.trainer import FrozenWeightsMoved, Trainer

TRAIN, VAL = np.arange(48), np.arange(48, 70)
Build = Callable[..., Trainer]


def strategy(*trains: str, epochs: int = 2, layer_decay: float = 1.0) -> Strategy:
    phases = [Phase(train=train, epochs=epochs, learning_rate=1e-2) for train in trains]
    return Strategy(phases=phases, layer_decay=layer_decay)


def test_a_phase_changes_exactly_the_layers_that_it_names(shared_trainer: Build) -> None:
    """Also no BatchNorm statistics of frozen blocks, though `fit` runs over them."""
    body = {part: {f"{part}_conv", f"{part}_bn"} for part in "abc"}
    named = {
        "head": {"head"},
        "top 1": {"head"} | body["c"],
        "top 2": {"head"} | body["c"] | body["b"],
        "block 1": {"head"} | body["a"],
        "all": {"head"} | body["c"] | body["b"] | body["a"],
    }
    trainer = shared_trainer(strategy(*named, epochs=1))
    layers = trainer.network.model.layers
    trainer.network.initialise(0, trainer.pretrained)
    states = [weights_by_layer(layers)]
    trainer.run(0, TRAIN, VAL, on_epoch=lambda row: states.append(weights_by_layer(layers)))
    for (train, moved), before, after in zip(named.items(), states[:-1], states[1:], strict=True):
        pairs = {name: zip(before[name], after[name], strict=True) for name in before}
        assert {name for name in before if any((x != y).any() for x, y in pairs[name])} == moved, train


def test_training_stops_when_a_frozen_layer_moved(shared_trainer: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = shared_trainer(strategy("head", "top 1"))
    fit = trainer._fit

    def meddle(phase: ReadyPhase, *arguments: object) -> None:
        fit(phase, *arguments)  # type: ignore[arg-type]
        if phase.number == 2:
            layer = trainer.network.model.get_layer("a_conv")
            layer.set_weights([weight + 1e-6 for weight in layer.get_weights()])

    monkeypatch.setattr(trainer, "_fit", meddle)
    with pytest.raises(FrozenWeightsMoved, match="top 1"):
        trainer.run(0, TRAIN, VAL)


def test_epochs_number_on_over_phases_and_each_row_counts_what_was_trained(shared_trainer: Build) -> None:
    trainer = shared_trainer(strategy("head", "top 1", "all"))
    history = trainer.run(0, TRAIN, VAL).history
    assert [row["epoch"] for row in history] == [1, 2, 3, 4, 5, 6]
    assert [row["phase"] for row in history] == [1, 1, 2, 2, 3, 3]
    head, top, everything = (history[index]["trainable_parameters"] for index in (0, 2, 4))
    assert head == 8 * 3 + 3
    assert top == head + (6 * 8 * 9 + 8) + 2 * 8
    assert everything == top + (4 * 6 * 9 + 6) + 2 * 6 + (3 * 4 * 9 + 4) + 2 * 4


def test_kept_activations_give_the_losses_of_plain_training(trainer_of: Build) -> None:
    """Also those of blocks that an earlier phase has trained."""
    trains = ("top 1", "head", "top 2", "head", "all")
    kept = trainer_of(strategy(*trains, layer_decay=2.6)).run(0, TRAIN, VAL).history
    plain = trainer_of(strategy(*trains, layer_decay=2.6), limit_gb=0).run(0, TRAIN, VAL).history
    for key in ("train_loss", "val_loss"):
        np.testing.assert_allclose([row[key] for row in kept], [row[key] for row in plain], rtol=1e-3)


def test_what_is_frozen_is_computed_once_for_all_phases_and_seeds(
    trainer_of: Build, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="kiyas"):
        trainer = trainer_of(strategy("head", "top 1", "top 2", "all", epochs=1))
        for seed in (0, 1):
            trainer.run(seed, TRAIN, VAL)
    assert [record.args[0] for record in caplog.records if "computing" in record.msg] == ["activations"] * 3


def test_a_trial_does_not_depend_on_the_trials_before_it(shared_trainer: Build, trainer_of: Build) -> None:
    fresh, trainer = trainer_of(strategy("head", "top 1", "all")), shared_trainer(strategy("head", "top 1", "all"))
    alone = fresh.run(1, TRAIN, VAL).history
    weights = hash_weights(fresh.network.model.layers)
    trainer.run(0, TRAIN, VAL)
    assert trainer.run(1, TRAIN, VAL).history == alone
    assert hash_weights(trainer.network.model.layers) == weights


def test_a_phase_is_traced_once_for_all_seeds(trainer_of: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    traced: list[keras.Model] = []
    step = keras.Model.train_step
    monkeypatch.setattr(keras.Model, "train_step", lambda self, data: traced.append(self) or step(self, data))
    trainer = trainer_of(strategy("head", "top 1"))
    trainer.run(0, TRAIN, VAL)
    trainer.run(1, TRAIN, VAL)
    assert traced == [phase.model for phase in trainer.phases]


def test_a_seed_throws_away_nothing_that_tensorflow_has_made_ready(
    shared_trainer: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = shared_trainer(strategy("head"))
    tf = pytest.importorskip("tensorflow")
    monkeypatch.setattr(tf.random, "set_seed", lambda seed: pytest.fail("TensorFlow drops its compiled functions"))
    trainer.run(0, TRAIN, VAL)


def test_seeds_differ(shared_trainer: Build) -> None:
    trainer = shared_trainer(strategy("head"))
    assert trainer.run(0, TRAIN, VAL).history[0]["train_loss"] != trainer.run(1, TRAIN, VAL).history[0]["train_loss"]


def test_the_network_ends_with_the_weights_of_its_best_epoch(trainer_of: Build) -> None:
    trainer = trainer_of(strategy("head", "all", epochs=6))
    fit = trainer.run(0, TRAIN, VAL)
    assert fit.best["val_loss"] == min(row["val_loss"] for row in fit.history)
    assert validation_loss(trainer) == pytest.approx(fit.best["val_loss"], rel=1e-3, abs=1e-6)


def validation_loss(trainer: Trainer) -> float:
    images, targets = trainer.examples.images[VAL].astype(np.float32), trainer.examples.targets[VAL]
    probabilities = trainer.network.model.predict(images, verbose=0)
    return float(-np.log((probabilities * targets).sum(axis=1)).mean())


@pytest.mark.parametrize("opened", ["top 1", "block 1"])
def test_a_phase_goes_on_from_the_one_before_though_that_was_a_setback(trainer_of: Build, opened: str) -> None:
    phases = [
        Phase(train="head", epochs=4, learning_rate=1e-2),
        Phase(train=opened, epochs=1, learning_rate=30.0),
        Phase(train="head", epochs=1, learning_rate=1e-9),
    ]
    trainer = trainer_of(Strategy(phases=phases))
    fit = trainer.run(0, TRAIN, VAL)
    setback, after = fit.history[-2], fit.history[-1]
    assert fit.best["phase"] == 1
    assert setback["val_loss"] > 1.1 * fit.best["val_loss"]
    assert after["val_loss"] == pytest.approx(setback["val_loss"], rel=1e-3)
    assert validation_loss(trainer) == pytest.approx(fit.best["val_loss"], rel=1e-3, abs=1e-6)


def test_the_best_of_a_later_phase_holds_what_other_blocks_learned_before_it(trainer_of: Build) -> None:
    phases = [
        Phase(train="head", epochs=2, learning_rate=1e-3),
        Phase(train="block 1", epochs=3, learning_rate=1e-2),
        Phase(train="head", epochs=4, learning_rate=1e-2),
    ]
    trainer = trainer_of(Strategy(phases=phases))
    fit = trainer.run(0, TRAIN, VAL)
    assert fit.best["phase"] == 3
    assert validation_loss(trainer) == pytest.approx(fit.best["val_loss"], rel=1e-3, abs=1e-6)


def test_the_history_has_the_rate_of_each_epochs_last_step(trainer_of: Build) -> None:
    phase = Phase(train="head", epochs=3, learning_rate=1e-2, schedule="staircase")
    history = trainer_of(Strategy(phases=[phase])).run(0, TRAIN, VAL).history
    assert [row["learning_rate"] for row in history] == pytest.approx([1e-2, 1e-3, 1e-4])


def test_a_phase_that_diverges_ends_and_the_trial_keeps_what_was_best_before(trainer_of: Build) -> None:
    phases = [
        Phase(train="head", epochs=2, learning_rate=1e-3),
        Phase(train="all", epochs=9, learning_rate=1e30),
        Phase(train="head", epochs=1, learning_rate=1e-3),
    ]
    trainer = trainer_of(Strategy(phases=phases))
    fit = trainer.run(0, TRAIN, VAL)
    assert [row["phase"] for row in fit.history].count(2) <= 2
    assert not np.isfinite([row["val_loss"] for row in fit.history if row["phase"] == 2]).all()
    assert validation_loss(trainer) == pytest.approx(fit.best["val_loss"], rel=1e-3, abs=1e-6)
    with pytest.raises(DivergedError, match="seed 0: no epoch had a finite validation loss"):
        trainer_of(Strategy(phases=phases[1:2])).run(0, TRAIN, VAL)


def test_without_early_stopping_every_epoch_is_trained_and_the_last_one_kept(trainer_of: Build) -> None:
    runaway = Strategy(phases=[Phase(train="all", epochs=6, learning_rate=5.0)])
    assert len(trainer_of(runaway, patience=1).run(0, TRAIN, VAL).history) < 6
    fit = trainer_of(runaway, patience=1, early_stopping=False).run(0, TRAIN, VAL)
    assert len(fit.history) == 6 and fit.best == fit.history[-1]
    assert fit.best["val_loss"] > min(row["val_loss"] for row in fit.history)


def test_a_phase_that_no_longer_improves_is_cut_short(trainer_of: Build) -> None:
    runaway = Strategy(phases=[Phase(train="all", epochs=60, learning_rate=5.0)])
    history = trainer_of(runaway).run(0, TRAIN, VAL).history
    best = min(range(len(history)), key=lambda index: history[index]["val_loss"])
    assert len(history) < 60
    assert len(history) - 1 - best == 8  # the patience of the settings


def test_cost_charges_shared_work_in_full_to_every_seed(shared_trainer: Build) -> None:
    trainer = shared_trainer(strategy("head", "top 1"))
    first, second = trainer.run(0, TRAIN, VAL), trainer.run(1, TRAIN, VAL)
    assert first.activation_seconds == second.activation_seconds > 0
    assert first.setup_seconds == second.setup_seconds > 0


def test_label_smoothing_changes_what_is_trained_on_but_not_what_is_validated_on(
    trainer_of: Build, shared_trainer: Build
) -> None:
    trainer = trainer_of(strategy("head"), label_smoothing=0.3)
    examples = trainer.examples
    training, validation = batches_of_epochs(examples, trainer.settings, [examples.images], (TRAIN, VAL), 0, 0)
    np.testing.assert_allclose(np.sort(training[0][1], axis=1), [[0.1, 0.1, 0.8]] * 16, rtol=1e-6)
    assert set(np.unique(validation[0][1])) == {0.0, 1.0}
    assert trainer.run(0, TRAIN, VAL).history != shared_trainer(strategy("head")).run(0, TRAIN, VAL).history


def test_balanced_class_weights_reach_the_loss(trainer_of: Build, shared_trainer: Build) -> None:
    few = np.array([*range(0, 48, 3), 1, 2])  # sixteen of one class, one of each other
    weighted = trainer_of(strategy("head"), class_weights="balanced").run(0, few, VAL).history
    plain = shared_trainer(strategy("head")).run(0, few, VAL).history
    assert weighted[0]["train_loss"] != plain[0]["train_loss"]
    assert weighted[0]["train_accuracy"] == plain[0]["train_accuracy"]
