"""The worst of many classes is not called a loss for being the worst; a class that is lost is found."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.comparison.statistics.class_changes import ClassChanges, class_changes

MARGIN = 0.2


def changes(moved: np.ndarray, examples: int, seed: int) -> ClassChanges:
    """Each class is right on 70 %, and on that much more after the change."""
    rng, labels = np.random.default_rng(seed), np.repeat(np.arange(len(moved)), examples)
    before = rng.random(len(labels)) < 0.7
    rate = (0.7 + moved)[labels]
    after = np.where(before, rng.random(len(labels)) < rate / 0.7, rng.random(len(labels)) < (rate - 0.7) / 0.3)
    swapped = rng.random(len(labels)) < 0.25
    after = np.where(swapped, rng.random(len(labels)) < rate, after)
    return class_changes(before.astype(float), after.astype(float), labels, len(moved), 0.95)


def test_a_challenger_better_in_every_class_is_not_stopped_by_the_unluckiest() -> None:
    found = [changes(np.full(25, 0.08), 26, seed) for seed in range(20)]
    assert np.mean([one.worst < -MARGIN for one in found]) <= 0.1
    assert np.mean([(one.measured < 0).any() for one in found]) > 0.7, "though one class or another looks worse"


def test_a_class_that_is_lost_is_found() -> None:
    moved = np.full(25, 0.05)
    moved[7] = -0.45
    found = [changes(moved, 26, seed) for seed in range(20)]
    assert np.mean([one.worst < -MARGIN for one in found]) >= 0.75
    assert np.mean([one.low.argmin() == 7 for one in found]) >= 0.9


def test_a_class_without_test_examples_says_nothing() -> None:
    right = np.ones(30)
    found = class_changes(right, right, np.zeros(30, np.int64), 3, 0.95)
    assert found.counts.tolist() == [30, 0, 0]
    assert np.isnan(found.measured[1:]).all() and -0.15 < found.worst <= 0
    empty = class_changes(np.empty(0), np.empty(0), np.empty(0, np.int64), 2, 0.95)
    assert np.isnan(empty.worst)


def test_examples_in_groups_leave_more_open() -> None:
    rng = np.random.default_rng(5)
    labels, groups = np.repeat([0, 1], 100), np.arange(200) // 20
    before, after = np.repeat(rng.random((2, 10)) < 0.6, 20, axis=1).astype(float)
    whole, single = (class_changes(before, after, labels, 2, 0.95, one) for one in (groups, None))
    assert whole.worst < single.worst
    assert whole.measured == pytest.approx(single.measured)
