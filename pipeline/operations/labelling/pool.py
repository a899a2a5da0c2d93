"""Unlabelled examples, of which some are to be labelled; photo_pool.py and row_pool.py make them of files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.formats import count_of

BLOCK = 256  # examples read and answered at a time: bounds the memory


class LabelNextError(ValueError):
    """Nothing can be proposed; the message says why, and what to do."""


class Inputs(Protocol):
    """(N, …) inputs of models, in memory or in a file, read by rows."""

    def __getitem__(self, rows: NDArray[np.int64], /) -> NDArray[Any]: ...


@dataclass(frozen=True)
class Pool:
    """Examples without a label.

    Attributes:
        noun: what they are called: photo or row.
        names: of those that can be proposed: the absolute path of a photo, "<file> row <n>" of a row.
        rows: (len(names),) where `inputs` has them.
        inputs: today's: photos (N, S, S, 3) uint8, rows (N, columns) float64.
        total: how many were looked at.
        left_out: why → how many cannot be proposed.
        cells: of rows of a table, all their cells as the file has them, in the order of `names`; None of photos.
    """

    noun: str
    names: list[str]
    rows: NDArray[np.int64]
    inputs: Inputs
    total: int
    left_out: Mapping[str, int]
    cells: pd.DataFrame | None = None

    def inputs_of(self, places: NDArray[np.int64]) -> NDArray[Any]:
        """(n, …) of some of the examples, by their places in `names`."""
        return self.inputs[self.rows[places]]

    def described(self) -> str:
        """A sentence: how many there are, and why some are left out."""
        reasons = "".join(f", {count} {why}" for why, count in self.left_out.items() if count)
        return f"{count_of(self.total, self.noun)}{reasons}; {len(self.names):,} can be proposed"
