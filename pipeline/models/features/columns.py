"""What models have to know of a table's columns, and the encoding that scikit-learn models learn with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder, TargetEncoder

MOST_CATEGORIES = 255  # of a column that becomes one input for each
MOST_CELLS = 2**25  # of all such inputs of all rows: 256 MB


@dataclass(frozen=True)
class Layout:
    """The columns of a row, in order.

    Attributes:
        categories: how many categories each column has; 0 for a column of numbers.
        missing: which columns lack a value in some row to learn from.
        many: columns of so many categories that one input for each would fill the memory.
    """

    categories: tuple[int, ...]
    missing: tuple[bool, ...]
    many: tuple[int, ...] = ()

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
    return Layout(counts, tuple(map(bool, np.isnan(rows).any(axis=0))), _of_many(counts, len(rows)))


def _of_many(counts: Sequence[int], rows: int) -> tuple[int, ...]:
    """Columns beyond MOST_CATEGORIES, and the largest others as long as all together take more than MOST_CELLS."""
    many, width = [], 0
    for column in sorted((column for column, count in enumerate(counts) if count), key=lambda column: counts[column]):
        if counts[column] > MOST_CATEGORIES or (width + counts[column]) * rows > MOST_CELLS:
            many.append(column)
        else:
            width += counts[column]
    return tuple(sorted(many))


def column_encoder(layout: Layout, has_classes: bool = True) -> ColumnTransformer:
    """Numbers: the median where one is missing, and a flag that says so. Categories: one-hot, missing being one more.

    A column of very many categories becomes the mean target of each, one number for a class or for all (Micci-Barreca
    2001), learned across folds so that no row sees its own target: memory stays that of the rows.
    All of it is learned from the rows that the pipeline is fitted on, so from training rows alone.

    Args:
        has_classes: whether the targets are classes.
    """
    numbers = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    categories = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    one_hot = [column for column in layout.categorical if column not in layout.many]
    parts = [("numbers", numbers, layout.numbers), ("categories", categories, one_hot)]
    if layout.many:
        kind = "auto" if has_classes else "continuous"
        parts.append(("many", TargetEncoder(target_type=kind, random_state=0), list(layout.many)))
    return ColumnTransformer(parts, sparse_threshold=0)


class RepeatLast(RegressorMixin, BaseEstimator):
    """The naive forecast: the value just before, again; where that is missing, the mean of the training targets."""

    def fit(self, rows: Any, targets: Any) -> RepeatLast:
        self.mean_ = float(np.mean(targets))
        self.n_features_in_ = np.shape(rows)[1]
        return self

    def predict(self, rows: Any) -> np.ndarray:
        last = np.asarray(rows, dtype=np.float64)[:, -1]
        return np.where(np.isnan(last), self.mean_, last)
