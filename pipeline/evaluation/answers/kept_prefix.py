"""What a prefix makes of photos, computed once and kept for all candidates that have the prefix in common.

Candidates on one backbone may differ at the top alone: in the head, in the trained top block, or in the classical
model on its features. The slow part below is the same for all of them, on the test photos and on every altered version.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.answers.batches import in_batches
from pipeline.evaluation.answers.models import Inputs
from pipeline.ground.fingerprints import hash_path
from pipeline.ground.kept import KeptArrays, facts_of_layers, hash_array, hash_facts, size_of

if TYPE_CHECKING:
    import keras

Values = NDArray[Any]  # what a prefix makes: rows, (N, F), or maps, (N, h, w, C)
LIBRARIES = ("numpy", "pillow", "scikit-image", "scipy")
FEATURES_AT_ONCE = 1024  # photos
MOST_FOR_MAPS = 0.5  # of the limit, for the maps of one network; photos and rows share the rest


class Prefix(Protocol):
    """The part of a candidate's models that is the same for all its seeds."""

    def of_batch(self, batch: Inputs) -> Values:
        """What it makes of one batch, computed."""

    def of_all(self, inputs: Inputs) -> Values | None:
        """What it makes of all inputs, found or computed and kept, memory-mapped; None where that would be too much to
        keep, and it has to be computed a batch at a time."""


class ComputedPrefix:
    """Keeps nothing.

    Args:
        compute: a batch of inputs → what the prefix makes of it.
    """

    def __init__(self, compute: Callable[[Inputs], Values]) -> None:
        self.of_batch = compute

    def of_all(self, inputs: Inputs) -> None:
        return None


class KeptFeatures:
    """A scikit-learn transformer that learns nothing from data; its features are kept."""

    def __init__(self, transformer: Any, kept: KeptArrays) -> None:
        self.of_batch, self._kept = transformer.transform, kept
        self._facts = facts_of_transformer(transformer)

    def of_all(self, inputs: Inputs) -> Values | None:
        key = hash_facts([self._facts, hash_array(inputs)])
        starts = range(0, len(inputs), FEATURES_AT_ONCE)
        pieces = (self.of_batch(inputs[start : start + FEATURES_AT_ONCE]) for start in starts)
        return self._kept.find_or_gather(key, len(inputs), lambda: pieces)


@dataclass(frozen=True)
class Storage:
    """Where and on what terms the outputs of networks are kept.

    Attributes:
        kept: the arrays of all candidates.
        batch_size: photos a forward pass; part of the key, since it can change the last bits.
        photos: how many photos a candidate is asked about in all.
    """

    kept: KeptArrays
    batch_size: int
    photos: int

    def has_room_for_maps(self, network: keras.Model) -> bool:
        """Maps take many times what rows take. Those of all photos have to fit, or none is kept: a set that pushes out
        its own beginning would be made anew each time. The altered photos are kept beside them, and have to fit too."""
        maps = size_of((self.photos, *network.output.shape[1:]), np.float32)
        pixels = size_of((self.photos, *network.input.shape[1:]), np.uint8)
        return max(maps, pixels) <= self.kept.limit * MOST_FOR_MAPS


class KeptLayers:
    """A network, from images or from the output of a lower part up to rows or maps, which are kept.

    Args:
        below: the lower part.
        asked_for: whether another candidate asks for the output too, if it is maps.

    Attributes:
        keeps: whether the output is kept. Maps are not where they take too much.
    """

    def __init__(
        self, network: keras.Model, storage: Storage, below: KeptLayers | None = None, asked_for: bool = True
    ) -> None:
        from pipeline.folding import METHOD, answering

        self._answer, self._storage, self._below = answering(network), storage, below
        self._facts: list[Any] = [*(below._facts if below else [storage.batch_size, METHOD]), facts_of_network(network)]
        self.keeps, self._set = True, ""
        if len(network.output.shape) > 2:
            self.keeps, self._set = asked_for and storage.has_room_for_maps(network), f"maps-{hash_facts(self._facts)}-"
            storage.kept.renew(self._set)  # what is no longer used is older, be it maps, rows or photos, and goes first

    def of_batch(self, batch: Inputs) -> Values:
        return self._forward(self._below.of_batch(batch) if self._below else batch)

    def of_all(self, inputs: Inputs) -> Values | None:
        return self._find_or_make(inputs, hash_array(inputs)) if self.keeps else None

    def _forward(self, values: Values) -> Values:
        return self._answer(values)

    def _find_or_make(self, inputs: Inputs, inputs_hash: str) -> Values | None:
        key = f"{self._set}{hash_facts([self._facts, inputs_hash])}"
        return self._storage.kept.find_or_gather(key, len(inputs), lambda: self._make(inputs, inputs_hash))

    def _make(self, inputs: Inputs, inputs_hash: str) -> Iterator[Values]:
        size = self._storage.batch_size
        if self._below and self._below.keeps:
            below = self._below._find_or_make(inputs, inputs_hash)
            if below is not None:
                return in_batches(self._forward, below, size)
        return in_batches(self.of_batch, inputs, size)


def kept_layers(network: keras.Model, storage: Storage, cut: str | None = None, asked_for: bool = True) -> KeptLayers:
    """A network as a prefix whose output is kept.

    Args:
        cut: name of a layer inside the network. It is then computed in two steps, up to this layer and from there, so
            that it can go on from what a candidate that is trained above the cut has made. The steps are the same
            whatever is kept, and so are the last bits.
        asked_for: whether such a candidate competes; if none does, the output of the lower step is not kept.
    """
    import keras

    if cut is None:
        return KeptLayers(network, storage)
    middle = network.get_layer(cut).output
    lower = KeptLayers(keras.Model(network.input, middle), storage, asked_for=asked_for)
    return KeptLayers(keras.Model(middle, network.output), storage, below=lower)


def facts_of_network(network: keras.Model) -> list[Any]:
    """What its output depends on; not the input's name, which a network that was cut does not have."""
    import keras

    layers = [layer for layer in network.layers if not isinstance(layer, keras.layers.InputLayer)]
    return [facts_of_layers(layers), list(network.input.shape[1:])]


def facts_of_transformer(transformer: Any) -> list[Any]:
    """Its arguments and its code; it must have learnt nothing from data."""
    kind = type(transformer)
    code = hash_path(Path(inspect.getfile(kind)))
    return [kind.__qualname__, transformer.get_params(), code, [version(library) for library in LIBRARIES]]
