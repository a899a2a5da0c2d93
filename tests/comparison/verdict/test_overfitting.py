"""The words for how a candidate fits, and the epoch where validation loss turns."""

from __future__ import annotations

import pandas as pd
import pytest

from pipeline.comparison.verdict.overfitting import fit_rules, fit_word, onset_epochs, onset_text


@pytest.mark.parametrize(
    ("train", "gap_low", "best", "word"),
    [
        (0.40, 0.00, 0.66, "underfits"),
        (0.60, 0.30, 0.66, "underfits"),
        (0.996, 0.0, 1.0, "sound"),
        (0.99, 0.30, 0.66, "overfits"),
        (0.99, 0.04, 0.97, "sound"),
        (0.97, 0.051, 0.90, "overfits"),
    ],
)
def test_each_candidate_gets_the_word_of_the_first_rule_that_holds(
    train: float, gap_low: float, best: float, word: str
) -> None:
    assert fit_word(train, gap_low, best) == word
    assert word in fit_rules("5.0 points")


def history(losses: dict[int, list[float]]) -> pd.DataFrame:
    rows = [(seed, epoch, loss) for seed, one in losses.items() for epoch, loss in enumerate(one, 1)]
    return pd.DataFrame(rows, columns=["seed", "epoch", "val_loss"])


def test_the_onset_is_the_epoch_of_the_lowest_validation_loss_unless_it_is_the_last() -> None:
    assert onset_epochs(history({0: [3, 2, 1, 2], 1: [3, 2, 1, 0.5], 2: [1, 2, 3]})) == [3, None, 1]


def test_an_epoch_that_diverged_is_neither_the_lowest_nor_in_the_way_of_it() -> None:
    assert onset_epochs(history({0: [3, 2, float("nan")], 1: [float("nan"), 2, 1]})) == [2, None]


@pytest.mark.parametrize(
    ("onsets", "epochs", "text"),
    [
        ([3, 5, 3], 9, "3 to 5"),
        ([3, 3], 9, "3"),
        ([3, None], 9, "3 (in 1 of 2 seeds)"),
        ([None, None], 9, "never"),
        ([None], 1, "–"),
    ],
)
def test_onsets_are_told_in_few_words(onsets: list[int | None], epochs: int, text: str) -> None:
    assert onset_text(onsets, epochs) == text
