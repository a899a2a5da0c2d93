"""Does the advice hold on real data? Small experiments drawn from large data sets, judged by what is left over.

    python -m benchmarks.verdict_on_real_data                       (200 experiments with each data set)
    python -m benchmarks.verdict_on_real_data --quick               (10)
    python -m benchmarks.verdict_on_real_data --data randhie        (one data set; its row takes the place of the old)

Each experiment is a user's situation: 200 to 1,000 labelled examples to learn from and 200 to 600 to test on, drawn
from `cifar10` or `fashion_mnist` (classical models, and probes on what a pretrained backbone makes of a photo; see
pools.py) or from `randhie`. Every candidate is trained with three seeds, each of which sets aside its own fifth for
validation. What it is truly worth is measured with further seeds on up to 10,000 examples that are left over.

The truth is itself measured, so differences hold it less often than they hold what they are about. So intervals are
widened by what is uncertain of the truth, which leaves the coverage that a right interval has as it is. And the best of
several measured truths is partly the luckiest, which would make every regret too large (and too small, were the best
picked by one half and its lead measured on the other, since the half that picks takes a wrong one). So true scores are
inferred from all experiments with a data set together: they vary between these as a normal distribution does whose
mean and covariance all tell, and regrets are averaged over what that leaves open.

Experiments are kept in benchmarks/out/experiments and judged anew by each run; only those that are missing are made.
Written to benchmarks/out/verdict_on_real_data.json, with the columns of `benchmarks.verdict_calibration`; power is not
asked, since the true lead differs from one experiment to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from benchmarks.pools import POOLS, Pool
from benchmarks.verdict_calibration import Judgement, Row, Truth, judge_all, judge_measured, regrets, row
from pipeline.comparison.statistics.variation.units import single_examples
from pipeline.ground.files import replacing

OUT = Path("benchmarks/out/verdict_on_real_data.json")
KEPT = Path("benchmarks/out/experiments")
SEEDS, FURTHER_SEEDS, LEFT_OVER = 3, 6, 10_000
TREES = 10  # few, since forests take most of the time
LEAD = 0.1
DRAWS = 1000  # of true scores

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Kind:
    """A kind of model: how it is made from a seed, and about what it costs, in parts of the least."""

    make: Callable[[int], BaseEstimator]
    cost: float


@dataclass(frozen=True)
class Experiment:
    """One user's comparison of C candidates, and what they are truly worth.

    Attributes:
        right: (C, S, N) on the test examples.
        costs: (C,).
        scores: (C,) with further seeds, on the examples left over; covariance: (C, C) of their errors.
    """

    right: NDArray[np.bool_]
    costs: Floats
    scores: Floats
    covariance: Floats


def scaled(estimator: BaseEstimator) -> BaseEstimator:
    return make_pipeline(StandardScaler(), estimator)


KINDS = {
    "majority": Kind(lambda seed: DummyClassifier(), 1.0),
    "bayes": Kind(lambda seed: GaussianNB(), 2.0),
    "ridge": Kind(lambda seed: scaled(RidgeClassifier(alpha=10.0)), 10.0),
    "logistic": Kind(lambda seed: scaled(LogisticRegression(C=0.01, max_iter=200)), 50.0),
    "lda": Kind(lambda seed: scaled(LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.3)), 20.0),
    "knn": Kind(lambda seed: scaled(KNeighborsClassifier(9)), 100.0),
    "tree": Kind(lambda seed: DecisionTreeClassifier(max_depth=8, random_state=seed), 15.0),
    "forest": Kind(lambda seed: RandomForestClassifier(TREES, random_state=seed), 200.0),
    "extra_trees": Kind(lambda seed: ExtraTreesClassifier(TREES, random_state=seed), 150.0),
}
COMPETING = {  # features → kinds of models on them
    "columns": list(KINDS),
    "small": ["majority", "ridge", "knn", "forest"],
    "hog": ["ridge", "logistic", "lda", "extra_trees"],
    "resnet50": ["ridge", "logistic", "lda"],  # probes
}
DEARER = {"resnet50": 100.0}  # times, since features have to be computed of every photo


def experiment(pool: Pool, rng: np.random.Generator) -> Experiment:
    development, test = (int(rng.integers(*ends)) for ends in ((200, 1001), (200, 601)))
    drawn = rng.permutation(len(pool.labels))[: development + test + LEFT_OVER]
    learn, unseen, left = np.split(drawn, [development, development + test])
    right, truths, costs = [], [], []
    for features, kind in competitors(pool):
        seeds = rng.integers(2**31, size=SEEDS + FURTHER_SEEDS)
        models = [_train(pool, features, kind, learn, int(seed)) for seed in seeds]
        values, labels = pool.features[features], pool.labels
        right.append([model.predict(values[unseen]) == labels[unseen] for model in models[:SEEDS]])
        truths.append([model.predict(values[left]) == labels[left] for model in models[SEEDS:]])
        costs.append(kind.cost * DEARER.get(features, 1.0))
    return Experiment(np.array(right), np.array(costs), *measured_truth(np.array(truths, np.float64)))


def competitors(pool: Pool) -> list[tuple[str, Kind]]:
    """What each candidate learns from, and what kind it is."""
    return [(features, KINDS[name]) for features in pool.features for name in COMPETING[features]]


def measured_truth(right: Floats) -> tuple[Floats, Floats]:
    """Scores (C,) and the covariance (C, C) of their errors, from (C, S, N) of further seeds on examples left over."""
    seeds, examples = right.shape[1:]
    covariance = np.cov(right.mean(axis=1)) / examples + np.diag(right.mean(axis=2).var(axis=1, ddof=1) / seeds)
    return right.mean(axis=(1, 2)), covariance


def inferred_truths(experiments: Sequence[Experiment]) -> list[Truth]:
    """Of experiments with the same candidates; see above."""
    scores = np.array([one.scores for one in experiments])  # (E, C)
    errors = np.array([one.covariance for one in experiments])  # (E, C, C)
    mean, usual = scores.mean(axis=0), _covariance(scores, errors)
    rng, truths = np.random.default_rng(8), []
    for one in experiments:
        believed = usual @ np.linalg.inv(usual + one.covariance)
        left = usual - believed @ usual
        drawn = rng.multivariate_normal(mean + believed @ (one.scores - mean), (left + left.T) / 2, DRAWS)
        regret = (drawn.max(axis=1, keepdims=True) - drawn).mean(axis=0)
        truths.append(Truth(one.scores, one.covariance, regret))
    return truths


def _covariance(scores: Floats, errors: Floats) -> Floats:
    """(C, C) of true scores between experiments: that of the measured ones less that of their errors."""
    if len(scores) == 1:
        return np.asarray(errors[0])
    values, vectors = np.linalg.eigh(np.cov(scores.T) - errors.mean(axis=0))
    return np.asarray((vectors * np.maximum(values, 1e-8)) @ vectors.T)


def _train(pool: Pool, features: str, kind: Kind, learn: Integers, seed: int) -> Any:
    """On four fifths of the development examples, which the seed draws."""
    rows = np.random.default_rng(seed).permutation(learn)[: 4 * len(learn) // 5]
    return kind.make(seed).fit(pool.features[features][rows], pool.labels[rows])


def kept_experiment(pool: Callable[[], Pool], name: str, number: int) -> Experiment:
    """The experiment of this number, made unless it is kept already; the number is its seed."""
    path = KEPT / name / f"{number:03d}.npz"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = experiment(pool(), np.random.default_rng([number, *name.encode()]))
        with replacing(path) as part, part.open("wb") as file:
            np.savez(file, **vars(made))
    with np.load(path) as kept:
        return Experiment(**{name: kept[name] for name in Experiment.__dataclass_fields__})


def judge_pool(name: str, repeats: int, resamples: int) -> Row:
    pools: list[Pool] = []

    def pool() -> Pool:
        if not pools:
            pools.append(POOLS[name]())
        return pools[0]

    experiments: list[Experiment] = []
    for number in range(repeats):
        experiments.append(kept_experiment(pool, name, number))
        if not len(experiments) % 10:
            print(f"{name}: {len(experiments)} of {repeats} experiments", flush=True)
    truths = inferred_truths(experiments)
    return summary(name, [judge(one, truth, resamples) for one, truth in zip(experiments, truths, strict=True)])


def judge(made: Experiment, truth: Truth, resamples: int) -> Judgement:
    units = single_examples(made.right.shape[2])
    return judge_measured(made.right.astype(np.float64), truth, units, made.costs, LEAD, resamples)


def summary(name: str, found: list[Judgement]) -> Row:
    def mean(what: str) -> float:
        return float(np.mean([getattr(one, what) for one in found]))

    return row(
        name,
        coverage=mean("covered"),
        winner_coverage=mean("winner_covered"),
        false_winners=mean("worse_wrongly"),
        false_equivalence=mean("equivalent_wrongly"),
        repeats=len(found),
        **regrets(found),
    )


if __name__ == "__main__":
    judge_all(OUT, __doc__ or "", "data", POOLS, 10, judge_pool)
