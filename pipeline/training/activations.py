"""Kept activations: what frozen layers compute is computed once, for all epochs, seeds and strategies that share it.

So are augmented views of the images, and the activations of each view.

Each set is one .npy file named by a hash of everything it depends on, opened memory-mapped (the operating
system keeps it in memory while there is room), bounded in size, oldest out first.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.lib.format import open_memmap

from pipeline.files import read_json, replacing, write_json
from pipeline.kept import make_room
from pipeline.network import Network, hash_weights
from pipeline.params.training import Augmentation
from pipeline.training.augmentation import describe_view, make_view

FOLDER = Path(".kiyas/activations")
BATCH = 64  # images a forward pass; part of the key, since the batch size can change the last bits

log = logging.getLogger("kiyas")


@dataclass(frozen=True)
class Activations:
    """(N, …), one row an image, and the seconds that making them from the view takes (also when they were found).

    Attributes:
        key: names what they are, so that nothing is charged twice.
        below: the keys of the lower cuts on the way to them, whose seconds are part of theirs.
    """

    values: np.ndarray
    seconds: float
    key: str
    below: frozenset[str] = frozenset()


class ActivationStore:
    """Finds or makes the activations of a network's lowest blocks over the images, or over a view of them.

    View 0 is the images as they are; 1 to `augmentation.views` are augmented.
    """

    def __init__(
        self,
        images: np.ndarray,
        data_hash: str,
        limit_gb: float,
        folder: Path = FOLDER,
        augmentation: Augmentation | None = None,
    ) -> None:
        self.images, self.data_hash, self.limit, self.folder = images, data_hash, limit_gb * 1e9, folder
        self.augmentation = augmentation or Augmentation()
        self.views = self.augmentation.views
        self.seconds_spent = 0.0  # on making activations and views in this process

    def fits(self, network: Network, length: int) -> bool:
        """Whether the output of the lowest `length` blocks for the images and all views stays within the limit."""
        size = _size(self._shape(network, length), np.float32) * (self.views + 1)
        if size > self.limit:
            log.warning(
                "activations of %s take %.1f GB, more than keep.activations_gb allows: training without keeping them",
                network.blocks[length - 1][-1].name,
                size / 1e9,
            )
        return size <= self.limit

    def get(self, network: Network, length: int, view: int = 0) -> Activations:
        """The output of the lowest `length` blocks for every image of a view, float32.

        Made from those of the highest cut below that are kept, else from the images. Each block is a forward pass of
        its own, so that the last bits do not depend on where the way began.
        """
        keys = self._keys(network, length, view)
        start = next((lower for lower in range(length, 0, -1) if self._path(keys[lower]).exists()), 0)

        kept = self._found(keys[start]) if start else None  # opened now: making room can remove its file

        def compute(values: np.ndarray) -> float:
            below = kept or self.view(view)
            steps = [network.between(number, number + 1) for number in range(start, length)]
            for first in range(0, len(values), BATCH):
                values[first : first + BATCH] = _forward(steps, below.values[first : first + BATCH])
            return kept.seconds if kept else 0.0

        made = self._find_or_make(keys[length], self._shape(network, length), np.float32, compute, "activations")
        return replace(made, below=frozenset(keys[1:length]))

    def _keys(self, network: Network, length: int, view: int) -> list[str]:
        """Of the view, then of what each block makes of it: everything below is part of it."""
        keys = [self._view_key(view)]
        for block in network.blocks[:length]:
            keys.append(_hash([keys[-1], hash_weights(block), _configs(block), keras.__version__, BATCH]))
        return keys

    def view(self, view: int) -> Activations:
        """The images (N, S, S, 3) uint8 as they are (0), or one augmented version of them."""
        if view == 0:
            return Activations(self.images, 0.0, self.data_hash)

        def compute(values: np.ndarray) -> float:
            make_view(self.images, self.augmentation, view, values)
            return 0.0

        return self._find_or_make(self._view_key(view), self.images.shape, np.uint8, compute, "an augmented view")

    def _view_key(self, view: int) -> str:
        if view == 0:
            return self.data_hash
        return _hash([self.data_hash, *describe_view(self.augmentation, view)])

    def _shape(self, network: Network, length: int) -> tuple[int, ...]:
        return (len(self.images), *network.cuts[length - 1].shape[1:])

    def _find_or_make(
        self,
        key: str,
        shape: tuple[int, ...],
        kind: type[np.generic],
        compute: Callable[[np.ndarray], float],
        what: str,
    ) -> Activations:
        """Args: compute: fills the array; returns the seconds that making what it began from had taken."""
        path = self._path(key)
        if not path.exists():
            make_room(self.folder, _size(shape, kind), self.limit)
            log.info("  computing %s %s of %d images once", what, "×".join(map(str, shape[1:])), shape[0])
            started, spent_before = time.perf_counter(), self.seconds_spent
            with replacing(path) as temporary:
                values = open_memmap(temporary, mode="w+", dtype=kind, shape=shape)
                below = compute(values)
                values.flush()
                inside = self.seconds_spent - spent_before  # a view that was made on the way is charged by itself
                seconds = time.perf_counter() - started - inside
                self.seconds_spent += seconds
                write_json(path.with_suffix(".json"), {"seconds": below + seconds})
        return self._found(key)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.npy"

    def _found(self, key: str) -> Activations:
        path = self._path(key)
        path.touch()
        return Activations(np.load(path, mmap_mode="r"), read_json(path.with_suffix(".json"))["seconds"], key)


def _forward(steps: list[keras.Model], values: np.ndarray) -> np.ndarray:
    """One batch; the last one is filled up, so that every batch has the one shape that was traced."""
    batch = np.zeros((BATCH, *values.shape[1:]), np.float32)
    batch[: len(values)] = values
    for step in steps:
        batch = np.asarray(step.predict_on_batch(batch))
    return batch[: len(values)]


def _configs(block: list[keras.Layer]) -> list[dict[str, Any]]:
    """What the layers are told; not what a phase trains, which changes nothing on the way forward."""
    return [{key: value for key, value in layer.get_config().items() if key != "trainable"} for layer in block]


def _size(shape: tuple[int, ...], kind: type[np.generic]) -> int:
    return int(np.prod(shape)) * np.dtype(kind).itemsize


def _hash(facts: list[Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:32]
