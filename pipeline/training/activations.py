"""Kept activations: what frozen layers compute is computed once, for all epochs, seeds and strategies that share it.

Each set is one .npy file named by a hash of everything it depends on, opened memory-mapped (the operating
system keeps it in memory while there is room), bounded in size, oldest out first.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.lib.format import open_memmap

from pipeline.training.network import Network, hash_weights
from pipeline.trials import read_json, replacing, write_json

FOLDER = Path(".kiyas/activations")
BATCH = 64  # images a forward pass; part of the key, since the batch size can change the last bits

log = logging.getLogger("kiyas")


@dataclass(frozen=True)
class Activations:
    """(N, …) float32, one row an image, and the seconds that making them took (also when they were found)."""

    values: np.ndarray
    seconds: float


class ActivationStore:
    """Finds or makes the activations of a network's lowest blocks over one set of images."""

    def __init__(self, images: np.ndarray, data_hash: str, limit_gb: float, folder: Path = FOLDER) -> None:
        self.images, self.data_hash, self.limit, self.folder = images, data_hash, limit_gb * 1e9, folder
        self.seconds_spent = 0.0  # on making activations in this process

    def get(self, network: Network, length: int) -> Activations | None:
        """The output of the lowest `length` blocks for every image; None where that is larger than the limit."""
        prefix, layers = network.prefix(length)
        shape = (len(self.images), *prefix.output.shape[1:])
        size = int(np.prod(shape)) * 4
        if size > self.limit:
            log.warning(
                "activations of %s take %.1f GB, more than keep.activations_gb allows: training without keeping them",
                layers[-1].name,
                size / 1e9,
            )
            return None
        path = self.folder / f"{self._key(layers)}.npy"
        if not path.exists():
            self._make_room(size)
            self._compute(prefix, shape, path)
        path.touch()
        return Activations(np.load(path, mmap_mode="r"), read_json(path.with_suffix(".json"))["seconds"])

    def _key(self, layers: list[keras.Layer]) -> str:
        configs = [layer.get_config() for layer in layers]
        facts = [self.data_hash, hash_weights(layers), configs, keras.__version__, BATCH]
        return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:32]

    def _compute(self, prefix: keras.Model, shape: tuple[int, ...], path: Path) -> None:
        log.info("  computing activations %s of %d images once", "×".join(map(str, shape[1:])), shape[0])
        started = time.perf_counter()
        with replacing(path) as temporary:
            values = open_memmap(temporary, mode="w+", dtype=np.float32, shape=shape)
            for start in range(0, shape[0], BATCH):
                values[start : start + BATCH] = self._forward(prefix, self.images[start : start + BATCH])
            values.flush()
            seconds = time.perf_counter() - started
            self.seconds_spent += seconds
            write_json(path.with_suffix(".json"), {"seconds": seconds})

    def _forward(self, prefix: keras.Model, images: np.ndarray) -> np.ndarray:
        """One batch; the last one is filled up, so that every batch has the one shape that was traced."""
        batch = np.zeros((BATCH, *images.shape[1:]), np.float32)
        batch[: len(images)] = images
        return np.asarray(prefix.predict_on_batch(batch))[: len(images)]

    def _make_room(self, size: int) -> None:
        kept = sorted(self.folder.glob("*.npy"), key=lambda file: file.stat().st_mtime)
        total = sum(file.stat().st_size for file in kept)
        while kept and total + size > self.limit:
            oldest = kept.pop(0)
            total -= oldest.stat().st_size
            oldest.unlink()
            oldest.with_suffix(".json").unlink(missing_ok=True)
