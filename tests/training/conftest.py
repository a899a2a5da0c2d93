"""A small pretrained-like network: three blocks of convolution and BatchNorm under a head, and examples for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from pipeline.network import Network
from pipeline.params.training.settings import Training
from pipeline.params.training.strategies import Strategy
from pipeline.tasks import MULTICLASS
from pipeline.training.batches import Examples
from pipeline.training.kept.activations import ActivationStore
from pipeline.training.trainer import Trainer

SETTINGS = Training(batch_size=16, patience=8, head_dropout=0.2, weight_decay=1e-4)


def make_network() -> Network:
    """Blocks a, b, c; the weights are those of one fixed seed, as if they came from a file."""
    keras.utils.set_random_seed(99)
    tensor = image = keras.Input((16, 16, 3), name="image")
    blocks: list[list[keras.Layer]] = []
    for name, filters in (("a", 4), ("b", 6), ("c", 8)):
        layers = [
            keras.layers.Conv2D(filters, 3, padding="same", name=f"{name}_conv"),
            keras.layers.BatchNormalization(name=f"{name}_bn"),
            keras.layers.ReLU(name=f"{name}_relu"),
            keras.layers.MaxPooling2D(name=f"{name}_pool"),
        ]
        for layer in layers:
            tensor = layer(tensor)
        blocks.append(layers)
    pool = keras.layers.GlobalAveragePooling2D(name="pool")
    blocks[-1].append(pool)
    dropout, dense = keras.layers.Dropout(0.2, name="head_dropout"), keras.layers.Dense(3, "softmax", name="head")
    model = keras.Model(image, dense(dropout(pool(tensor))))
    return Network(model, blocks, head=[dropout, dense], fresh=[dropout, dense])


@pytest.fixture(scope="session")
def examples() -> Examples:
    return make_examples()


def make_examples() -> Examples:
    """70 images of three classes that differ in colour."""
    rng = np.random.default_rng(0)
    labels = np.arange(70) % 3
    images = rng.integers(0, 160, (70, 16, 16, 3))
    images[np.arange(70), :, :, labels] += 60
    return Examples(images.astype(np.uint8), np.eye(3, dtype=np.float32)[labels], "examples")


@pytest.fixture(scope="session")
def trainer_in(examples: Examples) -> Callable[..., Trainer]:
    """Builds a trainer with its activations in a folder, for a strategy; the rest as in trainer_of."""

    def build(folder: Path, strategy: Strategy, limit_gb: float = 1.0, **changes: Any) -> Trainer:
        settings = Training.model_validate(SETTINGS.model_dump() | changes)
        store = ActivationStore(examples.images, examples.sha256, limit_gb, folder, settings.augmentation)
        network = make_network()
        return Trainer(network, examples, strategy, MULTICLASS, settings, store, train_size=48)

    return build


@pytest.fixture
def trainer_of(trainer_in: Callable[..., Trainer], tmp_path: Path) -> Callable[..., Trainer]:
    """Builds a trainer for a strategy; `limit_gb=0` keeps no activations; further settings of `training` by name."""
    return partial(trainer_in, tmp_path / "activations")


@pytest.fixture(scope="module")
def shared_trainer(
    trainer_in: Callable[..., Trainer], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Strategy], Trainer]:
    """The module's one trainer of a strategy: a trial does not depend on the trials before it, as a test shows."""
    trainers: dict[str, Trainer] = {}

    def find(strategy: Strategy) -> Trainer:
        key = strategy.model_dump_json()
        if key not in trainers:
            trainers[key] = trainer_in(tmp_path_factory.mktemp("activations"), strategy)
        return trainers[key]

    return find
