"""What models have to know of a table's columns, and the encoding that scikit-learn models learn with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder


@dataclass(frozen=True)
class Layout:
    """The columns of a row, in order.

    Attributes:
        categories: how many categories each column has; 0 for a column of numbers.
        missing: which columns lack a value in some row to learn from.
    """

    categories: tuple[int, ...]
    missing: tuple[bool, ...]

    @property
    def numbers(self) -> list[int]:
        return [column for column, count in enumerate(self.categories) if not count]

    @property
    def categorical(self) -> list[int]:
        return [column for column, count in enumerate(self.categories) if count]


def layout_of(categories: Sequence[Sequence[str] | None], rows: np.ndarray) -> Layout:
    """
    Args:
        categories: of each column; None for numbers.
        rows: (N, columns), NaN where a value is missing.
    """
    counts = tuple(len(names) if names is not None else 0 for names in categories)
    return Layout(counts, tuple(map(bool, np.isnan(rows).any(axis=0))))


def column_encoder(layout: Layout) -> ColumnTransformer:
    """Numbers: the median where one is missing, and a flag that says so. Categories: one-hot, missing being one more.

    All of it is learned from the rows that the pipeline is fitted on, so from training rows alone.
    """
    numbers = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    categories = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer(
        [("numbers", numbers, layout.numbers), ("categories", categories, layout.categorical)], sparse_threshold=0
    )


class RepeatLast(RegressorMixin, BaseEstimator):
    """The naive forecast: the value just before, again; where that is missing, the mean of the training targets."""

    def fit(self, rows: Any, targets: Any) -> RepeatLast:
        self.mean_ = float(np.mean(targets))
        self.n_features_in_ = np.shape(rows)[1]
        return self

    def predict(self, rows: Any) -> np.ndarray:
        last = np.asarray(rows, dtype=np.float64)[:, -1]
        return np.where(np.isnan(last), self.mean_, last)
