"""How long one photo takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

WARM_UP = 3  # the first calls compile, allocate and fill caches


def latency_ms(predict: Callable[[NDArray[np.uint8]], Any], images: NDArray[np.uint8]) -> dict[str, float]:
    """Milliseconds from a raw photo to its probabilities, photos one by one (batches of 1): median and 95th percentile.

    Args:
        predict: (1, H, W, 3) → probabilities.
        images: (N, H, W, 3) uint8, the photos to time.
    """
    singles = [np.ascontiguousarray(images[index : index + 1]) for index in range(len(images))]
    for single in (singles * WARM_UP)[:WARM_UP]:
        predict(single)
    taken = [_milliseconds(predict, single) for single in singles]
    return {"median": float(np.median(taken)), "p95": float(np.percentile(taken, 95))}


def _milliseconds(predict: Callable[[NDArray[np.uint8]], Any], single: NDArray[np.uint8]) -> float:
    begun = time.perf_counter()
    predict(single)
    return (time.perf_counter() - begun) * 1000
