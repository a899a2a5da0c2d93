"""Drift of labels, outputs and accuracy: found where it is, and not where it is not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from pipeline.operations.retraining.drift import Sample, accuracy_loss, label_shift, measure_drift

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
