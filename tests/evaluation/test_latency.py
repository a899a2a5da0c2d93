"""How long one photo takes."""

from __future__ import annotations

import time

import numpy as np
import pytest

from pipeline.evaluation.latency import WARM_UP, latency_ms

IMAGES = np.arange(5 * 4 * 4 * 3, dtype=np.uint8).reshape(5, 4, 4, 3)


def test_photos_go_one_by_one_after_a_warm_up() -> None:
    seen: list[np.ndarray] = []
    latency_ms(seen.append, IMAGES)
    assert all(single.shape == (1, 4, 4, 3) for single in seen)
    np.testing.assert_array_equal(np.concatenate(seen[WARM_UP:]), IMAGES)


def test_the_slow_first_calls_do_not_count() -> None:
    calls = iter(range(100))
    latency = latency_ms(lambda single: time.sleep(0.2 if next(calls) < WARM_UP else 0.001), IMAGES)
    assert 1 <= latency["median"] <= latency["p95"] < 150


def test_one_slow_photo_moves_the_95th_percentile_and_not_the_median() -> None:
    slowest = IMAGES[3:4]
    latency = latency_ms(lambda single: time.sleep(0.1 if np.array_equal(single, slowest) else 0.002), IMAGES)
    assert latency["median"] < 50 < latency["p95"]


def test_fewer_photos_than_warm_up_calls_are_enough() -> None:
    assert latency_ms(len, IMAGES[:1])["median"] == pytest.approx(0, abs=50)


def test_a_photo_of_a_batch_counts_its_share_of_the_batch() -> None:
    seen: list[int] = []

    def predict(photos: np.ndarray) -> None:
        seen.append(len(photos))
        time.sleep(0.04)

    latency = latency_ms(predict, IMAGES, batch=8, batches=4)
    assert seen == [8] * (WARM_UP + 4), "five photos fill batches of eight by coming again"
    assert 5 <= latency["median"] <= latency["p95"] < 40
