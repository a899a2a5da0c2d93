"""Networks under a check: as their stage plans them, but one step a phase, and all phases on the same few examples.

Keras runs eagerly meanwhile: tracing a ResNet50 takes half a minute, and no promise depends on it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np

from pipeline.datasets.store.prepared import Prepared
from pipeline.evaluation.answers.models import predictor
from pipeline.network import Network, weights_by_layer
from pipeline.operations.checking.examples import VALIDATION
from pipeline.operations.checking.subjects import Phase, Subject, Trained, Weights
from pipeline.params.training.strategies import Phase as PlannedPhase
from pipeline.stages.assembly.training.network_plan import NetworkPlan
from pipeline.training.batches import Examples
from pipeline.training.kept.activations import ActivationStore
from pipeline.training.trainer import Trainer

KEPT_GB, SEED = 1.0, 0


class NetworkSubject(Subject):
    """A network of any family."""

    suffix = ".keras"

    def __init__(self, plan: NetworkPlan, examples: Prepared, folder: Path) -> None:
        """
        Args:
            folder: where activations are kept.
        """
        self.examples = examples
        strategy = plan.strategy.model_copy(update={"phases": [_one_step(phase) for phase in plan.strategy.phases]})
        train = np.arange(len(examples.labels) - VALIDATION)
        self.split = train, np.arange(len(train), len(examples.labels))
        self.network = _built(plan, examples)
        self.phases = [_claims(number, phase, self.network) for number, phase in enumerate(strategy.phases, start=1)]
        with eagerly():
            self.trainer = Trainer(
                self.network,
                Examples(examples.inputs, plan.head.targets(examples.labels), examples.sha256),
                strategy,
                plan.head.task,
                plan.training.model_copy(update={"batch_size": len(train), "early_stopping": False}),
                ActivationStore(examples.inputs, examples.sha256, KEPT_GB, folder, plan.training.augmentation),
                train_size=len(train),
            )

    def train(self) -> Trained:
        layers, snapshots = self.network.model.layers, []
        with eagerly():
            self.network.initialise(SEED, self.trainer.pretrained)  # as the trainer will do
            snapshots.append(_copied(layers))
            self.trainer.run(SEED, *self.split, on_epoch=lambda row: snapshots.append(_copied(layers)))
            return Trained(self.network.model, snapshots, predictor(self.network.model)(self.examples.inputs))

    def save(self, model: Any, path: Path) -> None:
        model.save(path)

    def asking(self) -> AbstractContextManager[None]:
        return eagerly()


@contextmanager
def eagerly() -> Iterator[None]:
    """Keras' functions run as they stand, untraced."""
    import tensorflow as tf

    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Even though the")  # tf.data goes on to trace its own functions
            yield
    finally:
        tf.config.run_functions_eagerly(before)


def trained_blocks(train: str, count: int) -> list[int]:
    """Which of `count` blocks, from 0 at the input, a phase says that it trains; read anew, not asked of the trainer.

    Args:
        train: "head", "all", "top n" or "block n".
    """
    kind, _, number = train.partition(" ")
    if kind == "block":
        return [int(number) - 1]
    lowest = {"head": count, "all": 0, "top": count - int(number or 0)}[kind]
    return list(range(lowest, count))


def _built(plan: NetworkPlan, examples: Prepared) -> Network:
    """The plan's network; where random weights stand for ImageNet's, each training starts from the same ones."""
    keras.utils.set_random_seed(SEED)
    network = plan.build("float32")
    if plan.strategy.weights == "imagenet" and network.head:
        network.fresh = network.head
        _fit_statistics(network.model, examples)
    return network


def _fit_statistics(model: keras.Model, examples: Prepared) -> None:
    """Give BatchNorm layers the statistics of these examples, as pretrained ones have those of photos.

    Random weights under the statistics of a fresh layer let activations vanish on the way up a deep network, until no
    gradient is large enough to move a weight.
    """
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0
    with eagerly():
        model(examples.inputs, training=True)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum


def _claims(number: int, phase: PlannedPhase, network: Network) -> Phase:
    def stays(layer: keras.Layer) -> bool:
        return network.freeze_batch_norm and isinstance(layer, keras.layers.BatchNormalization)

    trained = trained_blocks(phase.train, len(network.blocks))
    blocks = list(enumerate(network.blocks))
    body = [layer for block, layers in blocks if block in trained for layer in layers]
    still = [layer for block, layers in blocks if block not in trained for layer in layers]
    frozen = {layer.name for layer in still} | {layer.name for layer in network.model.layers if stays(layer)}
    moving = [[layer.name for layer in group if _learns(layer)] for group in (body, network.head)]
    return Phase(f"phase {number} ({phase.train})", sorted(frozen), [names for names in moving if names])


def _learns(layer: keras.Layer) -> bool:
    """Whether training shows in its weights; statistics of a BatchNorm layer move though nothing is learned."""
    return bool(layer.weights) and not isinstance(layer, keras.layers.BatchNormalization)


def _one_step(phase: PlannedPhase) -> PlannedPhase:
    """One epoch of one batch, at the full rate: a warm-up would begin at none."""
    return phase.model_copy(update={"epochs": 1, "schedule": "constant", "warmup_epochs": 0})


def _copied(layers: list[keras.Layer]) -> Weights:
    return {name: [np.array(weight) for weight in weights] for name, weights in weights_by_layer(layers).items()}
