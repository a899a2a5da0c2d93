"""How long one example takes, by itself and among others."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

WARM_UP = 3  # the first calls compile, allocate and fill caches


def latency_ms(
    predict: Callable[[NDArray[Any]], Any], images: NDArray[Any], batch: int = 1, batches: int | None = None
) -> dict[str, float]:
    """Milliseconds an example, from raw pixels or a raw row to what is said of it, in batches: median and 95th
    percentile over the batches.

    Args:
        predict: (batch, …) → probabilities, or numbers.
        images: (N, …), the photos or rows to time; they come again from the start where they are too few.
        batch: photos at a time.
        batches: how many to time; None: as many as the photos fill, at least one.
    """
    count = batches or max(1, len(images) // batch)
    places = [np.arange(start * batch, (start + 1) * batch) % len(images) for start in range(count)]
    timed = [np.ascontiguousarray(images[place]) for place in places]
    for one in (timed * WARM_UP)[:WARM_UP]:
        predict(one)
    taken = [_milliseconds(predict, one) / batch for one in timed]
    return {"median": float(np.median(taken)), "p95": float(np.percentile(taken, 95))}


def _milliseconds(predict: Callable[[NDArray[Any]], Any], photos: NDArray[Any]) -> float:
    begun = time.perf_counter()
    predict(photos)
    return (time.perf_counter() - begun) * 1000
