"""predictions.parquet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.evaluation.answers.predictions import (
    Predictions,
    SplitPredictions,
    confusion_on_test,
    predictions_frame,
    write_predictions,
)


def said(labels: list[int], predicted: list[int], name: str) -> SplitPredictions:
    probabilities = np.full((len(labels), 3), 0.1, dtype=np.float32)
    probabilities[np.arange(len(labels)), predicted] = 0.8
    examples = np.array([f"{name}/{number}.jpg" for number in range(len(labels))])
    return SplitPredictions(examples, np.array(labels), probabilities)


def two_seeds() -> Predictions:
    return {
        seed: {
            "train": said([0, 1], [0, 1], "a"),
            "val": said([2], [2], "b"),
            "test": said([0, 1, 2], [0, 1, missed], "c"),
        }
        for seed, missed in ((4, 2), (7, 0))
    }


def test_each_example_has_a_row_for_each_seed() -> None:
    frame = predictions_frame(two_seeds())
    assert list(frame.columns) == ["seed", "split", "example", "label", "predicted", "p_0", "p_1", "p_2"]
    assert frame.groupby(["seed", "split"], sort=False).size().to_dict() == {
        (seed, split): count for seed in (4, 7) for split, count in (("train", 2), ("val", 1), ("test", 3))
    }


def test_a_row_says_what_was_right_and_what_was_predicted() -> None:
    frame = predictions_frame(two_seeds())
    row = frame[(frame.seed == 7) & (frame.example == "c/2.jpg")].iloc[0]
    assert (row.split, row.label, row.predicted) == ("test", 2, 0)
    assert row.p_0 == np.float32(0.8) and row.p_2 == np.float32(0.1)


def test_examples_that_belong_together_carry_their_group() -> None:
    predictions = {4: {"test": replace(said([0, 1, 2], [0, 1, 2], "c"), groups=np.array([5, 5, 9]))}}
    assert predictions_frame(predictions)["group"].tolist() == [5, 5, 9]
    assert predictions[4]["test"].of_rows(np.array([2, 0])).groups.tolist() == [9, 5]


def test_probabilities_are_stored_in_single_precision_and_come_back_as_they_were(tmp_path: Path) -> None:
    write_predictions(tmp_path / "predictions.parquet", two_seeds())
    read = pd.read_parquet(tmp_path / "predictions.parquet")
    pd.testing.assert_frame_equal(read, predictions_frame(two_seeds()))
    assert (read.p_0.dtype, read.label.dtype, read.seed.dtype) == (np.float32, np.int64, np.int64)


def test_the_same_predictions_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_predictions(tmp_path / name, two_seeds())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_confusion_counts_the_test_predictions_of_all_seeds() -> None:
    np.testing.assert_array_equal(confusion_on_test(two_seeds(), 3), [[2, 0, 0], [0, 2, 0], [1, 0, 1]])
