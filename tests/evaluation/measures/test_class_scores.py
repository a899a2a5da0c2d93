"""Precision, recall and F1 of each class, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.evaluation.answers.predictions import SplitPredictions
from pipeline.evaluation.measures.class_scores import measure_classes

LABELS = np.array([0, 0, 0, 0, 1, 1])


def said(predicted: list[int]) -> dict[str, SplitPredictions]:
    probabilities = np.eye(3, dtype=np.float32)[predicted]
    return {"test": SplitPredictions(np.array(list("abcdef")), LABELS, probabilities)}


def test_they_are_means_over_the_seeds_of_what_a_hand_counts() -> None:
    predictions = {0: said([0, 0, 0, 1, 1, 1]), 1: said([0, 1, 1, 1, 1, 2])}
    classes = measure_classes(predictions, ["fig", "kiwi", "lime"]).sections["classes"]
    assert classes["fig"]["precision"] == pytest.approx((3 / 3 + 1 / 1) / 2)
    assert classes["fig"]["recall"] == pytest.approx((3 / 4 + 1 / 4) / 2)
    assert classes["fig"]["f1"] == pytest.approx((6 / 7 + 2 / 5) / 2)
    assert classes["kiwi"]["precision"] == pytest.approx((2 / 3 + 1 / 4) / 2)
    assert classes["kiwi"]["recall"] == pytest.approx((2 / 2 + 1 / 2) / 2)
    assert [entry["test_examples"] for entry in classes.values()] == [4, 2, 0]


def test_a_class_without_examples_has_zeros_and_no_warning(recwarn: pytest.WarningsRecorder) -> None:
    classes = measure_classes({0: said([0, 0, 0, 0, 1, 1])}, ["fig", "kiwi", "lime"]).sections["classes"]
    assert classes["lime"] == {"precision": 0, "recall": 0, "f1": 0, "test_examples": 0}
    assert not recwarn.list
