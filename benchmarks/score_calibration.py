"""Do intervals hold by every score? A simple world with a known truth, a row for each score.

    python -m benchmarks.score_calibration                      (300 comparisons a score)
    python -m benchmarks.score_calibration --repeats 25

Six candidates, three seeds, 300 test examples. Of classes there are three, of which 60, 30 and 10 % of the examples
are, or two, of which 80 and 20 % are; where the score has a threshold, each seed chooses it on 120 validation examples.
What is hard is hard for all candidates; each has noise of its own, part of which all its seeds share, and its seeds
differ in how much they have learned. Two candidates each are equally good. The truth is the mean score of 200 seeds on
4,000 examples each. Written to benchmarks/out/score_calibration.json:

    score      the score; classes: 3 or 2, 0 of numbers
    coverage   95 % intervals of all differences that hold the truth
    own        95 % intervals of the candidates' scores that hold it
    repeats    comparisons
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.record import record_rows
from pipeline.comparison.statistics.intervals import estimate, pair_contrasts
from pipeline.comparison.statistics.quantities import in_strata, score_quantity
from pipeline.comparison.statistics.variation.units import single_examples
from pipeline.scores.classes import cost_score
from pipeline.scores.decisions import choose_decision
from pipeline.scores.numbers import pinball_score
from pipeline.scores.score import Answers, Score
from pipeline.scores.score_for_task import SCORES

OUT = Path("benchmarks/out/score_calibration.json")
CONFIDENCE, RESAMPLES = 0.95, 1_000
SKILLS = np.array([1.0, 1.0, 1.25, 1.25, 1.5, 1.5])  # of the candidates: how far the right class stands out
SEEDS, EXAMPLES, VALIDATION = 3, 300, 120
SPREAD = 0.06  # of the skill between seeds
SHARES = {3: (0.6, 0.3, 0.1), 2: (0.8, 0.2)}
MANY_SEEDS, MANY = 200, 4_000

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """A score, asked of so many classes; 0 of numbers."""

    score: Score
    classes: int

    def answers(self, rng: np.random.Generator, skills: Floats, count: int) -> Answers:
        """Of candidates (C,) or seeds with skills (C, S): answers (C, S, N) on fresh examples."""
        shape = (*skills.shape, count)
        hard, own = rng.normal(size=count), rng.normal(size=(len(skills), 1, count))
        if not self.classes:
            targets = rng.normal(size=count)
            return Answers(
                targets, targets + (0.5 * hard + 0.5 * own + 0.4 * rng.normal(size=shape)) / skills[..., None]
            )
        labels = rng.choice(self.classes, count, p=SHARES[self.classes])
        room = (count, self.classes)
        noise = 0.7 * rng.normal(size=room) + 0.5 * rng.normal(size=(len(skills), 1, *room))
        right = skills[..., None, None] * np.eye(self.classes)[labels]
        logits = right + noise + 0.5 * rng.normal(size=(*shape, self.classes)) + np.log(SHARES[self.classes])
        odds = np.exp(logits)
        probabilities = odds / odds.sum(axis=-1, keepdims=True)
        return Answers(labels, probabilities.argmax(axis=-1).astype(np.float64), probabilities, self.classes)

    def judged(self, rng: np.random.Generator, skills: Floats, count: int) -> Answers:
        """The same, by the rule that each seed chose on validation examples of its own."""
        asked = self.answers(rng, skills, count)
        if not self.score.by_threshold:
            return asked
        before, predicted = self.answers(rng, skills, VALIDATION), asked.predicted.copy()
        assert before.probabilities is not None and asked.probabilities is not None
        for place in np.ndindex(*skills.shape):
            rule = choose_decision(self.score, before.labels, before.probabilities[place])
            predicted[place] = rule.classes(asked.probabilities[place])
        return Answers(asked.labels, predicted, asked.probabilities, self.classes)

    def truth(self, rng: np.random.Generator) -> Floats:
        """(C,) the signed scores; equally good candidates have the same one."""
        distinct, place = np.unique(SKILLS, return_inverse=True)
        drawn = []
        for _ in range(MANY_SEEDS // 10):
            skills = distinct[:, None] + SPREAD * rng.normal(size=(len(distinct), 10))
            drawn.append(self.score.sign * self.score.values(self.judged(rng, skills, MANY)))
        return np.asarray(np.concatenate(drawn, axis=1).mean(axis=1)[place])


def worlds() -> list[World]:
    costs = {"c": {"*": 5.0}, "*": {"*": 1.0}}
    of_classes = [*(score for score in SCORES if score.of_classes), cost_score(costs, ["a", "b", "c"])]
    of_numbers = [*(score for score in SCORES if not score.of_classes), pinball_score(0.8)]
    two = [score for score in of_classes if score.by_threshold and score.costs is None]
    two.append(cost_score({"b": {"a": 4.0}, "a": {"b": 1.0}}, ["a", "b"]))
    return [
        *(World(score, 3) for score in of_classes),
        *(World(score, 2) for score in two),
        *(World(score, 0) for score in of_numbers),
    ]


def judge(world: World, repeats: int) -> dict[str, float | str]:
    """One row."""
    rng = np.random.default_rng(11)
    truth = world.truth(rng)
    held: list[float] = []
    own: list[float] = []
    contrasts, _ = pair_contrasts(np.eye(len(SKILLS)))
    for _ in range(repeats):
        skills = SKILLS[:, None] + SPREAD * rng.normal(size=(len(SKILLS), SEEDS))
        answers = world.judged(rng, skills, EXAMPLES)
        labels = answers.labels.astype(np.int64) if world.classes else answers.labels
        floor = world.score.floor_answers(labels, answers.labels, 1, world.classes)
        unit = world.score.unit(float(world.score.values(floor)[0]))
        parts = world.score.parts(answers) / unit if world.score.parts else None
        units = in_strata(single_examples(EXAMPLES), answers.labels, parts)
        quantity = score_quantity(world.score.contribute(answers) / unit, RESAMPLES, units)
        for rows, found in ((contrasts, held), (np.eye(len(SKILLS)), own)):
            interval = estimate(quantity, rows, CONFIDENCE, (-np.inf, np.inf))
            true = rows @ truth / unit
            found.append(float(((interval.low <= true) & (true <= interval.high)).mean()))
    return {
        "score": world.score.name,
        "classes": world.classes,
        "coverage": float(np.mean(held)),
        "own": float(np.mean(own)),
        "repeats": repeats,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=300)
    repeats = parser.parse_args().repeats
    rows = []
    for world in worlds():
        rows.append(judge(world, repeats))
        print(rows[-1], flush=True)
        record_rows(OUT, rows)


if __name__ == "__main__":
    main()
