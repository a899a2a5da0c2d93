"""Successive halving: the better half goes on, the recipe always does and wins ties, and the budget holds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.params.training.search import Search
from pipeline.params.training.strategies import Phase, Strategy
from pipeline.training.tuning.effort import LEAST, PASS, Effort
from pipeline.training.tuning.halving import Rungs, Standing, choose_affordable, halve, worst_cost
from pipeline.training.tuning.settings import settings_of

EFFORT = Effort([6.0, 3.0, 1.0], 0.0)
FULL = Strategy(phases=[Phase(train="all", epochs=4, learning_rate=1e-4)])
TOP = Strategy(
    phases=[Phase(train="head", epochs=60, learning_rate=1e-3), Phase(train="top 1", epochs=4, learning_rate=1e-4)]
)


class Training:
    """Settings whose validation loss falls to a value of their own, the same share of the way at the same cost."""

    def __init__(self, finals: list[float], starts: list[float] | None = None, end: float = 4.0) -> None:
        self.finals, self.starts, self.end = finals, starts or [1.0] * len(finals), end
        self.spent = [0.0] * len(finals)

    def __call__(self, index: int, limit: float | None) -> Standing:
        self.spent[index] = max(self.spent[index], self.end if limit is None else limit)
        share = self.spent[index] / self.end
        loss = self.starts[index] + (self.finals[index] - self.starts[index]) * share
        return Standing(loss, loss)


def test_the_best_is_chosen_and_the_rest_is_dropped_half_by_half() -> None:
    training = Training([0.6, 0.9, 0.5, 0.8, 0.7])
    outcome = halve(5, Rungs.of(FULL, EFFORT), training)
    assert outcome.chosen == 2
    assert training.spent == [4.0, 1.0, 4.0, 1.0, 2.0]
    assert outcome.rungs == [3, 1, 3, 1, 2]


def test_the_recipe_wins_ties() -> None:
    assert halve(3, Rungs.of(FULL, EFFORT), Training([0.5, 0.5, 0.5])).chosen == 0


def test_the_recipe_is_trained_to_its_end_though_it_is_far_behind_and_can_win_there() -> None:
    training = Training([0.2, 0.9, 0.8], starts=[3.0, 1.0, 1.0])
    assert halve(3, Rungs.of(FULL, EFFORT), training).chosen == 0
    assert training.spent[0] == 4.0


def test_what_is_behind_the_recipe_at_half_its_length_is_not_trained_on() -> None:
    training = Training([0.2, 0.9, 0.8])
    halve(3, Rungs.of(FULL, EFFORT), training)
    assert training.spent == [4.0, 1.0, 2.0]


def test_what_does_not_go_on_is_said_at_once() -> None:
    dropped: list[int] = []
    halve(5, Rungs.of(FULL, EFFORT), Training([0.6, 0.9, 0.5, 0.8, 0.7]), drop=dropped.append)
    assert sorted(dropped) == [1, 3, 4]


@pytest.mark.parametrize(("trainings", "count"), [(1.0, 2), (1.25, 3), (1.5, 4), (3.0, 8), (9.0, 8)])
def test_as_many_settings_are_tried_as_the_budget_holds_at_the_worst(trainings: float, count: int) -> None:
    search = Search(settings=8, trainings=trainings, epochs=[1.0])
    chosen = choose_affordable(settings_of(FULL, 1e-4, search, True), EFFORT, search)
    assert len(chosen) == count
    assert worst_cost(chosen, Rungs.of(FULL, EFFORT), EFFORT) <= 4 * trainings


@pytest.mark.parametrize(
    ("epochs", "trainings", "count"),
    [(1, 1.5, 2), (1, 2.0, 3), (2, 1.5, 3), (2, 4.0, 6), (8, 3.0, 12)],
    ids=["no rung", "no rung, two beside the recipe", "one rung", "one rung, two left", "three rungs"],
)
def test_the_budget_holds_though_several_settings_are_left_after_the_last_rung(
    epochs: int, trainings: float, count: int
) -> None:
    """What the dearest course of the search takes, each setting trained as far as its place in the ranking has it."""
    recipe = Strategy(phases=[Phase(train="all", epochs=epochs, learning_rate=1e-4)])
    search = Search(settings=20, trainings=trainings, epochs=[1.0])
    chosen = choose_affordable(settings_of(recipe, 1e-4, search, True), EFFORT, search)
    training = Training([0.5, *(0.4 - place / 100 for place in range(len(chosen) - 1))], end=epochs)
    outcome = halve(len(chosen), Rungs.of(recipe, EFFORT), training)
    assert sum(training.spent) - training.spent[outcome.chosen] <= trainings * epochs
    assert len(chosen) == count


def test_a_setting_that_is_too_dear_is_passed_over_for_the_next() -> None:
    search = Search(settings=3, trainings=1.25, learning_rates=[1.0], recipes=["bit"], epochs=[2.0], schedules=[])
    chosen = choose_affordable(settings_of(FULL, 1e-4, search, False), EFFORT, search)
    assert [setting.changes.epochs for setting in chosen] == [None, None, None]


def test_rungs_hold_an_epoch_each_and_count_no_head_phase_before_the_main_ones() -> None:
    assert Rungs.of(FULL, EFFORT).limits == [1.0, 2.0]
    assert Rungs.of(TOP, EFFORT).limits == pytest.approx([0.1, 0.2])
    once = Strategy(phases=[Phase(train="all", epochs=1, learning_rate=1e-4)])
    assert Rungs.of(once, EFFORT).limits == []


def test_an_epoch_costs_its_share_of_the_arithmetic_and_never_nothing() -> None:
    assert [EFFORT.of_epoch(train) for train in ("all", "top 2", "top 1", "block 2", "head")] == [
        1,
        0.4,
        0.1,
        0.4,
        LEAST,
    ]
    assert EFFORT.of_activations(TOP) == pytest.approx(PASS)
    assert replace(EFFORT, views=8).of_activations(TOP) == pytest.approx(9 * PASS)
    assert EFFORT.until(TOP, 0.2) == pytest.approx(60 * LEAST + 0.2)
