"""What networks are trained on: examples with their targets, and the batches that an epoch consists of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from pipeline.params.training.settings import Training

BATCHES_AHEAD = 2  # gathered while the last one is trained on
Split = tuple[np.ndarray, np.ndarray]  # indices of the training and the validation examples


@dataclass(frozen=True)
class Examples:
    """Everything that a candidate may learn from, whatever the seed.

    Attributes:
        images: (N, S, S, 3) uint8, or rows (N, columns).
        targets: (N, units) float32, as the network's head gives them.
        sha256: a hash that stands for images and targets.
    """

    images: np.ndarray
    targets: np.ndarray
    sha256: str

    def smoothed(self, share: float) -> np.ndarray:
        """Targets with a share of each spread evenly over the classes (one sigmoid unit stands for two)."""
        classes = max(self.targets.shape[1], 2)
        return (self.targets * (1 - share) + share / classes).astype(np.float32) if share else self.targets

    def class_weights(self, train: np.ndarray) -> np.ndarray:
        """(N,) float32: N / (classes × examples of its class), counted over the training examples alone.

        Args:
            train: indices of the training examples.
        """
        labels = self.targets.argmax(axis=1) if self.targets.shape[1] > 1 else self.targets[:, 0].astype(int)
        counts = np.bincount(labels[train], minlength=labels.max() + 1)
        present = np.count_nonzero(counts)
        return (len(train) / (present * np.maximum(counts, 1)))[labels].astype(np.float32)


class Batches(keras.utils.PyDataset):
    """Batches gathered from memory-mapped arrays and cast on the fly.

    Each epoch reads one of the views, in turn. Epochs count from 1: where Keras reads this itself, it calls
    `on_epoch_end` once before the first epoch, when it looks at the shapes.

    Args:
        views: arrays (N, …), each an altered version of the same examples; a single one where nothing is augmented.
        targets: (N, units).
        indices: which of the examples to go through.
        seed: with the epoch's number it decides the order; None keeps the order of the indices.
        epoch: number of the last epoch that is over.
        weights: (N,) weight of each example in the loss; None weighs all alike.
    """

    def __init__(
        self,
        views: list[np.ndarray],
        targets: np.ndarray,
        indices: np.ndarray,
        batch_size: int,
        seed: int | None = None,
        epoch: int = 0,
        weights: np.ndarray | None = None,
    ) -> None:
        super().__init__(workers=1)
        self.views, self.targets, self.indices, self.batch_size = views, targets, indices, batch_size
        self.seed, self.epoch, self.weights = seed, epoch, weights
        self._draw_order()

    def __len__(self) -> int:
        return -(-len(self.indices) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        rows = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        view = self.views[(self.epoch - 1) % len(self.views)]
        batch = (view[rows].astype(np.float32, copy=False), self.targets[rows])
        return batch if self.weights is None else (*batch, self.weights[rows])

    def on_epoch_end(self) -> None:
        self.epoch += 1
        self._draw_order()

    def next_epoch(self) -> Iterator[tuple[np.ndarray, ...]]:
        """The batches of the epoch after the last one."""
        self.on_epoch_end()
        for index in range(len(self)):
            yield self[index]

    def _draw_order(self) -> None:
        if self.seed is None:
            self.order = self.indices
        else:
            self.order = np.random.default_rng([self.seed, self.epoch]).permutation(self.indices)


def batches_of_epochs(
    examples: Examples, settings: Training, views: list[np.ndarray], split: Split, seed: int, epoch: int
) -> tuple[Batches, Batches]:
    """What is trained on, and what is validated on, which is never augmented, smoothed or weighted.

    Args:
        views: the images as they are (or their activations), then each augmented view.
        epoch: number of the last epoch that is over.
    """
    (plain, *altered), (train, val), size = views, split, settings.batch_size
    weights = examples.class_weights(train) if settings.class_weights == "balanced" else None
    targets = examples.smoothed(settings.label_smoothing)
    training = Batches(altered or [plain], targets, train, size, seed=seed, epoch=epoch, weights=weights)
    return training, Batches([plain], examples.targets, val, size)


def as_read_by_keras(batches: Batches) -> Any:
    """The batches in the form that costs least on this backend: on TensorFlow, read ahead without being tuned."""
    if keras.backend.backend() != "tensorflow":
        return batches
    import tensorflow as tf

    signature = tuple(tf.TensorSpec((None, *part.shape[1:]), part.dtype) for part in batches[0])
    dataset = tf.data.Dataset.from_generator(batches.next_epoch, output_signature=signature)
    return read_ahead(dataset.apply(tf.data.experimental.assert_cardinality(len(batches))))


def read_ahead(dataset: Any) -> Any:
    """A tf.data.Dataset that has some batches ready, without the thread that tunes the reading.

    Given a PyDataset, Keras would leave that thread on. It sleeps twice as long each time, and the end of an epoch
    waits until it wakes: an epoch of 26 s took 41 s. Nothing here needs tuning.
    """
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.prefetch(BATCHES_AHEAD).with_options(options)
