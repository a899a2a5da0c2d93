"""How large a saved model is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import skops.io
from sklearn.linear_model import LogisticRegression

from pipeline.evaluation.costs.size import weights_bytes


def fitted(features: int) -> LogisticRegression:
    random = np.random.default_rng(0)
    return LogisticRegression().fit(random.random((30, features)), np.arange(30) % 3)


def test_the_size_grows_with_the_weights_and_by_no_more(tmp_path: Path) -> None:
    for features in (10, 1000):
        skops.io.dump(fitted(features), tmp_path / f"{features}.skops")
    grown = weights_bytes(tmp_path / "1000.skops") - weights_bytes(tmp_path / "10.skops")
    assert grown == (1000 - 10) * 3 * 8


def test_the_size_is_that_of_the_weights_whenever_and_however_packed_the_model_was_saved(tmp_path: Path) -> None:
    skops.io.dump(fitted(100), tmp_path / "stored.skops")
    skops.io.dump(fitted(100), tmp_path / "packed.skops", compression=8, compresslevel=9)
    assert (tmp_path / "stored.skops").stat().st_size != (tmp_path / "packed.skops").stat().st_size
    assert weights_bytes(tmp_path / "stored.skops") == weights_bytes(tmp_path / "packed.skops")
