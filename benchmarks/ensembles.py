"""Do the intervals of ensembles hold? Simulated comparisons with a known truth, by 2, 3 and 5 seeds.

    python -m benchmarks.ensembles                      (300 comparisons a world)
    python -m benchmarks.ensembles --repeats 25

Four candidates, 300 test examples, and for each seed 120 validation examples of its own. What is hard is hard for all
candidates; each has noise of its own, part of which all its seeds share, so that averaging removes some of it and not
the rest; and its seeds differ in how much they have learned. Ensembles of seeds are put together as `compare` does, and
the greedy one is selected on validation examples. The truth is the mean score of 100 fresh draws of as many seeds on
2,000 fresh examples each; of the greedy ensemble 250, with the shares that were selected. Written to
benchmarks/out/ensembles.json:

    world             steady: seeds differ little; unsteady: much; numbers: numbers are predicted, judged by RMSE
    seeds             how many
    coverage          95 % intervals of the score of an ensemble of seeds that hold the truth
    as_one_model      the same where it is taken as one trained model whose seeds do not count
    single            the same of a single candidate's mean over its seeds, to compare with
    difference        95 % intervals of its difference to the best single model that hold the truth
    picked            intervals of the difference of the ensemble that came out best, widened for having been picked
    greedy            95 % intervals of the greedy ensemble's score; greedy_difference: of its difference
    told, true        the standard deviation that other seeds would cause: as it is told on average, and as it is
    gain              what an ensemble of seeds truly brings over its own candidate, on average
    repeats           comparisons
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.record import record_rows
from pipeline.comparison.statistics.intervals import contrasts_after_selection, estimate
from pipeline.comparison.statistics.quantities import score_quantity
from pipeline.comparison.statistics.variation.jackknife import jackknifed
from pipeline.comparison.tables.ensembles.selection import judge_for, select_greedily
from pipeline.scores.classes import ACCURACY
from pipeline.scores.numbers import RMSE
from pipeline.scores.score import Answers, Score

OUT = Path("benchmarks/out/ensembles.json")
CONFIDENCE, RESAMPLES, MARGIN = 0.95, 1_000, (-np.inf, np.inf)
SKILLS = np.array([1.1, 1.3, 1.5, 1.5])  # of the candidates: how far the right class stands out
EXAMPLES, VALIDATION, CLASSES, MOST = 300, 120, 4, 3
SEEDS = (2, 3, 5)
DRAWS, AT_A_TIME = 100, 2_000  # of the truth: draws of seeds, and fresh examples for each
POOLED = 250  # of these, on which the shares of a greedy ensemble are tried

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """How much the seeds of a candidate differ in what they have learned, and what is predicted."""

    name: str
    spread: float
    score: Score

    def answers(self, rng: np.random.Generator, skills: Floats, count: int) -> Answers:
        """Of candidates' seeds with skills (C, S): answers (C, S, N) on fresh examples."""
        shape = (*skills.shape, count)
        if not self.score.of_classes:
            targets = rng.normal(size=count)
            hard, own = rng.normal(size=count), rng.normal(size=(len(skills), 1, count))
            off = 0.5 * hard + 0.5 * own + 0.5 * rng.normal(size=shape)
            return Answers(targets, targets + off / skills[..., None])
        labels, room = rng.integers(0, CLASSES, count), (count, CLASSES)
        noise = 0.6 * rng.normal(size=room) + 0.5 * rng.normal(size=(len(skills), 1, *room))
        logits = skills[..., None, None] * np.eye(CLASSES)[labels] + noise + 0.6 * rng.normal(size=(*shape, CLASSES))
        odds = np.exp(2 * logits)
        probabilities = odds / odds.sum(axis=-1, keepdims=True)
        return Answers(labels, probabilities.argmax(axis=-1).astype(np.float64), probabilities)

    def skills(self, rng: np.random.Generator, seeds: int) -> Floats:
        return np.asarray(SKILLS[:, None] * (1 + self.spread * rng.normal(size=(len(SKILLS), seeds))))

    def contribute(self, answers: Answers) -> Floats:
        return self.score.contribute(answers)


