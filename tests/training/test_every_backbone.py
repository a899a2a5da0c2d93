"""What fine-tuning promises holds for every backbone: random weights, the smallest input, a few steps a phase.

Keras runs eagerly here: tracing a ResNet50 takes half a minute, and what is promised does not depend on it.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.configuration.loading import load_params
from pipeline.models.networks.finetuned import build_finetuned
from pipeline.models.networks.heads import head_for
from pipeline.network import weights_by_layer
from pipeline.params.schema.backbones import load_backbone
from pipeline.params.schema.rows import row_names
from pipeline.params.training.settings import Training
from pipeline.params.training.strategies import Phase, Strategy
from pipeline.training.batches import Examples
from pipeline.training.kept.activations import ActivationStore
from pipeline.training.trainer import Trainer

PHASES = ["head", "top 1", "block 1", "all"]
SETTINGS = Training(batch_size=4, patience=8, head_dropout=0.2, weight_decay=1e-4)
TRAIN, VAL = np.arange(4), np.arange(4, 8)


@pytest.fixture(autouse=True)
def eagerly(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    tf.config.run_functions_eagerly(True)
    monkeypatch.setattr("pipeline.training.trainer.trace", lambda *arguments: None)  # there is no graph to build
    yield
    tf.config.run_functions_eagerly(False)
    keras.utils.clear_session()
    gc.collect()  # eleven networks with four optimizers each are more than a machine should hold


def make_trainer(backbone: str, trains: list[str], folder: Path, limit_gb: float = 1.0) -> Trainer:
    """A trainer with one epoch a phase; the weights are those of one fixed seed, as if they came from a file."""
    row = load_backbone(backbone)
    size, head = row.smallest_input, head_for("multiclass", 3)
    weights = folder / f"{backbone}.weights.h5"
    if not weights.exists():
        keras.utils.set_random_seed(7)
        constructor = getattr(keras.applications, row.constructor)
        constructor(include_top=False, weights=None, input_shape=(size, size, 3)).save_weights(weights)
    network = build_finetuned(row, size, head, 0.2, weights)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (8, size, size, 3)).astype(np.uint8)
    examples = Examples(images, head.targets(np.arange(8) % 3), "noise")
    strategy = Strategy(phases=[Phase(train=train, epochs=1, learning_rate=1e-4) for train in trains], layer_decay=2.6)
    store = ActivationStore(images, "noise", limit_gb, folder / "activations")
    return Trainer(network, examples, strategy, head.task, SETTINGS, store, train_size=len(TRAIN))


@pytest.mark.filterwarnings("ignore:Even though the")
@pytest.mark.parametrize("backbone", row_names("backbones.yaml"))
def test_phases_train_what_they_say_and_kept_activations_change_no_loss(backbone: str, tmp_path: Path) -> None:
    trainer = make_trainer(backbone, PHASES, tmp_path)
    network, states = trainer.network, []
    layers = network.model.layers
    train_phase = trainer._train_phase

    def watched(*arguments: object) -> None:
        before = weights_by_layer(layers)
        train_phase(*arguments)  # type: ignore[arg-type]
        after = weights_by_layer(layers)
        states.append({name for name in before if _differ(before[name], after[name])})

    trainer._train_phase = watched  # type: ignore[method-assign]
    kept = trainer.run(0, TRAIN, VAL).history
    for train, moved, phase in zip(PHASES, states, trainer.phases, strict=True):
        named = {layer.name for layer in network.head}
        named |= {layer.name for block in network.trained_blocks(train) for layer in network.blocks[block]}
        trained = [layer for layer in layers if layer.name in named and not _is_batch_norm(layer)]
        assert phase.trainable_parameters == sum(layer.count_params() for layer in trained), train
        assert moved <= {layer.name for layer in trained}, train
    plain = make_trainer(backbone, PHASES, tmp_path, limit_gb=0).run(0, TRAIN, VAL).history
    for key in ("train_loss", "val_loss"):
        np.testing.assert_allclose([row[key] for row in kept], [row[key] for row in plain], rtol=2e-3)


def _is_batch_norm(layer: keras.Layer) -> bool:
    return isinstance(layer, keras.layers.BatchNormalization)


def _differ(before: list[np.ndarray], after: list[np.ndarray]) -> bool:
    return any((x != y).any() for x, y in zip(before, after, strict=True))


@pytest.mark.parametrize("strategy", load_params().strategies)
def test_every_strategy_that_ships_can_be_cut_for_every_backbone(strategy: str) -> None:
    phases = load_params().strategies[strategy].phases
    for backbone in row_names("backbones.yaml"):
        blocks = len(load_backbone(backbone).blocks)
        for phase in phases:
            kind, _, number = phase.train.partition(" ")
            assert kind in {"head", "all"} or 1 <= int(number) <= blocks, (backbone, phase.train)
