"""What frozen layers or engineered features make of photos, kept for all candidates that have them in common.

Candidates whose backbone stays frozen differ in their heads alone, those that train its uppermost block in what lies
above the cut below it, and classical models in what learns from the features. So what takes the time is the same for
all of them, for the test photos as for every altered version of them.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Sequence
from importlib.metadata import version
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.answers.inference import Below, activations, in_batches
from pipeline.evaluation.answers.kept import FOLDER, KeptArrays, KeptMaps, hash_pixels
from pipeline.fingerprints import hash_path

Images = NDArray[np.uint8]  # raw RGB, (N, S, S, 3)
Values = NDArray[np.floating]  # rows, (N, F), or maps, (N, h, w, C)
LIBRARIES = ("numpy", "pillow", "scikit-image", "scipy")


class KeptFeatures:
    """Makes of a network without its head, or of a scikit-learn transformer, a function that computes nothing twice.

    Args:
        limit_gb: how much is kept.
        batch_size: images a forward pass; part of the key, since it can change the last bits.
        photos: how many it will be asked about in all: where the maps of so many take too much, they are not kept.
    """

    def __init__(self, limit_gb: float, batch_size: int, photos: int, folder: Path = FOLDER) -> None:
        self.limit_gb, self.batch_size, self.photos, self.folder = limit_gb, batch_size, photos, folder

    def of(self, extractor: Any, cut: str | None = None) -> Below:
        """Images (N, S, S, 3) → rows or maps.

        Args:
            cut: name of a layer inside a network. It is computed in two steps, up to this layer and from there, and
                both are kept: so it goes on from what a candidate that is trained above the cut has made. The steps
                are the same whatever is kept, and so are the last bits.
        """
        if hasattr(extractor, "transform"):
            facts = facts_of_transformer(extractor)
            kept = KeptArrays(self.limit_gb, self.folder)
            return Below(
                extractor.transform,
                lambda images: kept.get([facts, hash_pixels(images)], lambda: extractor.transform(images)),
            )
        lowest, *above = cut_at(extractor, cut) if cut else [extractor]
        step = Step(lowest, None, self)
        for network in above:
            step = Step(network, step, self)
        return Below(step.of_a_batch, lambda images: step.of(images, hash_pixels(images)) if step.keeps else None)


class Step:
    """A part of a network, from images or from what stands below it, up to rows or maps.

    Attributes:
        keeps: whether there is room for what it makes.
    """

    def __init__(self, network: Any, below: Step | None, how: KeptFeatures) -> None:
        self.below, self.batch_size, self._forward = below, how.batch_size, activations(network)
        self.facts: list[Any] = [*(below.facts if below else [how.batch_size]), facts_of_network(network)]
        self.kept = KeptArrays(how.limit_gb, how.folder)
        self.keeps = True
        if len(network.output.shape) > 2:
            self.kept = KeptMaps(how.limit_gb, self.facts, how.folder)
            pixels = how.photos * prod(network.input.shape[1:])  # they are kept beside it, and take the other half
            self.keeps = self.kept.fits(max(bytes_of(network, how.photos), pixels))

    def of_a_batch(self, images: Images) -> Values:
        return self._forward(self.below.of_a_batch(images) if self.below else images)

    def of(self, images: Images, pixels: str) -> Values:
        """Kept, or made of what is kept below. Args: pixels: what tells these images from others."""
        return self.kept.get([self.facts, pixels], lambda: self._made(images, pixels))

    def _made(self, images: Images, pixels: str) -> Values:
        if self.below and self.below.keeps:
            return in_batches(self._forward, self.below.of(images, pixels), self.batch_size)
        return in_batches(self.of_a_batch, images, self.batch_size)


def cut_at(network: Any, layer: str) -> list[Any]:
    """The network up to this layer, and from there."""
    import keras

    middle = network.get_layer(layer).output
    return [keras.Model(network.input, middle), keras.Model(middle, network.output)]


def bytes_of(network: Any, photos: int) -> int:
    """What a network makes of so many photos, as float32."""
    return photos * prod(network.output.shape[1:]) * np.dtype(np.float32).itemsize


def facts_of_network(network: Any) -> list[Any]:
    """Layers, in whatever order they are held, with their weights; not what a phase trains, which changes no output,
    and not the input, which has no name of its own where a network was cut."""
    weights = hashlib.sha256()
    layers = sorted(inner_layers(network), key=lambda layer: layer.name)
    for layer in layers:
        for weight in layer.get_weights():
            weights.update(f"{layer.name}{weight.shape}{weight.dtype}".encode())
            weights.update(np.ascontiguousarray(weight).tobytes())
    configs = [{**layer.get_config(), "trainable": None, "class": type(layer).__name__} for layer in layers]
    return [weights.hexdigest(), configs, list(network.input.shape[1:]), version("keras")]


def inner_layers(network: Any) -> Sequence[Any]:
    import keras

    return [layer for layer in network.layers if not isinstance(layer, keras.layers.InputLayer)]


def facts_of_transformer(transformer: Any) -> list[Any]:
    """Its arguments and its code; it must have learnt nothing from data."""
    kind = type(transformer)
    code = hash_path(Path(inspect.getfile(kind)))
    return [kind.__qualname__, transformer.get_params(), code, [version(library) for library in LIBRARIES]]
