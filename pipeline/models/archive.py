"""Fitted scikit-learn models written to .skops files and read back without running anything that these contain.

skops is imported inside the functions: it takes seconds, and who evaluates a network does not need it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZIP_DEFLATED, ZIP_STORED

from pipeline.ground.files import reading, replacing

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

# What a model of ours may contain beyond what skops trusts by itself, which is nearly all of scikit-learn's estimators:
# our own features, and parts of scikit-learn that skops leaves to its caller. Each is plain fitted state: it holds
# numbers and calls nothing by name.
TRUSTED = [
    "numpy.dtype",
    "pipeline.models.features.columns.RepeatLast",
    "pipeline.models.features.photos.HogColour",
    "pipeline.models.features.photos.ReducedPixels",
    "pipeline.models.networks.pooled.PooledFeatures",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._TemperatureScaling",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.model_selection._split.StratifiedKFold",
    "sklearn.tree._tree.Tree",
]


class UntrustedModelError(ValueError):
    """A model holds a type that is not read back in safe mode."""


def write_model(path: Path, model: Pipeline, compressed: bool = True) -> None:
    """
    Args:
        compressed: no for a model that carries a backbone: a ResNet50's weights become 7 % smaller, and writing them
            takes four seconds of a slow core more, reading them one.

    Raises:
        UntrustedModelError: `read_model` would refuse the model; nothing was written.
    """
    import skops.io

    content = skops.io.dumps(model, compression=ZIP_DEFLATED if compressed else ZIP_STORED)
    if strangers := _strangers(skops.io.get_untrusted_types(data=content)):
        raise UntrustedModelError(
            f"{path}: not written: the fitted model holds {', '.join(strangers)}, with which it would not be read back "
            "in safe mode; use another estimator, or other settings of it, or add the type to TRUSTED in "
            "pipeline/models/archive.py once you have read that it holds numbers and calls nothing by name"
        )
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def read_model(path: Path) -> Pipeline:
    """A model that takes raw (N, H, W, 3) uint8 images, or (N, columns) rows, and has `predict`; also `predict_proba`
    where it tells classes apart.

    Raises:
        UntrustedModelError: the file names a type outside the allow-list; nothing of it was built.
        DamagedFileError: the file is cut off or damaged.
    """
    import skops.io

    with reading(path):
        strangers = _strangers(skops.io.get_untrusted_types(file=path))
    if strangers:
        raise UntrustedModelError(
            f"{path}: holds {', '.join(strangers)}, which no model of this project needs; train it again with "
            "`dvc repro`, or add a scikit-learn type to TRUSTED in pipeline/models/archive.py once you have read it"
        )
    with reading(path):
        return skops.io.load(path, trusted=TRUSTED)


def _strangers(types: list[str]) -> list[str]:
    """Those of the types that skops does not trust by itself which are not on the list."""
    return sorted(set(types) - set(TRUSTED))