def worlds() -> list[World]:
    return [World("steady", 0.03, ACCURACY), World("unsteady", 0.15, ACCURACY), World("numbers", 0.08, RMSE)]


def mixed(answers: Answers, weights: Floats, axis: int) -> Answers:
    """The weighted mean over candidates (axis 0) or over seeds (axis 1)."""
    if answers.probabilities is None:
        return Answers(answers.labels, np.tensordot(answers.predicted, weights, (axis, 0)))
    probable = np.tensordot(answers.probabilities, weights, (axis, 0))
    return Answers(answers.labels, probable.argmax(axis=-1).astype(np.float64), probable)


def over_seeds(answers: Answers) -> Answers:
    """(C, S, N) → (C, N)."""
    return mixed(answers, np.full(answers.predicted.shape[1], 1 / answers.predicted.shape[1]), axis=1)


def without_each(answers: Answers) -> Answers:
    """(C, S, N) → (C, S, N): the mean of all seeds but each."""
    seeds = answers.predicted.shape[1]
    parts = []
    for seed in range(seeds):
        weights = np.full(seeds, 1 / (seeds - 1))
        weights[seed] = 0.0
        parts.append(mixed(answers, weights, axis=1))
    predicted = np.stack([part.predicted for part in parts], axis=1)
    known = [part.probabilities for part in parts if part.probabilities is not None]
    return Answers(answers.labels, predicted, np.stack(known, axis=1) if known else None)


@dataclass(frozen=True)
class Truth:
    """Signed scores: (C,) of single models and of ensembles of seeds, and what shares come to.

    Attributes:
        spread: (C,) standard deviation of an ensemble's expected score between draws of its seeds.
    """

    world: World
    single: Floats
    ensemble: Floats
    spread: Floats
    pool: list[Answers]

    def of_shares(self, shares: Floats) -> float:
        """Of the greedy ensemble with these shares."""
        values = [self.world.score.values(mixed(answers, shares, axis=0)).mean() for answers in self.pool]
        return float(self.world.score.sign * np.mean(values))


def truth_of(world: World, seeds: int, rng: np.random.Generator, draws: int = DRAWS) -> Truth:
    """By many draws of seeds and examples. How far an ensemble's score varies with its seeds alone is what draws of
    examples do not explain: two halves of the examples tell both."""
    single, ensemble, products, pool = [], [], [], []
    for _ in range(draws):
        answers = world.answers(rng, world.skills(rng, seeds), AT_A_TIME)
        whole = over_seeds(answers)
        single.append(world.score.values(answers).mean(axis=1))
        ensemble.append(world.score.values(whole))
        halves = [world.score.values(whole.at(np.arange(AT_A_TIME) % 2 == half)) for half in (0, 1)]
        products.append(halves)
        pool.append(answers.at(np.arange(POOLED)))
    both = np.array(products)  # (draws, 2, C)
    centred = both - both.mean(axis=0)
    variance = (centred[:, 0] * centred[:, 1]).mean(axis=0)
    sign = world.score.sign
    means = [sign * np.mean(values, axis=0) for values in (single, ensemble)]
    return Truth(world, means[0], means[1], np.sqrt(np.maximum(variance, 0.0)), pool)


def judge(world: World, seeds: int, repeats: int) -> dict[str, float | str]:
    """One row."""
    rng = np.random.default_rng(17)
    truth, found = truth_of(world, seeds, rng), Found()
    for _ in range(repeats):
        compare_once(world, seeds, truth, rng, found)
    kept = {name: round(float(np.mean(values)), 3) for name, values in found.held.items()}
    kept |= {"told": round(float(np.sqrt(np.mean(found.told))), 4), "true": round(float(truth.spread.mean()), 4)}
    gain = round(float((truth.ensemble - truth.single).mean()), 4)
    return {"world": world.name, "seeds": seeds, **kept, "gain": gain, "repeats": repeats}


