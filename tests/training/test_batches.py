"""Batches come in an order of seed and epoch alone, and targets and weights follow the training examples."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.training.batches import Batches, Examples, as_read_by_keras

TRAIN = np.arange(48)


def test_every_epoch_has_an_order_of_its_own_from_the_first_that_is_left() -> None:
    numbers = np.arange(70, dtype=np.float32)[:, None]
    read = as_read_by_keras(Batches([numbers], numbers, TRAIN, 16, seed=3, epoch=4))
    epochs = [np.concatenate([rows.numpy()[:, 0] for rows, _ in read]) for _ in range(2)]
    for number, rows in enumerate(epochs, start=5):
        np.testing.assert_array_equal(rows, np.random.default_rng([3, number]).permutation(TRAIN))


def test_no_epoch_waits_for_a_reader_that_tunes_itself() -> None:
    numbers = np.zeros((70, 1), np.float32)
    assert as_read_by_keras(Batches([numbers], numbers, TRAIN, 16)).options().autotune.enabled is False


def test_smoothing_of_one_sigmoid_unit_is_towards_a_half() -> None:
    examples = Examples(np.zeros((2, 4, 4, 3), np.uint8), np.array([[0.0], [1.0]], np.float32), "two")
    np.testing.assert_allclose(examples.smoothed(0.2), [[0.1], [0.9]], rtol=1e-6)


def test_balanced_weights_count_the_training_examples_alone() -> None:
    targets = np.eye(3, dtype=np.float32)[[0, 0, 0, 1, 2, 2, 2, 2, 2]]
    examples = Examples(np.zeros((9, 4, 4, 3), np.uint8), targets, "nine")
    weights = examples.class_weights(np.arange(6))  # 3, 1, 2 of the classes
    np.testing.assert_allclose(weights[[0, 3, 4]], [6 / 9, 6 / 3, 6 / 6])
    assert weights[np.arange(6)].sum() == pytest.approx(6)
