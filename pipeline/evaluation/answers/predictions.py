"""predictions.parquet: what every seed predicts of every example, so that all else can be computed from it again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.ground.files import write_parquet


@dataclass(frozen=True)
class SplitPredictions:
    """One seed's predictions on one split.

    Attributes:
        examples: (N,) example ids.
        labels: (N,) class numbers; of a regression float64 numbers.
        probabilities: (N, classes) float32; of a regression (N, 1) predicted numbers.
        groups: (N,) equal for examples that belong together; None where each is on its own.
    """

    examples: NDArray[np.str_]
    labels: NDArray[Any]
    probabilities: NDArray[np.float32]
    groups: NDArray[np.int64] | None = None

    def of_rows(self, rows: NDArray[np.int64]) -> SplitPredictions:
        groups = None if self.groups is None else self.groups[rows]
        return SplitPredictions(self.examples[rows], self.labels[rows], self.probabilities[rows], groups)

    def frame(self, seed: int, split: str) -> pd.DataFrame:
        """One row an example. The group is a column only where examples belong together."""
        groups = {} if self.groups is None else {"group": self.groups.astype(np.int64)}
        if self.labels.dtype.kind == "f":
            return pd.DataFrame(
                {
                    "seed": seed,
                    "split": split,
                    "example": self.examples.astype(str),
                    "label": self.labels,
                    "predicted": self.probabilities[:, 0].astype(np.float64),
                    **groups,
                }
            )
        columns = {f"p_{number}": self.probabilities[:, number] for number in range(self.probabilities.shape[1])}
        return pd.DataFrame(
            {
                "seed": seed,
                "split": split,
                "example": self.examples.astype(str),
                "label": self.labels.astype(np.int64),
                "predicted": self.probabilities.argmax(axis=1).astype(np.int64),
                **columns,
                **groups,
            }
        )


# seed → split ("train", "val", "test") → predictions
Predictions = dict[int, dict[str, SplitPredictions]]


def mean_on_test(predictions: Predictions) -> SplitPredictions:
    """The test split with the mean of the seeds' probabilities."""
    tests = [splits["test"] for splits in predictions.values()]
    mean = np.mean([test.probabilities for test in tests], axis=0)
    return SplitPredictions(tests[0].examples, tests[0].labels, mean)


def predictions_frame(predictions: Predictions) -> pd.DataFrame:
    """All seeds and splits, one row an example: seed, split, example, label, predicted, p_0 … p_k (float32).

    A regression has numbers as label and predicted, and no probabilities. Where examples belong together, `group` is
    the last column.
    """
    frames = [of_split.frame(seed, split) for seed, splits in predictions.items() for split, of_split in splits.items()]
    return pd.concat(frames, ignore_index=True)


def write_predictions(path: Path, predictions: Predictions) -> None:
    write_parquet(path, predictions_frame(predictions))


def confusion_on_test(predictions: Predictions, classes: int) -> NDArray[np.int64]:
    """(classes, classes) counts on the test split, summed over the seeds: rows are the right classes."""
    counts = np.zeros((classes, classes), dtype=np.int64)
    for splits in predictions.values():
        test = splits["test"]
        np.add.at(counts, (test.labels, test.probabilities.argmax(axis=1)), 1)
    return counts
