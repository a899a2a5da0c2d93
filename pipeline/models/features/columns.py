"""The encoding of a table's columns that scikit-learn models learn with them, and the naive forecast of a series."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder, TargetEncoder

from pipeline.models.features.layout import Layout


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
