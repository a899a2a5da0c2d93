"""Overfitting told from shift: one word for how each candidate fits, and what all candidates have in common.

The gap between training and test examples has two parts. Train minus validation is overfitting proper: both are of one
kind, and the candidate learned the first. Validation minus test is shift: neither was learned, so where they differ the
test examples are of another kind. The word for a candidate goes by the first part alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from pipeline.comparison.tables.frames import Row
from pipeline.scores.score import Score, ScoreWords

MATERIAL = 0.05  # in the units of contributions: 5 points of accuracy, 5 % of the floor's error
SHARED = 2 / 3  # of the candidates


def fit_rules(material: str) -> dict[str, str]:
    """Each word with the rule that gives it, in the order in which they are asked.

    Args:
        material: MATERIAL in words.
    """
    return {
        "underfits": f"On its own training examples it does worse, by over {material}, than the best candidate does on "
        "unseen ones: it has not learned what can be learned here, so its limit is capacity or training, whatever its "
        "gap.",
        "overfits": f"It does better on its training examples than on validation examples by over {material}, with the "
        "whole interval: part of what it learned holds for the training examples only. With few examples the best "
        "candidate often overfits too; the word shows where more data or regularisation would help.",
        "sound": f"Neither: it learned its training examples well enough, and overfitting above {material} is not "
        "shown.",
    }


def describe_fits(
    rows: Mapping[str, Row], train_scores: Mapping[str, float], score: Score, unit: float
) -> dict[str, str]:
    """underfits, sound or overfits, for each candidate.

    Args:
        rows: of ranking.csv, the best first.
        unit: what MATERIAL is a share of.
    """
    best = score.sign * next(iter(rows.values()))[score.column]
    return {
        name: fit_word(score.sign * train_scores[name], row["overfit_low"], best, unit) for name, row in rows.items()
    }


def fit_word(train: float, overfit_low: float, best_test: float, unit: float = 1.0) -> str:
    """underfits, overfits or sound (see `fit_rules`).

    Args:
        train: the score on training examples; more is better.
        overfit_low: the lower end of train minus validation.
        best_test: the best candidate's score on test examples.
    """
    if train < best_test - MATERIAL * unit:
        return "underfits"
    return "overfits" if overfit_low > MATERIAL * unit else "sound"


def shared_shift(rows: Sequence[Row], unit: float, words: ScoreWords) -> str:
    """A sentence where most candidates do worse on test than on validation examples; else nothing.

    Args:
        rows: of the attempts in ranking.csv.
    """
    shifted = [row for row in rows if row["shift_low"] > MATERIAL * unit]
    if not rows or len(shifted) < SHARED * len(rows):
        return ""
    sizes = sorted(row["shift"] for row in shifted)
    return (
        f"The test examples are of another kind than those to learn from: {len(shifted)} of {len(rows)} candidates do "
        f"worse on them than on validation examples, by {words.bare(sizes[0])} to {words.difference(sizes[-1])}, "
        "though both are new to them. That is shift, not overfitting, so regularisation does not mend it. If the test "
        "examples are of the kind that will come, label more of that kind to learn from."
    )


def onset_epochs(history: pd.DataFrame) -> list[int | None]:
    """For each seed the epoch after which validation loss no longer fell, or None where it fell to the very end.

    From there on training goes on at the expense of unseen examples. Epochs count on over all phases.
    """
    return [_onset(rows) for _, rows in history.groupby("seed", sort=True)]


def _onset(rows: pd.DataFrame) -> int | None:
    ordered = rows.sort_values("epoch")
    losses = ordered["val_loss"].to_numpy(np.float64)  # NaN where an epoch diverged
    lowest = int(ordered["epoch"].to_numpy()[np.nanargmin(losses)])
    return None if lowest == int(ordered["epoch"].max()) else lowest


def onset_text(onsets: Sequence[int | None], epochs: int) -> str:
    """`onset_epochs` for a table: `12 to 17`, `12 (in 2 of 3 seeds)`, `never`; a dash for what has no epochs."""
    if epochs <= 1:
        return "–"
    turned = sorted(onset for onset in onsets if onset is not None)
    if not turned:
        return "never"
    seen = str(turned[0]) if turned[0] == turned[-1] else f"{turned[0]} to {turned[-1]}"
    return seen if len(turned) == len(onsets) else f"{seen} (in {len(turned)} of {len(onsets)} seeds)"
