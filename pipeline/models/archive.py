"""Fitted scikit-learn models read back from .skops files without running anything that these contain."""

from __future__ import annotations

from pathlib import Path

import skops.io
from sklearn.pipeline import Pipeline

# What a model of ours may contain beyond what skops trusts by itself: our own features, and parts of scikit-learn
# that skops leaves to its caller. Each is plain fitted state: it holds numbers and calls nothing by name.
TRUSTED = [
    "numpy.dtype",
    "pipeline.models.columns.RepeatLast",
    "pipeline.models.features.HogColour",
    "pipeline.models.features.ReducedPixels",
    "pipeline.models.pooled.PooledFeatures",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._TemperatureScaling",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.model_selection._split.StratifiedKFold",
    "sklearn.tree._tree.Tree",
]


class UntrustedModelError(ValueError):
    """A .skops file holds a type that no model of this project is made of."""


def read_model(path: Path) -> Pipeline:
    """A model that takes raw (N, H, W, 3) uint8 images, or (N, columns) rows, and has `predict`; also `predict_proba`
    where it tells classes apart.

    Raises:
        UntrustedModelError: the file names a type outside the allow-list; nothing of it was built.
    """
    strangers = sorted(set(skops.io.get_untrusted_types(file=path)) - set(TRUSTED))
    if strangers:
        raise UntrustedModelError(
            f"{path}: holds {', '.join(strangers)}, which no model of this project needs; train it again with "
            "`dvc repro`, or add a scikit-learn type to TRUSTED in pipeline/models/archive.py once you have read it"
        )
    return skops.io.load(path, trusted=TRUSTED)
