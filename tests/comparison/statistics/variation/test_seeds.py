"""What a few seeds tell of the spread between seeds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pipeline.comparison.statistics.variation.seeds import ASSUMED_SPREAD, seed_spread

NOTHING = np.zeros(12)


def test_one_seed_leaves_the_assumed_spread() -> None:
    assert seed_spread(np.full((3, 1), 0.5), np.zeros(3)).variance == pytest.approx(np.full(3, ASSUMED_SPREAD**2))


def test_a_candidate_that_is_the_same_with_every_seed_has_no_spread() -> None:
    spread = seed_spread(np.array([[0.1, 0.1, 0.1], [0.4, 0.5, 0.6]]), np.array([0.0, 1e-6]))
    assert spread.variance[0] == 0 < spread.variance[1]


def test_many_alike_candidates_tell_their_common_spread() -> None:
    by_seed = np.random.default_rng(0).normal(0, 0.02, (60, 3))
    deviation = np.sqrt(np.median(seed_spread(by_seed, np.zeros(60)).draws * 3, axis=0))
    assert np.median(deviation) == pytest.approx(0.02, rel=0.2)
    assert deviation.max() < 3 * deviation.min(), "far less apart than the spreads of three seeds by themselves"


def test_one_unstable_candidate_is_believed_unstable_and_leaves_the_others_steady() -> None:
    by_seed = np.random.default_rng(1).normal(0, 0.005, (12, 3))
    steady = seed_spread(by_seed, NOTHING).variance
    by_seed[0] = [0.3, 0.5, 0.4]
    spread = seed_spread(by_seed, NOTHING).variance
    assert spread[0] > 100 * np.median(spread[1:])
    assert np.median(spread[1:]) < 3 * np.median(steady)


def test_what_is_told_as_a_mean_does_not_lean_towards_spreads_that_two_seeds_cannot_rule_out() -> None:
    """Twenty candidates that vary alike; intervals keep their caution."""
    ratios = []
    for seed in range(8):
        by_seed = np.random.default_rng([5, seed]).normal(0, 0.02, (20, 2))
        spread = seed_spread(by_seed, np.full(20, 0.005**2))
        ratios.append([draws.mean() * 2 / 0.02**2 for draws in (spread.draws, spread.even_draws)])
    cautious, even = np.mean(ratios, axis=0)
    assert even < 0.75 * cautious


def test_an_unstable_candidate_is_believed_unstable_by_what_is_told_as_a_mean_too() -> None:
    by_seed = np.random.default_rng(1).normal(0, 0.005, (12, 3))
    by_seed[0] = [0.3, 0.5, 0.4]
    even = seed_spread(by_seed, NOTHING).even_draws.mean(axis=0)
    assert even[0] > 100 * np.median(even[1:])


def test_what_examples_cause_is_not_the_seeds() -> None:
    by_seed = np.random.default_rng(2).normal(0, 0.02, (40, 5))
    explained = seed_spread(by_seed, np.full(40, 0.02**2)).variance.mean()
    assert explained < 0.2 * seed_spread(by_seed, np.zeros(40)).variance.mean()


def test_intervals_from_two_seeds_of_two_candidates_hold() -> None:
    """A difference of two means of two seeds: two degrees of freedom in all. 95 % of 400, good to three points."""
    rng, held = np.random.default_rng(3), []
    for _ in range(400):
        by_seed = rng.normal(0, 0.03, (2, 2))
        variance = seed_spread(by_seed, np.zeros(2)).draws.sum(axis=1)
        difference = by_seed[0].mean() - by_seed[1].mean()
        held.append(2 * stats.norm.sf(abs(difference) / np.sqrt(variance)).mean() > 0.05)
    assert 0.90 < np.mean(held) < 0.99


def test_effects_are_drawn_with_the_variances_and_the_same_every_time() -> None:
    spread = seed_spread(np.random.default_rng(4).normal(0, 0.02, (5, 3)), np.zeros(5))
    effects = spread.effects(20_000)
    assert effects.var(axis=0) == pytest.approx(spread.variance, rel=0.1)
    assert np.array_equal(effects, spread.effects(20_000))


@pytest.mark.parametrize("count", [300, 1_000, 3_000])
def test_intervals_are_as_wide_with_few_draws(count: int) -> None:
    spread = seed_spread(np.array([[0.1, 0.12], [0.3, 0.29], [0.2, 0.24]]), np.zeros(3))
    few, many = (np.quantile(spread.effects(drawn), 0.975, axis=0) for drawn in (count, 20_000))
    assert few == pytest.approx(many, rel=0.3)


def test_seeds_that_score_alike_by_chance_are_not_taken_for_wild_ones() -> None:
    """Two seeds with one score that err on different examples; examples alone would put them a point apart."""
    spread = np.sqrt(seed_spread(np.full((2, 2), 0.9), np.full(2, 0.01**2)).variance)
    assert 0 < spread.max() < 0.03
