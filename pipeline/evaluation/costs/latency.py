"""How long one example takes, by itself and among others."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

WARM_UP = 3  # the first calls compile, allocate and fill caches
WARM_UP_AGAIN = 1  # where all is compiled, the first batch of another size alone is slow
BATCH, BATCHES = 32, 5  # examples at a time, beside one by one; and how many such batches

Predict = Callable[[NDArray[Any]], Any]  # (batch, …) → probabilities, or numbers


def measure_latency(predict: Predict, examples: NDArray[Any]) -> dict[str, dict[str, float]]:
    """The latencies in cost.json.

    Args:
        examples: (N, …) photos or rows.
    """
    return {
        "latency_ms_per_image": latency_ms(predict, examples),
        "latency_ms_per_image_in_batches": latency_ms(predict, examples, BATCH, BATCHES, WARM_UP_AGAIN),
    }


def latency_ms(
    predict: Predict, examples: NDArray[Any], batch: int = 1, batches: int | None = None, warm_up: int = WARM_UP
) -> dict[str, float]:
    """Milliseconds an example, from raw pixels or a raw row to its prediction, in batches: median and 95th percentile
    over the batches.

    Args:
        examples: (N, …), the photos or rows to time; they come again from the start where they are too few.
        batch: examples at a time.
        batches: how many to time; None: as many as the examples fill, at least one.
        warm_up: how many batches go first, untimed.
    """
    count = batches or max(1, len(examples) // batch)
    places = [np.arange(start * batch, (start + 1) * batch) % len(examples) for start in range(count)]
    timed = [np.ascontiguousarray(examples[place]) for place in places]
    for examples_of_batch in (timed * warm_up)[:warm_up]:
        predict(examples_of_batch)
    taken = [_milliseconds(predict, examples_of_batch) / batch for examples_of_batch in timed]
    return {"median": float(np.median(taken)), "p95": float(np.percentile(taken, 95))}


def _milliseconds(predict: Predict, examples: NDArray[Any]) -> float:
    begun = time.perf_counter()
    predict(examples)
    return (time.perf_counter() - begun) * 1000
