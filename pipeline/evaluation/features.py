"""What frozen layers or engineered features make of photos, kept for all candidates that have them in common.

Candidates whose backbone stays frozen differ in their heads alone, and classical models in what learns from the
features. So what takes the time is the same for all of them, for the test photos as for every altered version of them.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.kept import KeptArrays, hash_pixels
from pipeline.trials import hash_path

Images = NDArray[np.uint8]  # raw RGB, (N, S, S, 3)
Rows = NDArray[np.floating]  # (N, F)
LIBRARIES = ("numpy", "pillow", "scikit-image", "scipy")


class KeptFeatures:
    """Makes of a network that ends in rows, or of a scikit-learn transformer, a function that computes nothing twice.

    Args:
        batch_size: images a forward pass; part of the key, since it can change the last bits.
    """

    def __init__(self, kept: KeptArrays, batch_size: int) -> None:
        self.kept, self.batch_size = kept, batch_size

    def of(self, extractor: Any) -> Callable[[Images], Rows]:
        """(N, S, S, 3) → (N, F)."""
        if hasattr(extractor, "transform"):
            facts, compute = facts_of_transformer(extractor), extractor.transform
        else:
            facts, compute = [*facts_of_network(extractor), self.batch_size], self._forward(extractor)
        return lambda images: self.kept.get([facts, hash_pixels(images)], lambda: compute(images))

    def _forward(self, network: Any) -> Callable[[Images], Rows]:
        """The last batch is filled up, so that every batch has the one shape that was traced."""

        def compute(images: Images) -> Rows:
            rows = np.empty((len(images), network.output.shape[-1]), np.float32)
            for start in range(0, len(images), self.batch_size):
                part = images[start : start + self.batch_size]
                batch = np.zeros((self.batch_size, *images.shape[1:]), np.float32)
                batch[: len(part)] = part
                rows[start : start + len(part)] = np.asarray(network.predict_on_batch(batch))[: len(part)]
            return rows

        return compute


def facts_of_network(network: Any) -> list[Any]:
    """Layers, in whatever order they are held, with their weights; not what a phase trains, which changes no output."""
    weights = hashlib.sha256()
    layers = sorted(network.layers, key=lambda layer: layer.name)
    for layer in layers:
        for weight in layer.get_weights():
            weights.update(f"{layer.name}{weight.shape}{weight.dtype}".encode())
            weights.update(np.ascontiguousarray(weight).tobytes())
    configs = [{**layer.get_config(), "trainable": None, "class": type(layer).__name__} for layer in layers]
    return [weights.hexdigest(), configs, version("keras")]


def facts_of_transformer(transformer: Any) -> list[Any]:
    """Its arguments and its code; it must have learnt nothing from data."""
    kind = type(transformer)
    code = hash_path(Path(inspect.getfile(kind)))
    return [kind.__qualname__, transformer.get_params(), code, [version(library) for library in LIBRARIES]]
