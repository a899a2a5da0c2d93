"""Drift of labels, outputs and accuracy: found where it is, and not where it is not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from pipeline.operations.retraining.drift import Drift, Sample, accuracy_loss, label_shift, measure_drift

CLASSES = ["apple", "pear", "plum"]


def sample(
    random: np.random.Generator,
    count: int,
    shares: tuple[float, float, float] = (0.5, 0.3, 0.2),
    sureness: float = 2.0,
    blind_to: int | None = None,
) -> Sample:
    """A model's outputs: softmax of noise with `sureness` added at the right class."""
    labels = random.choice(3, count, p=shares)
    logits = random.normal(0, 1, (count, 3)) + sureness * np.eye(3)[labels]
    if blind_to is not None:
        logits[labels == blind_to, blind_to] -= 2 * sureness
    exponentials = np.exp(logits)
    return Sample(labels, exponentials / exponentials.sum(axis=1, keepdims=True))


def test_examples_of_the_same_kind_are_called_drifted_as_rarely_as_promised() -> None:
    random = np.random.default_rng(0)
    drifts = [measure_drift(sample(random, 40), sample(random, 200), CLASSES) for _ in range(200)]
    assert sum(bool(one.sentences(0.05)) for one in drifts) <= 20  # 10 expected at most; 21 or more in one of 1,000


def test_other_shares_of_the_classes_are_found_and_named() -> None:
    random = np.random.default_rng(1)
    drift = measure_drift(sample(random, 80, (0.05, 0.05, 0.9)), sample(random, 200), CLASSES)
    assert any("other shares" in sentence for sentence in drift.sentences(0.01))


def test_photos_that_the_model_is_less_sure_of_are_found_though_labels_stay_as_they_were() -> None:
    random = np.random.default_rng(2)
    drift = measure_drift(sample(random, 150, sureness=0.3), sample(random, 400, sureness=4.0), CLASSES)
    found = " ".join(drift.sentences(0.01))
    assert "look different" in found and "right on" in found and "other shares" not in found
    assert drift.loses_accuracy(0.01)
    assert drift.alarms(0.01) == [sentence for sentence in drift.sentences(0.01) if "other shares" not in sentence]


def test_a_class_that_changed_its_looks_is_the_one_that_is_named() -> None:
    random = np.random.default_rng(3)
    drift = measure_drift(sample(random, 200, blind_to=1, sureness=3.0), sample(random, 400, sureness=3.0), CLASSES)
    assert drift.furthest == "pear"


def test_an_accuracy_that_rises_is_no_drift() -> None:
    assert accuracy_loss(99, 100, 60, 100) > 0.99
    assert accuracy_loss(60, 100, 99, 100) < 1e-6


def test_the_label_test_agrees_with_chi_squared_where_counts_are_large() -> None:
    random = np.random.default_rng(4)
    new, reference = random.choice(3, 300, p=(0.45, 0.33, 0.22)), random.choice(3, 900, p=(0.5, 0.3, 0.2))
    table = [np.bincount(new, minlength=3), np.bincount(reference, minlength=3)]
    assert label_shift(new, reference, 3) == pytest.approx(chi2_contingency(table).pvalue, abs=0.02)


def test_one_class_alone_cannot_shift() -> None:
    assert label_shift(np.zeros(5, np.int64), np.zeros(9, np.int64), 2) == 1.0


def test_other_shares_of_the_classes_alone_raise_no_alarm() -> None:
    """Outputs move with the shares, but not within the classes."""
    random = np.random.default_rng(5)
    drifts = [measure_drift(sample(random, 60, (0.1, 0.1, 0.8)), sample(random, 300), CLASSES) for _ in range(40)]
    assert np.mean([one.labels < 0.01 for one in drifts]) > 0.9
    assert np.mean([one.outputs < 0.05 for one in drifts]) <= 0.15


def test_of_a_burst_of_photos_one_is_looked_at() -> None:
    """Twenty photos of four things: each of the five photos of a thing is all but the same."""
    random = np.random.default_rng(6)
    alarms = {True: 0, False: 0}
    for _ in range(40):
        reference, things = sample(random, 200), sample(random, 4)
        burst = Sample(
            np.repeat(things.labels, 5), np.repeat(things.probabilities, 5, axis=0), np.repeat(np.arange(4), 5)
        )
        for grouped in alarms:
            new = burst if grouped else Sample(burst.labels, burst.probabilities)
            drift = measure_drift(new, reference, CLASSES)
            assert drift.new == (4 if grouped else 20)
            alarms[grouped] += bool(drift.sentences(0.05))
    assert alarms[True] <= 6 < alarms[False]


def test_the_fall_that_few_photos_would_show_is_told() -> None:
    random = np.random.default_rng(7)
    falls = {}
    for count in (3, 20, 200):
        drift = measure_drift(sample(random, count, sureness=3.0), sample(random, 500, sureness=3.0), CLASSES)
        falls[count] = drift.visible_fall(0.01)
    assert falls[20] is not None and falls[200] is not None
    assert 0.02 < falls[200] < 0.15 < falls[20]
    assert falls[3] is None or falls[3] > falls[20]


def test_a_fall_of_the_size_that_is_told_is_seen_as_often_as_is_told() -> None:
    drift = Drift(40, 500, 1.0, 1.0, "apple", 0.0, 1.0, 0.7, 0.7)
    fall = drift.visible_fall(0.01)
    assert fall is not None
    right = np.random.default_rng(8).binomial(40, 0.7 - fall, 400)
    assert np.mean([accuracy_loss(int(one), 40, 350, 500) < 0.01 / 3 for one in right]) == pytest.approx(0.8, abs=0.06)
