"""Successive halving: all settings train a little, the better half goes on, and so on (Jamieson and Talwalkar 2016).

Two things are not as usual. The recipe trains on to its end whatever becomes of it, so that what is chosen is known to
be no worse on validation data, and the report can say what the recipe would have got. And a setting that goes on is not
trained anew: it goes on from where it paused, and the training of the one that is chosen is the first seed's trial.

Written here rather than taken from a library: Optuna's pruner decides about each trial as it comes, cannot promise the
recipe its place, and would bring its own store; scikit-learn's halving searches fit estimators, and fit them anew at
every rung. What is left is this file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import log2

from pipeline.params.training.search import Search
from pipeline.params.training.strategies import Strategy
from pipeline.training.tuning.effort import Effort
from pipeline.training.tuning.settings import Setting, main_phases

MOST_RUNGS = 3
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Rungs:
    """
    Attributes:
        limits: what the main phases may have cost when a rung compares, in ascending order.
    """

    limits: Sequence[float]

    @classmethod
    def of(cls, recipe: Strategy, effort: Effort) -> Rungs:
        """An eighth, a quarter and half of the recipe's main phases, as far as each holds an epoch."""
        epochs = sum(recipe.phases[number].epochs for number in main_phases(recipe))
        count, whole = min(MOST_RUNGS, int(log2(epochs))), effort.of_main_phases(recipe)
        return cls([whole / 2**power for power in range(count, 0, -1)])

    def survivors(self, challengers: int) -> list[int]:
        """How many settings beside the recipe go on after each rung."""
        counts = []
        for _ in self.limits:
            challengers = max(1, challengers // 2)
            counts.append(challengers)
        return counts


def choose_affordable(settings: Iterable[Setting], effort: Effort, search: Search) -> list[Setting]:
    """The settings that are tried: the recipe, then one after the other as long as the budget holds at the worst.

    One that is too dear, such as twice the epochs where blocks are trained, is passed over for a cheaper one.
    """
    iterator = iter(settings)
    recipe = next(iterator)
    rungs = Rungs.of(recipe.strategy, effort)
    budget = search.trainings * (effort.of_training(recipe.strategy) + effort.of_activations(recipe.strategy))
    chosen = [recipe]
    for setting in iterator:
        if len(chosen) == search.settings:
            break
        if worst_cost([*chosen, setting], rungs, effort) <= budget + TOLERANCE:
            chosen.append(setting)
    return chosen


def worst_cost(settings: Sequence[Setting], rungs: Rungs, effort: Effort) -> float:
    """The most that trying them can cost beside the chosen one's own training.

    The worst case: the most expensive settings are dropped at each rung, and of those that are trained to their end
    (the recipe and every one that is left beside it) the cheapest is chosen. Several are left where there are few
    rungs: a recipe of one main epoch has none.
    """
    recipe, *challengers = [setting.strategy for setting in settings]
    before, cost = len(challengers), 0.0
    for limit, after in zip(rungs.limits, rungs.survivors(len(challengers)), strict=True):
        spent = sorted((effort.until(strategy, limit) for strategy in challengers), reverse=True)
        cost += sum(spent[: before - after])
        before = after
    to_the_end = sorted((effort.of_training(strategy) for strategy in (recipe, *challengers)), reverse=True)
    return cost + sum(to_the_end[:before])


@dataclass(frozen=True)
class Standing:
    """Where a setting stands when it pauses or has ended; the lower, the better.

    Attributes:
        loss: the least validation loss so far.
        latest: the least of the phase that it is in, which tells settings apart whose best epoch lies before it.
    """

    loss: float
    latest: float


@dataclass(frozen=True)
class Outcome:
    """
    Attributes:
        chosen: which setting.
        rungs: the last rung that each was compared at, from 1; one more for those that were trained to their end.
    """

    chosen: int
    rungs: list[int]


def halve(
    count: int,
    rungs: Rungs,
    train: Callable[[int, float | None], Standing],
    drop: Callable[[int], None] = lambda index: None,
) -> Outcome:
    """Which of the settings 0 to count - 1 is best; 0 is the recipe.

    Args:
        train: trains a setting on, until its main phases have cost so much, or to its end for None.
        drop: called with each setting that does not go on.
    """
    challengers, reached = list(range(1, count)), [0] * count
    for number, (limit, survivors) in enumerate(
        zip(rungs.limits, rungs.survivors(len(challengers)), strict=True), start=1
    ):
        standings = {index: train(index, limit) for index in [0, *challengers]}
        for index in standings:
            reached[index] = number
        ranked = sorted(challengers, key=lambda index: (standings[index].loss, standings[index].latest, index))
        going_on = ranked[:survivors]
        if number == len(rungs.limits):
            going_on = [index for index in going_on if _is_ahead(standings[index], standings[0])]
        for index in set(challengers) - set(going_on):
            drop(index)
        challengers = going_on
    losses = {index: train(index, None).loss for index in [0, *challengers]}
    for index in losses:
        reached[index] = len(rungs.limits) + 1
    return Outcome(min(losses, key=lambda index: (losses[index], index)), reached)


def _is_ahead(challenger: Standing, recipe: Standing) -> bool:
    return (challenger.loss, challenger.latest) < (recipe.loss, recipe.latest)
