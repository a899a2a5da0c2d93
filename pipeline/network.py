"""A network's anatomy: blocks of layers from the input up, the head on top; what is frozen, and where it can be cut.

Models build networks, training trains them, evaluation reuses what they computed: so this stands below all three.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import keras
import numpy as np

from pipeline.folding import FoldedModel
from pipeline.trained_blocks import prefix_length, trained_blocks


@dataclass
class Network:
    """A functional model and its anatomy.

    Attributes:
        model: (batch, S, S, 3) raw RGB → probabilities.
        blocks: the body's layers, bottom to top; the output of a block's last layer is all that the rest sees of it.
        head: the layers above the body; every phase trains them.
        freeze_batch_norm: whether BatchNorm layers stay as they came even in blocks that are trained.
        fresh: layers that each seed initialises anew; the others start from the weights that the model came with.
        adapt: fits layers that are never trained, such as normalisation statistics, to a seed's training examples:
            it takes all inputs, all targets, and the rows of the training examples.
        target_deviation: (1, 1) of the training targets, as `adapt` fits the layer of the target's units; None where
            there is no such layer.
        cuts: the output of each block.
    """

    model: keras.Model
    blocks: list[list[keras.Layer]]
    head: list[keras.Layer]
    fresh: list[keras.Layer]
    freeze_batch_norm: bool = False
    adapt: Callable[[np.ndarray, np.ndarray, np.ndarray], None] | None = None
    target_deviation: keras.Variable | None = None
    cuts: list[keras.KerasTensor] = field(init=False)

    def __post_init__(self) -> None:
        # Taken before any suffix is built: a layer that is called again has no single `output` any more.
        self.cuts = [block[-1].output for block in self.blocks]

    def trained_blocks(self, train: str) -> list[int]:
        """The numbers of the blocks that a phase trains beside the head (see the function of this name)."""
        return trained_blocks(train, len(self.blocks))

    def freeze_all_but(self, train: str) -> list[keras.Layer]:
        """Set `trainable` on every layer for a phase; returns the layers that stay frozen.

        BatchNorm layers are frozen with their block: `training=False` at the call would not hold their moving
        statistics once `fit` runs, `trainable = False` does.
        """
        trained = {id(layer) for block in self.trained_blocks(train) for layer in self.blocks[block]}
        trained |= {id(layer) for layer in self.head}
        if self.freeze_batch_norm:
            trained -= {id(layer) for layer in self.model.layers if isinstance(layer, keras.layers.BatchNormalization)}
        for layer in self.model.layers:
            layer.trainable = id(layer) in trained
        return [layer for layer in self.model.layers if id(layer) not in trained]

    def prefix_length(self, train: str) -> int:
        """How many blocks lie below the lowest one that a phase trains: they compute the same at every epoch."""
        return prefix_length(train, len(self.blocks))

    def between(self, start: int, end: int) -> keras.Model:
        """The blocks above the lowest `start` up to the lowest `end` (more than start) as a model of their own, frozen
        BatchNorm folded."""
        return FoldedModel(self._entry(start), self.cuts[end - 1], name="prefix")

    def suffix(self, length: int, frozen: int = 0, kind: type[FoldedModel] = FoldedModel) -> keras.Model:
        """What is left above the lowest `length` blocks, sharing its layers with the whole model, frozen BatchNorm
        folded.

        Args:
            frozen: how many of the lowest blocks are never trained. Those that are left answer in training as they do
                afterwards: their dropout is off, so that the losses do not depend on which activations were kept.
            kind: of model that it is to be.
        """
        if frozen > length:
            entry = keras.Input(batch_shape=self._entry(length).shape, dtype=self._entry(length).dtype)
            above = self.suffix(frozen, kind=kind)
            return kind(entry, above(Answering(self.between(length, frozen))(entry)))
        return kind(self._entry(length), self.model.output, name="suffix")

    def _entry(self, length: int) -> keras.KerasTensor:
        return self.cuts[length - 1] if length else self.model.input

    def depth(self, layer: keras.Layer) -> int:
        """How many blocks below the head a layer stands: 0 for the head, 1 for the uppermost block, and so on."""
        for number, block in enumerate(reversed(self.blocks), start=1):
            if any(layer is member for member in block):
                return number
        return 0

    def initialise(self, seed: int, pretrained: dict[str, list[np.ndarray]]) -> None:
        """Give every layer the weights it starts a trial with; depends on the seed alone, not on earlier trials."""
        _seed_keras(seed)
        fresh = {id(layer) for layer in self.fresh}
        for layer in self.model.layers:
            if id(layer) in fresh:
                twin = type(layer).from_config(layer.get_config())
                if layer.built and not twin.built:
                    twin.build_from_config(layer.get_build_config())
                for variable, start in zip(layer.variables, twin.variables, strict=True):
                    variable.assign(start)
            else:
                set_weights(layer, pretrained[layer.name])
        self._seed_draws(seed)

    def _seed_draws(self, seed: int) -> None:
        """Dropout inside a pretrained body draws from states that `set_weights` leaves where the last trial ended."""
        fresh = {id(layer) for layer in self.fresh}
        states = [
            variable
            for layer in self.model.layers
            if id(layer) not in fresh
            for variable in layer.variables
            if not any(variable is weight for weight in layer.weights)
        ]
        for number, state in enumerate(states):
            state.assign(np.random.default_rng([seed, number]).integers(2**31, size=state.shape))

    def places(self, part: keras.Model) -> list[int]:
        """Where the weights of a part of the network stand in `state()`; what dropout draws from is left out."""
        inside = {id(weight) for weight in part.weights}
        return [place for place, variable in enumerate(self.state()) if id(variable) in inside]

    def variables_in(self, parts: Iterable[keras.Model]) -> dict[int, keras.Variable]:
        """All that training these parts of the network can change, by its place in `state()`."""
        inside = {id(variable) for part in parts for layer in part.layers for variable in layer.variables}
        return {place: variable for place, variable in enumerate(self.state()) if id(variable) in inside}

    def assign(self, values: Mapping[int, np.ndarray]) -> None:
        """Set variables by their place in `state()`."""
        state = self.state()
        for place, value in values.items():
            state[place].assign(value)

    def state(self) -> list[keras.Variable]:
        """Everything that a trial changes: weights, statistics, and the states that dropout draws from."""
        return [variable for layer in self.model.layers for variable in layer.variables]


class Answering(keras.layers.Layer):
    """A part of a network that answers in training as it does afterwards.

    A layer of its own, since a functional model in training overrides `training=False` of the calls that it is made of.
    """

    def __init__(self, part: keras.Model) -> None:
        super().__init__()
        self.part = part

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        return self.part(inputs, training=False)


def _seed_keras(seed: int) -> None:
    """Initialisers and dropout take their seeds from Python's generator, and draw without a state of TensorFlow's;
    NumPy's is for whatever else a layer may use.

    `keras.utils.set_random_seed` would set TensorFlow's seed too, which throws away all that it has made ready to run:
    a second and a half for an InceptionV3, for every phase of every seed.
    """
    random.seed(seed)
    np.random.seed(seed)


def set_weights(layer: keras.Layer, weights: Sequence[np.ndarray]) -> None:
    """Keras' own, also for layers that compute with a copy of their weights.

    `Normalization` makes constants of its mean and variance when it is built or loaded, but not when they are set.
    """
    layer.set_weights(list(weights))
    for part in _with_inner(layer):
        if isinstance(part, keras.layers.Normalization):
            part.finalize_state()


def _with_inner(layer: keras.Layer) -> Iterator[keras.Layer]:
    yield layer
    for inner in getattr(layer, "layers", []):
        yield from _with_inner(inner)


def weights_by_layer(layers: Iterable[keras.Layer]) -> dict[str, list[np.ndarray]]:
    return {layer.name: layer.get_weights() for layer in layers}


def hash_weights(layers: Iterable[keras.Layer]) -> str:
    """SHA-256 over names, shapes and values of the layers' weights, BatchNorm statistics included."""
    digest = hashlib.sha256()
    for layer in layers:
        for weight in layer.get_weights():
            digest.update(f"{layer.name}{weight.shape}".encode())
            digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()
