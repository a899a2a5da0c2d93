"""A network learns a number alike in every unit, and what is told of it is told in the target's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.models.features.layout import layout_of
from pipeline.models.networks.heads import head_for
from pipeline.models.networks.mlp import MlpArchitecture, build_mlp
from pipeline.params.training.settings import Training
from pipeline.params.training.strategies import Phase, Strategy
from pipeline.tasks import REGRESSION
from pipeline.training.batches import Examples
from pipeline.training.checkpoint import Checkpoint
from pipeline.training.kept.activations import ActivationStore
from pipeline.training.progress import Fit, Row
from pipeline.training.trainer import Trainer

TRAIN, VAL = np.arange(60), np.arange(60, 80)
ROWS = np.random.default_rng(0).normal(size=(80, 3))
NUMBERS = (3 * ROWS[:, :1] + 20).astype(np.float32)
UNIT = 2.0**-20  # a power of two: nothing is rounded otherwise


@pytest.fixture(scope="module")
def trainer(tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    architecture = MlpArchitecture(hidden=[4], activation="tanh", dropout=0.0, epochs=6, learning_rate=0.1)
    network = build_mlp(architecture, layout_of([None] * 3, ROWS), head_for("regression", 0))
    settings = Training(batch_size=16, patience=8, head_dropout=0.0, weight_decay=1e-4)
    store = ActivationStore(ROWS, "rows", 0.0, tmp_path_factory.mktemp("kept"), settings.augmentation)
    strategy = Strategy(phases=[Phase(train="all", epochs=6, learning_rate=0.1)])
    return Trainer(network, Examples(ROWS, NUMBERS, "rows"), strategy, REGRESSION, settings, store, train_size=60)


def trained(trainer: Trainer, unit: float, checkpoint: Checkpoint | None = None) -> tuple[np.ndarray, Fit]:
    """(N,) answers, and how the training went."""
    trainer.examples = replace(trainer.examples, targets=NUMBERS * np.float32(unit))
    fit = trainer.run(0, TRAIN, VAL, checkpoint=checkpoint)
    return trainer.network.model.predict_on_batch(ROWS)[:, 0], fit


def test_numbers_that_vary_by_a_millionth_are_learned_as_others_are(trainer: Trainer) -> None:
    (answers, fit), (small, small_fit) = trained(trainer, 1), trained(trainer, UNIT)
    np.testing.assert_allclose(small / UNIT, answers, rtol=1e-5)
    assert np.square(answers - NUMBERS[:, 0]).mean() < 0.2 * NUMBERS.var()
    for key, power in (("train_loss", 2), ("val_loss", 2), ("train_rmse", 1), ("val_rmse", 1)):
        ours, theirs = ([row[key] for row in one.history] for one in (fit, small_fit))
        np.testing.assert_allclose(np.array(theirs) / UNIT**power, ours, rtol=1e-4)
    assert fit.best["val_loss"] == pytest.approx(fit.best["val_rmse"] ** 2, rel=1e-5)


def test_a_killed_trial_of_numbers_goes_on_as_if_nothing_had_happened(trainer: Trainer, tmp_path: Path) -> None:
    answers, fit = trained(trainer, UNIT)
    checkpoint = Checkpoint(tmp_path)

    def kill(row: Row) -> None:
        if row["epoch"] == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trainer.run(0, TRAIN, VAL, on_epoch=kill, checkpoint=checkpoint)
    trained(trainer, 1)
    again, gone_on = trained(trainer, UNIT, checkpoint)
    np.testing.assert_array_equal(again, answers)
    assert gone_on.history == fit.history
