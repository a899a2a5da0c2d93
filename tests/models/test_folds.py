"""Folds of cross-validation: groups stay whole, and every fold learns every class."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.models.classical import compute_features, fit_classical
from pipeline.models.folds import Problem
from tests.models.test_classical import Photos, small


def test_folds_never_divide_a_group(photos: Photos) -> None:
    groups, labels = np.arange(48) // 4, photos[1]
    folds = Problem("multiclass", groups=groups).splitter(3, 0, labels)
    assert len(folds) == 3
    for learnt, validated in folds:
        assert not set(groups[learnt]) & set(groups[validated])
        assert sorted([*learnt, *validated]) == list(range(48))


def test_a_class_of_a_single_group_is_learned_in_every_fold_and_the_other_groups_stay_whole(
    photos: Photos, caplog: pytest.LogCaptureFixture
) -> None:
    labels = np.repeat([0, 1, 2], 16)
    groups = np.where(labels == 2, 99, np.arange(48) // 4)
    folds = Problem("multiclass", groups=groups).splitter(3, 0, labels)
    for learnt, validated in folds:
        assert set(labels[learnt]) == {0, 1, 2}
        assert (set(groups[learnt]) & set(groups[validated])) <= {99}
    assert "divides the groups of classes {2}" in caplog.text
    row = small("svm_hog")
    fit_classical("svm_hog", row, compute_features(row, photos[0]), labels, 3, 0, Problem("multiclass", groups=groups))
