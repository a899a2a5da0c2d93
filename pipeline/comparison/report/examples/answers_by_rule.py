"""A candidate's classes of test examples by the rule that its score is judged by, and how it does on each class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pipeline.comparison.report.examples.confusion import confusion_counts
from pipeline.comparison.tables.alignment import answers_on_test, decided
from pipeline.comparison.tables.measurements import Measured
from pipeline.scores.score import Score


def answers_by_rule(one: Measured, score: Score) -> pd.DataFrame:
    """seed, split, example, label and predicted of the test split, as the ranking has judged them.

    Args:
        one: with the probabilities of validation and test examples.
    """
    answers = answers_on_test([one], None, None, probable=True)
    (test,) = decided(score, answers.validation, [answers.test])
    predicted = test.predicted[0].astype(np.int64)  # (S, N)
    return pd.DataFrame(
        {
            "seed": np.repeat(one.seeds, predicted.shape[1]),
            "split": "test",
            "example": np.tile(answers.examples, len(predicted)),
            "label": np.tile(test.labels.astype(np.int64), len(predicted)),
            "predicted": predicted.ravel(),
        }
    )


def class_scores(answers: pd.DataFrame, class_names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Each class's precision, recall and F1, means over the seeds, and its examples, as metrics.json's `classes` has
    them of the most probable class: 0 where a class is never predicted, or has no example.
    """
    counts = np.stack([confusion_counts(rows, len(class_names)) for _, rows in answers.groupby("seed")])  # (S, K, K)
    right, true, said = np.diagonal(counts, axis1=1, axis2=2), counts.sum(axis=2), counts.sum(axis=1)
    parts = {"precision": (right, said), "recall": (right, true), "f1": (2 * right, true + said)}
    means = {name: (above / np.maximum(below, 1)).mean(axis=0) for name, (above, below) in parts.items()}
    return {
        name: {part: float(mean[place]) for part, mean in means.items()} | {"test_examples": int(true[0, place])}
        for place, name in enumerate(class_names)
    }
