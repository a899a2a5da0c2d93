"""What choosing each candidate costs, and which one to take.

Whether a difference is shown is one question; which candidate to take is another, since something has to be taken. For
that the true scores are inferred (see shrinkage.py). From draws of all true scores at once follow, for each candidate,
the probability of being best, the expected regret (by how much the truly best is ahead of it, on average), and a limit
of that regret which holds for all candidates at once.

    >>> choose([0.004, 0.009, 0.03], costs=[50.0, 2.0, 1.0], tolerance=0.01)
    1
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.comparison.statistics.quantities import Quantity
from pipeline.comparison.statistics.shrinkage import draw_true_scores, simultaneous_limit
from pipeline.params.compare import Prefer

Floats = NDArray[np.float64]

SAME_COST = 2.0  # costs within this factor of the cheapest count as equal to it
SHARE_ON_TOP = 0.3  # of the tolerance, that may come on top of the least expected regret where that is large


@dataclass(frozen=True)
class Prospects:
    """Of C candidates, each array (C,), in units of the score.

    Attributes:
        p_best: probability of being the truly best.
        expected_regret: by how much the truly best one is ahead, on average over what is possible.
        at_most_behind: limits of that lead which hold for all candidates at once, at the confidence asked for.
        expected: the score to expect, shrunk.
    """

    p_best: Floats
    expected_regret: Floats
    at_most_behind: Floats
    expected: Floats


def weigh(quantity: Quantity, confidence: float) -> Prospects:
    """From a score of which more is better."""
    if len(quantity.means) == 1:
        nothing = np.zeros(1)
        return Prospects(np.ones(1), nothing, nothing, quantity.means.copy())
    scores = draw_true_scores(quantity, quantity.seeds.even_draws)
    return prospects_of(scores, draw_true_scores(quantity, quantity.seeds.draws), confidence)


def prospects_of(scores: Floats, cautious: Floats, confidence: float) -> Prospects:
    """From draws (D, C) of the true scores: those that expectations are taken over, and those that limits hold in."""
    expected = _regrets(scores).mean(axis=0)
    limit = simultaneous_limit(_regrets(cautious), confidence)
    return Prospects(
        p_best=np.bincount(scores.argmax(axis=1), minlength=scores.shape[1]) / len(scores),
        expected_regret=expected,
        at_most_behind=np.maximum(limit, expected),
        expected=scores.mean(axis=0),
    )


def expected_regrets(quantity: Quantity) -> Floats:
    """(C,) as `weigh` has them, in half the time: the limits take draws of their own (see `variation.seeds`)."""
    if len(quantity.means) == 1:
        return np.zeros(1)
    return np.asarray(_regrets(draw_true_scores(quantity, quantity.seeds.even_draws)).mean(axis=0))


def _regrets(scores: Floats) -> Floats:
    """(D, C) by how much the best of each draw is ahead."""
    return np.asarray(scores.max(axis=1, keepdims=True) - scores)


def tolerable(expected_regret: Sequence[float], tolerance: float) -> float:
    """The expected regret that the advice may have: the tolerance, or hardly more than the least where that is larger.

    Where much is known, the least is about nothing, and the whole tolerance buys a cheaper candidate. Where little is
    known, the least may be as large as the tolerance, and spending that on top would double what the advice costs. Some
    of it is allowed even then, so that a much cheaper candidate is not passed over for a hundredth of a point.

    Args:
        expected_regret: of each candidate.
        tolerance: in units of the score; 0: the least expected regret alone counts.
    """
    return max(tolerance, min(expected_regret) + SHARE_ON_TOP * tolerance)


def told_apart(expected_regret: Iterable[float], scores: Iterable[float]) -> list[float]:
    """Expected regrets; none where all score the same, since these differ by nothing but the draws behind them.

    Args:
        expected_regret: of each candidate.
        scores: of each, told apart by six significant digits, as tables have them.
    """
    same = len({f"{score:.6g}" for score in scores}) == 1
    return [0.0 if same else float(regret) for regret in expected_regret]


def choose(
    expected_regret: Sequence[float], costs: Sequence[float], tolerance: float, ties: Sequence[tuple[float, str]] = ()
) -> int:
    """The place of the cheapest candidate whose expected regret is tolerable.

    Costs within a factor of two of the cheapest count as equal to it; among these the first by `ties` is taken.

    Args:
        expected_regret: of each candidate.
        costs: of each, something that repeats from run to run; see `cost_by`.
        tolerance: in units of the score; see `tolerable`.
        ties: of each, such as (number of parameters, name); empty: the smaller expected regret goes first.
    """
    regret = np.asarray(expected_regret, dtype=np.float64)
    enough = [int(place) for place in np.flatnonzero(regret <= tolerable(expected_regret, tolerance))]
    cheapest = min(costs[place] for place in enough)
    alike = [place for place in enough if costs[place] <= SAME_COST * cheapest]
    return min(alike, key=lambda place: (ties[place] if ties else (regret[place], ""), place))


def advised_place(
    regrets: Iterable[float],
    scores: Iterable[float],
    work: Sequence[tuple[float, float]],
    ties: Sequence[tuple[float, str]],
    prefer: Prefer,
    tolerance: float,
) -> int:
    """The place of the candidate to take, of those that are shown to beat the floor.

    Args:
        regrets: the expected regret of each; none counts where all score the same, see `told_apart`.
        scores: of each.
        work: of each, to train one seed and to answer once, in operations.
        ties: of each: its parameters, then its name.
        tolerance: `compare.tolerance`, in units of the score.
    """
    costs = cost_by(prefer, [training for training, _ in work], [answer for _, answer in work])
    return choose(told_apart(regrets, scores), list(costs), tolerance_by(prefer, tolerance), ties)


def cost_by(prefer: Prefer, training: Sequence[float], answering: Sequence[float]) -> Floats:
    """(C,) the cost that a preference weighs; `balanced` takes the geometric mean of both.

    Args:
        prefer: with `accuracy` the cost decides between equals only, as `tolerance_by` sees to.
        training: operations, or another measure that repeats, of training one seed.
        answering: likewise of one answer.
    """
    train, answer = (np.maximum(np.asarray(cost, dtype=np.float64), 1e-12) for cost in (training, answering))
    if prefer == "cheap_training":
        return train
    return answer if prefer == "fast_answers" else np.sqrt(train * answer)


def tolerance_by(prefer: Prefer, tolerance: float) -> float:
    """What may be spent on cheapness: nothing where accuracy is all that counts."""
    return 0.0 if prefer == "accuracy" else tolerance
