"""Kept activations: what frozen layers compute is computed once, for all epochs, seeds and strategies that share it.

So are augmented views of the images, and the activations of each view.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from pipeline.folding import METHOD, answering
from pipeline.ground.kept import KeptArray, KeptArrays, facts_of_layers, hash_facts, size_of
from pipeline.network import Network
from pipeline.params.training.settings import Augmentation
from pipeline.training.kept.augmentation import describe_view, make_view

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

    Args:
        images: (N, S, S, 3) uint8, or (N, columns) rows of a table.
        data_hash: tells these images from others.
        limit_gb: how much is kept.

    Attributes:
        seconds_spent: on making activations and views in this process.
    """

    def __init__(
        self,
        images: np.ndarray,
        data_hash: str,
        limit_gb: float,
        folder: Path = FOLDER,
        augmentation: Augmentation | None = None,
    ) -> None:
        self.images, self.data_hash, self.kept = images, data_hash, KeptArrays(folder, limit_gb)
        self.augmentation = augmentation or Augmentation()
        self.views = self.augmentation.views
        self.seconds_spent = 0.0

    def fits(self, network: Network, length: int) -> bool:
        """Whether the output of the lowest `length` blocks for the images and all views stays within the limit."""
        size = size_of(self._shape(network, length), np.float32) * (self.views + 1)
        if size > self.kept.limit:
            log.warning(
                "activations of %s take %.1f GB, more than keep.activations_gb allows: training without keeping them",
                network.blocks[length - 1][-1].name,
                size / 1e9,
            )
        return size <= self.kept.limit

    def get(self, network: Network, length: int, view: int = 0) -> Activations:
        """The output of the lowest `length` blocks for every image of a view, float32.

        Made from those of the highest cut below that are kept, else from the images. Each block is a forward pass of
        its own, so that the last bits do not depend on where the way began.
        """
        keys = self._keys(network, length, view)
        start, below = self._highest_kept(keys)
        if below is None or start < length:
            activations = self._make_activations(network, (start, length), view, keys[length], below)
        else:
            activations = below
        return replace(activations, below=frozenset(keys[1:length]))

    def view(self, view: int) -> Activations:
        """The images (N, S, S, 3) uint8 as they are (0), or one augmented version of them."""
        key = self._view_key(view)
        if view == 0:
            return Activations(self.images, 0.0, key)

        def fill(values: np.ndarray) -> float:
            make_view(self.images, self.augmentation, view, values)
            return 0.0

        return self._find(key) or self._make(key, self.images.shape, np.uint8, fill, "an augmented view")

    def _keys(self, network: Network, length: int, view: int) -> list[str]:
        """Of the view, then of what each block makes of it: everything below is part of it."""
        keys = [self._view_key(view)]
        for block in network.blocks[:length]:
            keys.append(hash_facts([keys[-1], facts_of_layers(block), BATCH, METHOD]))
        return keys

    def _view_key(self, view: int) -> str:
        if view == 0:
            return self.data_hash
        return hash_facts([self.data_hash, *describe_view(self.augmentation, view)])

    def _shape(self, network: Network, length: int) -> tuple[int, ...]:
        return (len(self.images), *network.cuts[length - 1].shape[1:])

    def _highest_kept(self, keys: list[str]) -> tuple[int, Activations | None]:
        """The highest cut whose activations are kept, with these; 0 and None where none are."""
        for length in range(len(keys) - 1, 0, -1):
            if activations := self._find(keys[length]):
                return length, activations
        return 0, None

    def _make_activations(
        self, network: Network, blocks: tuple[int, int], view: int, key: str, below: Activations | None
    ) -> Activations:
        """
        Args:
            blocks: from which number to which they are computed.
            below: the output of the blocks below these; None where there are none, and the view is their input.
        """

        def fill(values: np.ndarray) -> float:
            inputs = (below or self.view(view)).values
            steps = [answering(network.between(number, number + 1)) for number in range(*blocks)]
            for first in range(0, len(values), BATCH):
                values[first : first + BATCH] = _forward(steps, inputs[first : first + BATCH])
            return below.seconds if below else 0.0

        return self._make(key, self._shape(network, blocks[1]), np.float32, fill, "activations")

    def _make(
        self, key: str, shape: tuple[int, ...], kind: DTypeLike, fill: Callable[[np.ndarray], float], name: str
    ) -> Activations:
        """
        Args:
            fill: fills the array; returns the seconds that making what it began from had taken.
            name: what the array is, for the log.
        """
        log.info("  computing %s of %d images once, %s numbers of each", name, shape[0], "×".join(map(str, shape[1:])))

        def fill_and_charge(values: np.ndarray) -> dict[str, float]:
            started, spent_before = time.perf_counter(), self.seconds_spent
            seconds_below = fill(values)
            spent_inside = self.seconds_spent - spent_before  # a view made on the way is charged by itself
            seconds = time.perf_counter() - started - spent_inside
            self.seconds_spent += seconds
            return {"seconds": seconds_below + seconds}

        return _as_activations(self.kept.fill(key, shape, kind, fill_and_charge), key)

    def _find(self, key: str) -> Activations | None:
        array = self.kept.find(key)
        # Without its seconds, which another process is just removing, it counts as removed.
        return _as_activations(array, key) if array and "seconds" in array.notes else None


def _as_activations(array: KeptArray, key: str) -> Activations:
    return Activations(array.values, array.notes["seconds"], key)


def _forward(steps: list[Callable[[np.ndarray], np.ndarray]], values: np.ndarray) -> np.ndarray:
    """One batch; the last one is filled up, so that every batch has the one shape that was traced."""
    batch = np.zeros((BATCH, *values.shape[1:]), np.float32)
    batch[: len(values)] = values
    for step in steps:
        batch = step(batch)
    return batch[: len(values)]
