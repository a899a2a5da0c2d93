"""What to expect of the one model that is served, and what choosing costs where one seed leaves the spread open."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pipeline.comparison.statistics.advice import expected_regrets
from pipeline.comparison.statistics.outcomes import Outcomes
from pipeline.comparison.statistics.quantities import score_quantity
from pipeline.comparison.tables.prospects import deployed_models, regret_if_steady
from pipeline.params.compare import Compare

SETTINGS = Compare(confidence=0.95, margin=0.01, resamples=1_000)


def outcomes_of(right: np.ndarray) -> Outcomes:
    """(3, S, N) contributions of three candidates."""
    nothing, examples = np.zeros((*right.shape[:2], 1)), right.shape[2]
    ids, labels = [str(row) for row in range(examples)], np.zeros(examples, np.int64)
    return Outcomes(["a", "b", "c"], list(range(right.shape[1])), ids, right, nothing, nothing, labels, 0)


def test_the_served_models_interval_is_its_own_and_wide_enough_for_having_been_picked() -> None:
    """Seed 1 has the lowest validation loss and is right on 70 of 100; the mean over seeds is 60."""
    right = np.zeros((3, 2, 100))
    right[:, 0, :50] = right[:, 1, :70] = 1.0
    seeds = [{"seed": 0, "val_loss": 0.9}, {"seed": 1, "val_loss": 0.5}]
    measured: list[Any] = [SimpleNamespace(trial=SimpleNamespace(seeds=seeds)) for _ in "abc"]
    one = deployed_models(measured, outcomes_of(right), SETTINGS)["b"]
    assert (one.seed, one.score) == (1, pytest.approx(0.7))
    assert one.low < 0.7 < one.high and (one.low + one.high) / 2 == pytest.approx(0.7, abs=0.01)
    alone = 1.96 * np.sqrt(0.7 * 0.3 / 100)
    assert (one.high - one.low) / 2 > alone


def test_the_best_with_one_seed_costs_less_if_seeds_hardly_vary_and_several_seeds_need_no_such_assumption() -> None:
    right = (np.random.default_rng(0).random((3, 2, 400)) < 0.6).astype(np.float64)
    of_one = outcomes_of(right[:, :1])
    quantity = score_quantity(of_one.contributions, 1_000)
    told, assumed = regret_if_steady(quantity, of_one), expected_regrets(quantity)
    assert list(told) == ["a", "b", "c"]
    best = int(quantity.means.argmax())
    assert told["abc"[best]] < 0.8 * assumed[best]
    assert regret_if_steady(score_quantity(right, 1_000), outcomes_of(right)) == {}