class Found:
    """What came out of all comparisons of a world."""

    def __init__(self) -> None:
        self.held: dict[str, list[bool]] = {}
        self.told: list[float] = []

    def note(self, name: str, low: Floats, high: Floats, true: Floats) -> None:
        self.held.setdefault(name, []).extend(map(bool, np.atleast_1d((low <= true) & (true <= high))))


def compare_once(world: World, seeds: int, truth: Truth, rng: np.random.Generator, found: Found) -> None:
    """One comparison of single models and ensembles, held against the truth."""
    skills = world.skills(rng, seeds)
    answers = world.answers(rng, skills, EXAMPLES)
    singles = world.contribute(answers)  # (C, S, N)
    ensembles = jackknifed(world.contribute(over_seeds(answers)), world.contribute(without_each(answers)))
    shares = selected(world, skills, rng)
    greedy = world.contribute(mixed(answers, shares, axis=0))[None]
    count, best = len(SKILLS), int(singles.mean(axis=(1, 2)).argmax())
    derived = np.arange(2 * count + 1) >= count
    everything = score_quantity(np.concatenate([singles, ensembles, greedy]), RESAMPLES, derived=derived)
    own = estimate(everything, np.eye(2 * count + 1), CONFIDENCE, MARGIN)
    found.note("coverage", own.low[count : 2 * count], own.high[count : 2 * count], truth.ensemble)
    found.told += list(own.seed_variance[count : 2 * count])
    fixed = estimate(everything.of_trained_models(), np.eye(2 * count + 1)[count : 2 * count], CONFIDENCE, MARGIN)
    found.note("as_one_model", fixed.low, fixed.high, truth.ensemble)
    found.note("single", own.low[:count], own.high[:count], truth.single)
    true = np.append(truth.ensemble, truth.of_shares(shares))
    found.note("greedy", own.low[-1], own.high[-1], true[-1])
    contrasts, gains = np.eye(2 * count + 1)[count:] - np.eye(2 * count + 1)[best], true - truth.single[best]
    pairs = estimate(everything, contrasts, CONFIDENCE, MARGIN)
    found.note("difference", pairs.low[:count], pairs.high[:count], gains[:count])
    found.note("greedy_difference", pairs.low[-1], pairs.high[-1], gains[-1])
    low, high = contrasts_after_selection(everything, contrasts, CONFIDENCE, MARGIN)
    picked = int(pairs.value.argmax())
    found.note("picked", low[picked], high[picked], gains[picked])


def selected(world: World, skills: Floats, rng: np.random.Generator) -> Floats:
    """(C,) the shares that greedy selection gives on each seed's own validation examples."""
    validation = []
    for seed in range(skills.shape[1]):
        of_seed = world.answers(rng, skills[:, [seed]], VALIDATION)
        probabilities = None if of_seed.probabilities is None else of_seed.probabilities[:, 0]
        validation.append(Answers(of_seed.labels, of_seed.predicted[:, 0], probabilities))
    return select_greedily(validation, judge_for(world.score), MOST)


def main() -> None:
    judge_worlds(__doc__, worlds(), judge, OUT, usual=300)


def judge_worlds(
    description: str | None,
    worlds: Sequence[Any],
    judge: Callable[[Any, int, int], dict[str, Any]],
    out: Path,
    usual: int,
) -> None:
    """Judge every world with every number of seeds, as often as is asked for, and write a row for each.

    Args:
        judge: takes a world, how many seeds, and how many comparisons.
        usual: comparisons a world, where it is not said.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=usual, help="comparisons a world")
    repeats = parser.parse_args().repeats
    rows = []
    for world in worlds:
        for seeds in SEEDS:
            rows.append(judge(world, seeds, repeats))
            print(rows[-1], flush=True)
    record_rows(out, rows)


if __name__ == "__main__":
    main()
