"""Who is said to be best where ensembles compete: are their draws to share the luck of their members? A known truth.

    python -m benchmarks.who_is_best                (100 comparisons a world)
    python -m benchmarks.who_is_best --repeats 20

Four candidates and the ensemble of each one's seeds, 300 test examples, two classes. A seed answers an example by a
number above or below zero: its skill, what is hard for all, what is hard for its candidate, and noise of its own, which
averaging takes away. Skills and noise are drawn anew in each comparison, so that now an ensemble is the best and now a
candidate of steady answers. Its score is known exactly given what its seeds have learned; the truth is the mean over
20,000 draws of seeds. Each comparison is weighed twice: with the luck of all as independent, as the comparison does it,
and jointly, with the correlation that the jackknife tells of ensembles and their members. Written to
benchmarks/out/who_is_best.json:

    world          unsteady: seeds differ in skill; uneven: in skill and in noise
    seeds          how many
    draws          independent or joint
    correlation    of the true luck of a candidate and of its ensemble, and of what the jackknife tells
    said, was      probability of being best of the one where it is largest, and how often that one was the best
    log_score      mean log probability of the one that was the best; brier: squared distance of all probabilities
    told, true     expected regret of the one where it is the least, and by how much the best was ahead of it
    limits         share of comparisons in which the limits of all regrets held, of which 0.95 are asked
    repeats        comparisons
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from benchmarks.record import record_rows
from pipeline.comparison.statistics.advice import Prospects, prospects_of
from pipeline.comparison.statistics.quantities import Quantity, score_quantity
from pipeline.comparison.statistics.shrinkage import CHAINS, error_covariances, shrunken_draws
from pipeline.comparison.statistics.variation.jackknife import jackknifed

OUT = Path("benchmarks/out/who_is_best.json")
CANDIDATES, EXAMPLES, RESAMPLES, CONFIDENCE = 4, 300, 500, 0.95
MEMBERS, DRAWS, MOST = np.arange(CANDIDATES), 20_000, 0.99
HARD = 0.5  # standard deviations of what is hard for all, and for one candidate

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """By how much seeds differ in skill (a share of it), and in their noise (of its logarithm)."""

    name: str
    spread: float
    uneven: float


@dataclass(frozen=True)
class Compared:
    """
    Attributes:
        truth: (2 C,) scores of the candidates, then of their ensembles; contributions: (2 C, S, N).
        correlation: of a candidate's and its ensemble's score between draws of seeds, mean over the candidates.
    """

    truth: Floats
    contributions: Floats
    correlation: float


WORLDS = [World("unsteady", 0.12, 0.0), World("uneven", 0.08, 0.5)]


def compare_once(world: World, seeds: int, rng: np.random.Generator) -> Compared:
    skill, noise = rng.normal(0.9, 0.1, CANDIDATES), rng.uniform(0, 0.8, CANDIDATES)

    def learned(count: int) -> tuple[Floats, Floats]:
        shape = (count, CANDIDATES, seeds)
        skills = skill[:, None] * (1 + world.spread * rng.normal(size=shape))
        return skills, noise[:, None] * np.exp(world.uneven * rng.normal(size=shape))

    skills, noises = learned(DRAWS)
    single = ndtr(skills / np.sqrt(2 * HARD**2 + noises**2)).mean(axis=2)
    ensemble = ndtr(skills.mean(axis=2) / np.sqrt(2 * HARD**2 + (noises**2).sum(axis=2) / seeds**2))
    correlations = [np.corrcoef(single[:, place], ensemble[:, place])[0, 1] for place in MEMBERS]
    skills, noises = (values[0] for values in learned(1))
    hard, own = HARD * rng.normal(size=EXAMPLES), HARD * rng.normal(size=(CANDIDATES, 1, EXAMPLES))
    answers = skills[..., None] + hard + own + noises[..., None] * rng.normal(size=(CANDIDATES, seeds, EXAMPLES))
    without = np.stack([np.delete(answers, seed, 1).mean(axis=1) > 0 for seed in range(seeds)], axis=1)
    ensembles = jackknifed((answers.mean(axis=1) > 0).astype(np.float64), without.astype(np.float64))
    truth = np.concatenate([single.mean(axis=0), ensemble.mean(axis=0)])
    return Compared(truth, np.concatenate([answers > 0, ensembles]), float(np.mean(correlations)))


def told_correlation(contributions: Floats) -> float:
    """Of candidates and their ensembles from seed to seed, over all of them together."""
    by_seed = contributions.mean(axis=2)
    own, others = np.split(by_seed - by_seed.mean(axis=1, keepdims=True), 2)
    together = float((own**2).sum() * (others**2).sum())
    return min(max(float((own * others).sum()) / np.sqrt(together + 1e-300), 0.0), MOST)


def weighed(quantity: Quantity, correlation: float) -> Prospects:
    """As `weigh` has them, with so much of an ensemble's luck shared with its candidate."""
    count = len(quantity.means)
    shared = np.zeros((count, count))
    shared[MEMBERS, MEMBERS + CANDIDATES] = shared[MEMBERS + CANDIDATES, MEMBERS] = correlation
    drawn = []
    for variances in (quantity.seeds.even_draws, quantity.seeds.draws):
        deviations = np.sqrt(variances[np.arange(CHAINS) * len(variances) // CHAINS])
        together = deviations[:, :, None] * deviations[:, None] * shared
        drawn.append(shrunken_draws(quantity.means, error_covariances(quantity, variances) + together))
    return prospects_of(drawn[0], drawn[1], CONFIDENCE)


def judge(world: World, seeds: int, repeats: int) -> list[dict[str, Any]]:
    """A row for each kind of draws."""
    rng = np.random.default_rng(3)
    found: dict[str, list[dict[str, float]]] = {"independent": [], "joint": []}
    for _ in range(repeats):
        one = compare_once(world, seeds, rng)
        quantity = score_quantity(one.contributions, RESAMPLES, derived=np.arange(2 * CANDIDATES) >= CANDIDATES)
        told = told_correlation(one.contributions)
        for draws, correlation in (("independent", 0.0), ("joint", told)):
            correlations = {"correlation": one.correlation, "correlation_told": told}
            found[draws].append(correlations | _held_against(one.truth, weighed(quantity, correlation)))
    return [
        {"world": world.name, "seeds": seeds, "draws": draws}
        | {key: round(float(np.mean([row[key] for row in rows])), 4) for key in rows[0]}
        | {"repeats": repeats}
        for draws, rows in found.items()
    ]


def _held_against(truth: Floats, prospects: Prospects) -> dict[str, float]:
    best, top, least = truth.argmax(), prospects.p_best.argmax(), prospects.expected_regret.argmin()
    return {
        "said": float(prospects.p_best[top]),
        "was": float(top == best),
        "log_score": float(np.log(max(prospects.p_best[best], 1e-3))),
        "brier": float(((prospects.p_best - (np.arange(len(truth)) == best)) ** 2).sum()),
        "told": float(prospects.expected_regret[least]),
        "true": float(truth.max() - truth[least]),
        "limits": float((truth.max() - truth <= prospects.at_most_behind + 1e-9).all()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=100, help="comparisons a world")
    repeats = parser.parse_args().repeats
    rows: list[dict[str, float | str]] = []
    for world in WORLDS:
        for seeds in (2, 3):
            rows += judge(world, seeds, repeats)
            print(*rows[-2:], sep="\n", flush=True)
            record_rows(OUT, rows)


if __name__ == "__main__":
    main()
