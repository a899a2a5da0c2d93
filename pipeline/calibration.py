"""Bins of confidence, in which evaluation and comparison alike measure how far probabilities hold."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

CALIBRATION_BINS = 15  # as Guo et al. 2017


def calibration_bin(confidence: NDArray[Any], bins: int = CALIBRATION_BINS) -> NDArray[np.int64]:
    """The number of the equal-width bin that each confidence lies in, from 0, in the same shape.

    Bin m, counted from 1, is ((m-1)/M, m/M].
    """
    number = np.ceil(np.asarray(confidence, dtype=np.float64) * bins).astype(np.int64) - 1
    return np.clip(number, 0, bins - 1)
