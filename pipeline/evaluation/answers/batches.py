"""Inputs in batches of one size: a network is traced anew for every other size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.ground.kept import Rows


def even_batches(examples: int, most: int) -> int:
    """A batch size of at most `most` that leaves as little as possible to fill up in the last batch.

    >>> even_batches(200, most=64)
    50
    """
    return ceil(examples / ceil(examples / most))


def batches(values: Rows, batch_size: int) -> Iterator[tuple[NDArray[Any], int]]:
    """Batches of one size, each with the number of its examples that count.

    The last one is filled up with copies of its last example. The values may be memory-mapped: they are read one batch
    at a time.
    """
    for start in range(0, len(values), batch_size):
        batch = np.asarray(values[start : start + batch_size])
        missing = batch_size - len(batch)
        yield np.concatenate([batch, np.repeat(batch[-1:], missing, axis=0)]), len(batch)


def in_batches(compute: Callable[[Any], NDArray[Any]], values: NDArray[Any], batch_size: int) -> Iterator[NDArray[Any]]:
    """What `compute` makes of all values, a batch at a time."""
    return (compute(batch)[:count] for batch, count in batches(values, batch_size))
