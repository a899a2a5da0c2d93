"""One word for how each candidate fits: the rules, in the order in which they are asked, with their reasons."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

MATERIAL_GAP = 0.05  # in the units of contributions: 5 points of accuracy, 5 % of the floor's error


def fit_rules(material: str) -> dict[str, str]:
    """Each word with the rule that gives it, in order.

    Args:
        material: MATERIAL_GAP in words.
    """
    return {
        "underfits": "On its own training examples it does worse than the best candidate does on unseen ones: it has "
        "not learned what can be learned here, so its limit is capacity or training, whatever its gap.",
        "overfits": f"It does better on its training examples than on unseen ones by over {material}, with its whole "
        "interval: part of what it learned holds for the training examples only. With few examples the best candidate "
        "often overfits too; the word shows where more data or regularisation would help.",
        "sound": f"Neither: it learned its training examples well enough, and a gap above {material} is not shown.",
    }


def fit_word(train: float, gap_low: float, best_test: float, unit: float = 1.0) -> str:
    """underfits, overfits or sound (see `fit_rules`).

    Args:
        train: the score on training examples; more is better.
        gap_low: the gap's lower end.
        best_test: the best candidate's score on test examples.
        unit: what MATERIAL_GAP is a share of.
    """
    if train < best_test:
        return "underfits"
    return "overfits" if gap_low > MATERIAL_GAP * unit else "sound"


def onset_epochs(history: pd.DataFrame) -> list[int | None]:
    """For each seed the epoch after which validation loss no longer fell, or None where it fell to the very end.

    From there on training goes on at the expense of unseen examples. Epochs count on over all phases.
    """
    return [_onset(rows) for _, rows in history.groupby("seed", sort=True)]


def _onset(rows: pd.DataFrame) -> int | None:
    ordered = rows.sort_values("epoch")
    lowest = int(ordered["epoch"].to_numpy()[ordered["val_loss"].to_numpy().argmin()])
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
