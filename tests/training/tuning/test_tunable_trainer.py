"""A network that is traced once for all settings trains as one that is made for each of them, to the last bit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from pipeline.network import hash_weights
from pipeline.params.training.search import Search
from pipeline.params.training.strategies import Phase, Strategy
from pipeline.tasks import MULTICLASS
from pipeline.training.batches import Examples
from pipeline.training.checkpoint import Checkpoint
from pipeline.training.kept.activations import ActivationStore
from pipeline.training.progress import TrialState
from pipeline.training.trainer import Trainer
from pipeline.training.tuning.effort import Effort
from pipeline.training.tuning.halving import choose_affordable
from pipeline.training.tuning.settings import Changes, Setting, make_setting, settings_of
from pipeline.training.tuning.trainer import TunableTrainer
from pipeline.training.tuning.tuner import Tuned, Tuner
from tests.training.conftest import SETTINGS, make_network

TRAIN, VAL = np.arange(48), np.arange(48, 70)
RECIPE = Strategy(
    phases=[
        Phase(train="head", epochs=2, learning_rate=1e-2),
        Phase(train="all", epochs=4, learning_rate=3e-3, schedule="cosine", warmup_epochs=1),
    ]
)
EFFORT = Effort([4.0, 2.0, 1.0], 0.1)


def tuner_of(examples: Examples, folder: Path, choices: Sequence[Setting]) -> Tuner:
    store = ActivationStore(examples.images, examples.sha256, 1.0, folder / "kept")
    parts = {"examples": examples, "task": MULTICLASS, "settings": SETTINGS, "store": store, "train_size": 48}
    trainer = TunableTrainer(make_network(), choices, **parts)
    return Tuner(trainer, EFFORT, 0, (TRAIN, VAL), lambda number: Checkpoint(folder / "waiting" / str(number)))


@pytest.fixture(scope="module")
def tuner(examples: Examples, tmp_path_factory: pytest.TempPathFactory) -> Tuner:
    search = Search(settings=5, trainings=2.0)
    chosen = choose_affordable(settings_of(RECIPE, SETTINGS.weight_decay, search, True), EFFORT, search)
    return tuner_of(examples, tmp_path_factory.mktemp("tuned"), chosen)


@pytest.fixture(scope="module")
def tuned(tuner: Tuner) -> Tuned:
    return tuner.tune()


def alone(trainer_in: Callable[..., Trainer], folder: Path, setting: Setting) -> Trainer:
    return trainer_in(folder, setting.strategy, weight_decay=setting.weight_decay)


EVERYTHING = Changes(
    learning_rate=3.0, epochs=0.5, schedule="one_cycle", head_epochs=1, layer_decay=2.6, weight_decay=0.3
)


def test_a_setting_trains_as_if_its_network_were_made_for_it(
    tuner: Tuner, trainer_in: Callable[..., Trainer], tmp_path: Path
) -> None:
    setting = make_setting("asked", EVERYTHING, RECIPE, SETTINGS.weight_decay)
    tuner.trainer.use(setting)
    many = tuner.trainer.run(3, TRAIN, VAL)
    weights = [variable.numpy() for variable in tuner.trainer.network.model.weights]
    trainer = alone(trainer_in, tmp_path, setting)
    one = trainer.run(3, TRAIN, VAL)
    assert many.history == one.history and many.phases == one.phases
    for first, second in zip(weights, trainer.network.model.weights, strict=True):
        np.testing.assert_array_equal(first, second.numpy())


def test_what_is_chosen_is_trained_as_if_alone_though_it_paused_again_and_again(
    tuner: Tuner, tuned: Tuned, trainer_in: Callable[..., Trainer], tmp_path: Path
) -> None:
    waiting = tuner.checkpoint_of(tuned.chosen).path.parent
    assert set(waiting.parent.iterdir()) <= {waiting}, "what was not chosen has left the disk"
    fit = tuner.restore(tuned.chosen)
    assert not list(waiting.parent.iterdir())
    restored = [variable.numpy() for variable in tuner.trainer.network.model.weights]
    setting = tuner.trainer.choices[tuned.chosen]
    assert setting.strategy.phases[1].schedule == "cosine" and setting.changes != Changes()
    trainer = alone(trainer_in, tmp_path, setting)
    one = trainer.run(0, TRAIN, VAL)
    assert fit.history == one.history and fit.best == one.best and fit.phases == one.phases
    for first, second in zip(restored, trainer.network.model.weights, strict=True):
        np.testing.assert_array_equal(first, second.numpy())


def test_what_is_chosen_ends_with_its_best_epoch_though_a_later_phase_was_a_setback(
    examples: Examples, tmp_path: Path
) -> None:
    phases = [Phase(train="head", epochs=2, learning_rate=1e-2), Phase(train="block 1", epochs=1, learning_rate=30.0)]
    setback = make_setting("recipe", Changes(), Strategy(phases=phases), SETTINGS.weight_decay)
    tuner = tuner_of(examples, tmp_path, [setback])
    fit, layers = tuner.trainer.run(0, TRAIN, VAL), tuner.trainer.network.model.layers
    assert fit.best["phase"] == 1
    expected = hash_weights(layers)
    assert tuner.restore(tuner.tune().chosen).best == fit.best and hash_weights(layers) == expected


def test_a_setting_that_diverges_is_not_chosen_and_its_loss_is_null(examples: Examples, tmp_path: Path) -> None:
    strategy = Strategy(phases=[Phase(train="all", epochs=2, learning_rate=1e-3)])
    rates = {"recipe": 1.0, "runaway": 1e33}
    choices = [
        make_setting(name, Changes(learning_rate=rate), strategy, SETTINGS.weight_decay) for name, rate in rates.items()
    ]
    tuned = tuner_of(examples, tmp_path, choices).tune()
    assert tuned.chosen == 0
    assert tuned.tried[1]["val_loss"] is None and tuned.tried[0]["val_loss"] is not None


def test_the_recipe_is_trained_to_its_end_and_nothing_worse_is_chosen(tuned: Tuned) -> None:
    recipe, chosen = tuned.tried[0], tuned.tried[tuned.chosen]
    assert recipe["name"] == "recipe" and recipe["ended"] and chosen["ended"]
    assert chosen["val_loss"] <= recipe["val_loss"]
    assert chosen["val_loss"] == min(entry["val_loss"] for entry in tuned.tried if entry["ended"])
    assert len(tuned.tried) == len(tuned.seconds) == 5


def test_a_setting_that_was_dropped_was_not_trained_to_its_end(tuned: Tuned) -> None:
    dropped = [entry for entry in tuned.tried if not entry["ended"]]
    assert dropped and all(entry["epochs"] < 6 and entry["rung"] < 3 for entry in dropped)


def test_trying_settings_costs_no_more_than_the_budget(tuned: Tuned) -> None:
    whole = EFFORT.of_training(RECIPE) + EFFORT.of_activations(RECIPE)
    assert sum(entry["cost"] for entry in tuned.tried) - tuned.tried[tuned.chosen]["cost"] <= 2.0 * whole + 1e-9


class SpoiledInTurn(Checkpoint):
    """What it keeps is damaged every other time that it is read, first the first time."""

    loads = 0

    def load(self) -> TrialState | None:
        self._wait()
        if self.path.exists():
            if self.loads % 2 == 0:
                self.path.write_bytes(self.path.read_bytes()[:-30])
            self.loads += 1
        return super().load()


def test_a_setting_whose_checkpoint_is_damaged_begins_anew_and_comes_to_the_same(
    examples: Examples, tmp_path: Path
) -> None:
    strategy = Strategy(phases=[Phase(train="head", epochs=4, learning_rate=1e-2)])
    tuner = tuner_of(examples, tmp_path, [make_setting("recipe", Changes(), strategy, SETTINGS.weight_decay)])
    expected = tuner.trainer.run(0, TRAIN, VAL)
    weights = hash_weights(tuner.trainer.network.model.layers)
    kept = SpoiledInTurn(tmp_path / "spoiled")
    tuner.checkpoint_of = lambda number: kept
    assert tuner.restore(tuner.tune().chosen).history == expected.history
    assert hash_weights(tuner.trainer.network.model.layers) == weights and kept.loads >= 3
