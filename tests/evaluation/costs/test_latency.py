"""How long one photo takes, by a clock that the models themselves advance."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from pipeline.evaluation.costs import latency as timed
from pipeline.evaluation.costs.latency import (
    BATCH,
    BATCHES,
    WARM_UP,
    WARM_UP_AGAIN,
    latency_ms,
    measure_latency,
)

IMAGES = np.arange(5 * 4 * 4 * 3, dtype=np.uint8).reshape(5, 4, 4, 3)


class Clock:
    """Seconds that pass only where a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def take(self, milliseconds: float) -> None:
        self.now += milliseconds / 1000


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(timed, "time", SimpleNamespace(perf_counter=lambda: made.now))
    return made


def test_photos_go_one_by_one_after_a_warm_up() -> None:
    seen: list[np.ndarray] = []
    latency_ms(seen.append, IMAGES)
    assert all(single.shape == (1, 4, 4, 3) for single in seen)
    np.testing.assert_array_equal(np.concatenate(seen[WARM_UP:]), IMAGES)


def test_the_slow_first_calls_do_not_count(clock: Clock) -> None:
    calls = iter(range(100))
    latency = latency_ms(lambda single: clock.take(200 if next(calls) < WARM_UP else 1), IMAGES)
    assert latency == pytest.approx({"median": 1, "p95": 1})


def test_one_slow_photo_moves_the_95th_percentile_and_not_the_median(clock: Clock) -> None:
    slowest = IMAGES[3:4]
    latency = latency_ms(lambda single: clock.take(100 if np.array_equal(single, slowest) else 2), IMAGES)
    assert latency == pytest.approx({"median": 2, "p95": 2 + 0.8 * 98})


def test_fewer_photos_than_warm_up_calls_are_enough(clock: Clock) -> None:
    assert latency_ms(lambda single: clock.take(3), IMAGES[:1]) == pytest.approx({"median": 3, "p95": 3})


def test_a_photo_of_a_batch_counts_its_share_of_the_batch(clock: Clock) -> None:
    seen: list[int] = []

    def predict(photos: np.ndarray) -> None:
        seen.append(len(photos))
        clock.take(40)

    latency = latency_ms(predict, IMAGES, batch=8, batches=4)
    assert seen == [8] * (WARM_UP + 4), "five photos fill batches of eight by coming again"
    assert latency == pytest.approx({"median": 5, "p95": 5})


def test_both_latencies_come_after_a_warm_up_of_their_own(clock: Clock) -> None:
    sizes: list[int] = []

    def predict(photos: np.ndarray) -> None:
        clock.take(1000 if len(photos) not in sizes else len(photos))
        sizes.append(len(photos))

    latencies = measure_latency(predict, IMAGES)
    assert [latency["p95"] for latency in latencies.values()] == pytest.approx([1, 1])
    assert sizes == [1] * (WARM_UP + len(IMAGES)) + [BATCH] * (WARM_UP_AGAIN + BATCHES)


def test_time_is_that_of_the_machine() -> None:
    assert latency_ms(lambda single: np.sort(np.random.default_rng(0).random(1000)), IMAGES)["median"] > 0
