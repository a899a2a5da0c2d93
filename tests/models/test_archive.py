"""Saved scikit-learn models: only what is trusted is written, and only that is built again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline

from pipeline.models.archive import TRUSTED, UntrustedModelError, read_model, write_model
from tests.models.test_classical import ROWS, Photos, fit, small


def test_a_model_that_could_not_be_read_back_is_not_written(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    estimator = MLPClassifier(hidden_layer_sizes=[2], max_iter=3).fit(random.normal(size=(20, 2)), np.arange(20) % 2)
    with pytest.raises(UntrustedModelError, match=r"model\.skops: not written: .*AdamOptimizer.*another estimator"):
        write_model(tmp_path / "model.skops", Pipeline([("estimator", estimator)]))
    assert not list(tmp_path.iterdir())


def test_a_file_with_a_type_of_its_own_is_not_built(tmp_path: Path) -> None:
    stranger = Pipeline([("estimator", GaussianProcessClassifier(optimizer=np.linalg.norm))])
    skops.io.dump(stranger, tmp_path / "model.skops")
    with pytest.raises(UntrustedModelError, match=r"model\.skops: holds numpy\.linalg.*which no model"):
        read_model(tmp_path / "model.skops")


def test_each_trusted_type_is_needed_by_some_row(photos: Photos, tmp_path: Path) -> None:
    needed = set()
    for name in ROWS:
        write_model(tmp_path / "model.skops", fit(small(name), photos).model)
        needed |= set(skops.io.get_untrusted_types(file=tmp_path / "model.skops"))
    needed |= {"pipeline.models.networks.pooled.PooledFeatures"}  # tests/models/test_pooled.py
    needed |= {"numpy.dtype", "pipeline.models.features.columns.RepeatLast"}  # tests/models/test_row_models.py
    assert needed == set(TRUSTED)
