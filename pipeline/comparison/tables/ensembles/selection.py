"""Which candidates to average: greedy selection with replacement (Caruana et al. 2004), on validation examples alone.

The ensemble starts empty. In each round the candidate joins, again or for the first time, with which the mean of all
that have joined does best; what joined twice counts twice. Each seed's validation examples judge the models of that
seed, and the mean over the seeds decides, so that one set of shares is chosen from all validation examples.

Selection overfits validation examples the more, the longer it goes on and the more candidates it chooses from. Against
that it ends as soon as a round gains less than LEAST_GAIN, and the number of candidates that may join is bounded, which
bounds how long an answer takes, too. Caruana's bags of candidates would do so less directly: their union is large.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.scores.probabilities import LOG_LOSS
from pipeline.scores.score import Answers, Score

Floats = NDArray[np.float64]

ROUNDS = 30
LEAST_GAIN = 0.001  # of what the ensemble has reached: less is the noise of shares, not another model's knowledge


def judge_for(score: Score) -> Score:
    """What selection goes by: the score itself where it is of probabilities or numbers, else the log loss.

    Counts of right answers are alike for many ensembles on a few hundred examples, where the log loss still tells.
    """
    return score if score.of_probabilities or not score.of_classes else LOG_LOSS


def select_greedily(answers: Sequence[Answers], judge: Score, most: int) -> Floats:
    """(C,) shares of the candidates, which add up to 1.

    Args:
        answers: of each seed (C, M) answers on its own validation examples.
        judge: see `judge_for`.
        most: how many candidates may have a share.
    """
    count = len(answers[0].predicted)
    chosen, reached = np.zeros(count, np.int64), -np.inf
    for _ in range(ROUNDS):
        is_full = np.count_nonzero(chosen) >= most
        may_join = np.flatnonzero(chosen) if is_full else np.arange(count)
        values = [_value(answers, judge, chosen + (np.arange(count) == place)) for place in may_join]
        best = int(np.argmax(values))
        if not values[best] - reached > LEAST_GAIN * abs(values[best]):
            break
        chosen[may_join[best]] += 1
        reached = values[best]
    return np.asarray(chosen / max(chosen.sum(), 1), np.float64)


def _value(answers: Sequence[Answers], judge: Score, counts: NDArray[np.int64]) -> float:
    """Of the mean with these counts, as a mean over the seeds of which it says something; more is better."""
    values = values_by_seed(answers, judge, counts / counts.sum())
    return float(values[np.isfinite(values)].mean()) if np.isfinite(values).any() else -np.inf


def values_by_seed(answers: Sequence[Answers], judge: Score, shares: Floats) -> Floats:
    """(S,) of the mean with these shares; NaN where the judge says nothing, as AUROC of examples of one class."""
    return np.array([judge.sign * float(judge.values(_mixed(of_seed, shares))) for of_seed in answers])


def _mixed(answers: Answers, shares: Floats) -> Answers:
    """(C, M) answers → those of their mean (M,)."""
    members = np.flatnonzero(shares)
    if answers.probabilities is None:
        return Answers(answers.labels, shares[members] @ answers.predicted[members])
    mixed = np.einsum("c,cmk->mk", shares[members], answers.probabilities[members].astype(np.float64))
    return Answers(answers.labels, mixed.argmax(axis=1).astype(np.float64), mixed)
