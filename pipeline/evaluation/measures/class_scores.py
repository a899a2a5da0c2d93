"""How a candidate does on each class of the test split."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.metrics import precision_recall_fscore_support

from pipeline.evaluation.answers.predictions import Predictions
from pipeline.evaluation.measures.findings import Findings


def measure_classes(predictions: Predictions, class_names: Sequence[str]) -> Findings:
    """metrics.json's `classes`: each one's precision, recall and F1 on the test split, means over the seeds.

    A class that is never predicted, or of which there is no example, has 0.
    """
    numbers = np.arange(len(class_names))
    scores = []
    for splits in predictions.values():
        test = splits["test"]
        predicted = test.probabilities.argmax(axis=1)
        *of_seed, counts = precision_recall_fscore_support(test.labels, predicted, labels=numbers, zero_division=0)
        scores.append(of_seed)
    means = np.mean(scores, axis=0)  # (3, classes)
    classes = {
        name: {
            "precision": float(means[0, number]),
            "recall": float(means[1, number]),
            "f1": float(means[2, number]),
            "test_examples": int(counts[number]),
        }
        for number, name in enumerate(class_names)
    }
    return Findings(sections={"classes": classes})
