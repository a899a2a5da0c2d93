"""Is what says whether a soup competes honest, and do its intervals hold? Small networks with a known truth.

    python -m benchmarks.soups                      (100 comparisons a world)
    python -m benchmarks.soups --repeats 20

Networks of one hidden layer, 4 classes, fine-tuned on 200 labelled examples. Each seed validates on a fifth of these,
drawn anew, and has a head of its own; each comparison has 300 test examples. Truths are means over 150 draws of seeds
and 20,000 fresh examples, for these labelled examples, as the statistics have them. Written to
benchmarks/out/soups.json:

    world           together: all seeds begin at the same hidden weights; memorised: so they do, a third of all labels
                    is wrong, and training is long; apart: each seed begins at weights of its own, as from scratch
    seeds           how many
    kept            share of comparisons in which the soup may compete: soups of two are no worse on examples that both
                    validated on
    told, by_heart  by how much soups have a smaller log loss than the seeds' networks on average: of two seeds, on the
                    examples that both validated on; of all, on the examples that each seed validated on, from which
                    the other seeds have learned
    true_of_two     the same of two seeds, in truth; true: of all
    coverage        95 % intervals of a soup's accuracy, by the jackknife, that hold the truth
    difference      95 % intervals of its difference to the mean of its seeds' networks that hold the truth
    gain            in accuracy, in truth
    repeats         comparisons
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.ensembles import judge_worlds
from pipeline.comparison.statistics.intervals import estimate
from pipeline.comparison.statistics.quantities import score_quantity
from pipeline.comparison.statistics.variation.jackknife import jackknifed

OUT = Path("benchmarks/out/soups.json")
INPUTS, HIDDEN, CLASSES = 12, 16, 4
DEVELOPMENT, TEST, FRESH, VALIDATION = 200, 300, 20_000, 40
DRAWS = 150
RATE, RESAMPLES, CONFIDENCE = 0.5, 1_000, 0.95

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class World:
    """How the seeds' networks come about.

    Attributes:
        together: whether they begin at the same hidden weights.
        wrong: share of labels that are drawn at random.
        steps: of gradient descent.
    """

    name: str
    together: bool
    wrong: float
    steps: int


@dataclass(frozen=True)
class Networks:
    """M networks: hidden (M, INPUTS + 1, HIDDEN) and head (M, HIDDEN + 1, CLASSES), biases last."""

    hidden: Floats
    head: Floats

    def of(self, places: Numbers) -> Networks:
        return Networks(self.hidden[places], self.head[places])

    def soup(self) -> Networks:
        """One network with the mean of their weights."""
        return Networks(self.hidden.mean(axis=0, keepdims=True), self.head.mean(axis=0, keepdims=True))

    def features(self, inputs: Floats) -> Floats:
        """(M, N, HIDDEN + 1)"""
        maps = np.maximum(inputs @ self.hidden[:, :-1] + self.hidden[:, -1:], 0)
        return np.concatenate([maps, np.ones((*maps.shape[:2], 1))], axis=2)

    def probabilities(self, inputs: Floats) -> Floats:
        """(M, N, CLASSES)"""
        logits = self.features(inputs) @ self.head
        odds = np.exp(logits - logits.max(axis=2, keepdims=True))
        return np.asarray(odds / odds.sum(axis=2, keepdims=True))


def worlds() -> list[World]:
    return [
        World("together", together=True, wrong=0.0, steps=40),
        World("memorised", together=True, wrong=0.35, steps=400),
        World("apart", together=False, wrong=0.0, steps=200),
    ]


def losses(networks: Networks, inputs: Floats, labels: Numbers) -> Floats:
    """(M, N) log losses."""
    own = networks.probabilities(inputs)[:, np.arange(len(labels)), labels]
    return np.asarray(-np.log(np.maximum(own, 1e-12)))


def hits(networks: Networks, inputs: Floats, labels: Numbers) -> Floats:
    """(M, N) 1 where the most probable class is right."""
    return np.asarray(networks.probabilities(inputs).argmax(axis=2) == labels, np.float64)


class Lab:
    """A world with its labelled examples; networks are trained on them as seeds ask for it."""

    def __init__(self, world: World, rng: np.random.Generator) -> None:
        self.world, self.rng = world, rng
        self.teacher = Networks(*self._weights(1, 1.0))
        self.start = self.teacher.hidden + 0.4 * rng.normal(size=self.teacher.hidden.shape) / np.sqrt(INPUTS)
        self.inputs, self.labels = self.examples(DEVELOPMENT)

    def _weights(self, count: int, head: float) -> tuple[Floats, Floats]:
        hidden = self.rng.normal(size=(count, INPUTS + 1, HIDDEN)) / np.sqrt(INPUTS)
        return hidden, head * self.rng.normal(size=(count, HIDDEN + 1, CLASSES))

    def examples(self, count: int) -> tuple[Floats, Numbers]:
        """Fresh ones: (N, INPUTS), and labels that the teacher is rather sure of."""
        inputs = self.rng.normal(size=(count, INPUTS))
        probable = self.teacher.probabilities(inputs)[0] ** 2
        shares = (probable / probable.sum(axis=1, keepdims=True)).cumsum(axis=1)
        labels = (self.rng.random((count, 1)) > shares).sum(axis=1).clip(max=CLASSES - 1)
        wrong = self.rng.random(count) < self.world.wrong
        return inputs, np.where(wrong, self.rng.integers(0, CLASSES, count), labels)

    def trained(self, count: int) -> tuple[Networks, NDArray[np.bool_]]:
        """As many seeds, and (M, DEVELOPMENT) what each validated on."""
        hidden, head = self._weights(count, 0.01)
        if self.world.together:
            hidden = np.repeat(self.start, count, axis=0)
        validated = self.rng.random((count, DEVELOPMENT)).argsort(axis=1) < VALIDATION
        learns = (~validated)[..., None] / (DEVELOPMENT - VALIDATION)  # (M, N, 1)
        target, inputs = np.eye(CLASSES)[self.labels], np.column_stack([self.inputs, np.ones(DEVELOPMENT)])
        for _ in range(self.world.steps):
            networks = Networks(hidden, head)
            maps = networks.features(self.inputs)
            off = (networks.probabilities(self.inputs) - target) * learns
            back = off @ head[:, :-1].transpose(0, 2, 1) * (maps[:, :, :-1] > 0)
            head = head - RATE * maps.transpose(0, 2, 1) @ off
            hidden = hidden - RATE * inputs.T @ back
        return Networks(hidden, head), validated


def judge(world: World, seeds: int, repeats: int) -> dict[str, float | str]:
    """One row."""
    lab = Lab(world, np.random.default_rng(23))
    fresh, right = lab.examples(FRESH)
    truth = np.array([_truth(lab.trained(seeds)[0], fresh, right) for _ in range(DRAWS)]).mean(axis=0)
    found = [_compare_once(lab, seeds, truth) for _ in range(repeats)]
    means = {key: round(float(np.mean([row[key] for row in found])), 3) for key in found[0]}
    true = {"true_of_two": truth[2] - truth[4], "true": truth[2] - truth[3], "gain": truth[1] - truth[0]}
    rounded = {key: round(float(value), 3) for key, value in true.items()}
    return {"world": world.name, "seeds": seeds, **means, **rounded, "repeats": repeats}


def _truth(networks: Networks, inputs: Floats, labels: Numbers) -> list[float]:
    """Accuracy of single networks and of the soup; losses of single networks, of the soup, and of a soup of two."""
    soup, two = networks.soup(), networks.of(np.arange(2)).soup()
    accuracies = [hits(one, inputs, labels).mean() for one in (networks, soup)]
    return [
        float(value) for value in (*accuracies, *(losses(one, inputs, labels).mean() for one in (networks, soup, two)))
    ]


def _compare_once(lab: Lab, seeds: int, truth: Floats) -> dict[str, float]:
    networks, validated = lab.trained(seeds)
    told = []
    for pair in combinations(range(seeds), 2):
        rows, two = np.flatnonzero(validated[list(pair)].all(axis=0)), networks.of(np.array(pair))
        of_two = [losses(one, lab.inputs[rows], lab.labels[rows]).mean(axis=0) for one in (two, two.soup())]
        told.append(of_two[0] - of_two[1])
    gained = np.concatenate(told)
    leaky = [
        losses(networks.of(np.array([seed])), lab.inputs[mask], lab.labels[mask]).mean()
        - losses(networks.soup(), lab.inputs[mask], lab.labels[mask]).mean()
        for seed, mask in enumerate(validated)
    ]
    inputs, labels = lab.examples(TEST)
    singles = hits(networks, inputs, labels)[None]  # (1, S, N)
    whole = hits(networks.soup(), inputs, labels)
    others = [np.delete(np.arange(seeds), seed) for seed in range(seeds)]
    without = np.stack([hits(networks.of(places).soup(), inputs, labels)[0] for places in others])[None]
    everything = np.concatenate([singles, jackknifed(whole, without)])
    quantity = score_quantity(everything, RESAMPLES, derived=np.array([False, True]))
    made = estimate(quantity, np.array([[0.0, 1.0], [-1.0, 1.0]]), CONFIDENCE, (-np.inf, np.inf))
    true = np.array([truth[1], truth[1] - truth[0]])
    held = (made.low <= true) & (true <= made.high)
    return {
        "kept": float(len(gained) > 0 and gained.mean() >= 0),
        "told": float(gained.mean()) if len(gained) else 0.0,
        "by_heart": float(np.mean(leaky)),
        "coverage": float(held[0]),
        "difference": float(held[1]),
    }


def main() -> None:
    judge_worlds(__doc__, worlds(), judge, OUT, usual=100)


if __name__ == "__main__":
    main()
