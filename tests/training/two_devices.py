"""The same trainings on one device and on two, in a process of its own: how many there are is settled once for all.

python -m tests.training.two_devices RESULT.json
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pipeline.models.networks.cnn import Architecture, build_cnn
from pipeline.models.networks.heads import head_for
from pipeline.network import Network, hash_weights
from pipeline.params.training.strategies import Phase, Strategy
from pipeline.tasks import MULTICLASS
from pipeline.training.checkpoint import Checkpoint
from pipeline.training.devices import building_for, lack_of_devices, usable_devices
from pipeline.training.kept.activations import ActivationStore
from pipeline.training.progress import Fit, TrialState
from pipeline.training.trainer import Trainer
from tests.training.conftest import SETTINGS, make_examples, make_network

TRAIN, VAL = np.arange(49), np.arange(49, 70)
ARCHITECTURE = Architecture(
    blocks=[{"filters": 4, "kernel": 3}],
    dense=8,
    activation="relu",
    pooling="max",
    dropout=0.3,
    epochs=2,
    learning_rate=1e-2,
)
# Batches of 24 and one of one example: two parts of equal size, and one that is empty.
GRADUAL = {"batch_size": 24, "class_weights": "balanced"}


def phases(*trains: str, **rest: Any) -> Strategy:
    return Strategy(phases=[Phase(train=train, epochs=2, learning_rate=1e-2) for train in trains], **rest)


def make_trainer(
    devices: int, build: Callable[[], Network], strategy: Strategy, folder: str, **changes: Any
) -> Trainer:
    settings = SETTINGS.model_copy(update={"devices": devices, **changes})
    examples = make_examples()
    store = ActivationStore(examples.images, examples.sha256, 1.0, Path(folder))
    with building_for(devices):
        return Trainer(build(), examples, strategy, MULTICLASS, settings, store, train_size=len(TRAIN))


def train(trainer: Trainer) -> dict[str, Any]:
    history = trainer.run(0, TRAIN, VAL).history
    return {
        "history": history,
        "weights": [weight.tolist() for layer in trainer.network.model.layers for weight in layer.get_weights()],
    }


def train_with_a_pause(trainer: Trainer, folder: str) -> list[dict[str, Any]]:
    """As if the process had been killed in the second phase, and gone on in another one."""
    checkpoint = Checkpoint(Path(folder) / "unfinished")
    state = TrialState(0, Fit())
    trainer.start(0, TRAIN)
    trainer.go_on(state, (TRAIN, VAL), checkpoint.save, pauses=lambda state: len(state.fit.history) == 3)
    trainer.start(1, TRAIN)
    return trainer.run(0, TRAIN, VAL, checkpoint=checkpoint).history


def loads_alike(trainer: Trainer, folder: str) -> bool:
    """Whether a saved network is the one that was trained, and one that no device is named in."""
    file = Path(folder) / "saved.keras"
    trainer.network.model.save(file)
    loaded = keras.saving.load_model(file, compile=False)
    norms = [layer for layer in loaded.layers if isinstance(layer, keras.layers.BatchNormalization)]
    same = hash_weights(loaded.layers) == hash_weights(trainer.network.model.layers)
    return same and not any(norm.synchronized for norm in norms)


def main() -> None:
    processor = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
    cnn = partial(build_cnn, ARCHITECTURE, 16, head_for("multiclass", 3))
    gradual = phases("head", "top 1", layer_decay=2.6)
    result: dict[str, Any] = {"usable": [usable_devices(wanted) for wanted in (1, 2, 3)], "note": lack_of_devices(3)}
    with tempfile.TemporaryDirectory() as folder:
        for devices in (1, 2):
            trained = make_trainer(devices, cnn, phases("all"), folder)
            result[f"cnn {devices}"] = train(trained)
            trained = make_trainer(devices, make_network, gradual, folder, **GRADUAL)
            result[f"gradual {devices}"] = train(trained)
        result["saved"] = loads_alike(trained, folder)
        result["resumed"] = train_with_a_pause(trained, folder)
    Path(sys.argv[1]).write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main()
