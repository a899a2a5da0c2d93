"""Does the advice hold on real data? Small experiments drawn from large data sets, judged by what is left over.

    python -m benchmarks.verdict_on_real_data                       (200 experiments with each data set)
    python -m benchmarks.verdict_on_real_data --quick               (10)
    python -m benchmarks.verdict_on_real_data --data randhie        (one data set; its row takes the place of the old)

Each experiment is a user's situation: 200 to 1,000 labelled examples to learn from and 200 to 600 to test on, drawn
from one of `cifar10`, `fashion_mnist` (features kept: small pictures and histograms of oriented gradients) and
`randhie` (whether somebody saw a doctor at all). Every candidate is trained with three seeds, each of which sets aside
its own fifth for validation. What it is truly worth is measured with further seeds on up to 10,000 examples that are
left over. Written to benchmarks/out/verdict_on_real_data.json, with the columns of `benchmarks.verdict_calibration`;
power is not asked, since the true lead differs from one experiment to the next. The truth is itself measured, with an
error of about 0.3 points, so coverage comes out lower than it is by about as much as that adds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
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

from benchmarks.verdict_calibration import Judgement, Row, judge_all, judge_measured, row
from pipeline.comparison.statistics.variation.units import single_examples
from pipeline.datasets.sources.photos import SOURCES
from pipeline.datasets.sources.tables import TABLE_SOURCES
from pipeline.downloads import read_package
from pipeline.models.features.photos import HogColour

OUT = Path("benchmarks/out/verdict_on_real_data.json")
SEEDS, FURTHER_SEEDS, LEFT_OVER = 3, 4, 10_000
SIDE = 8  # of the small pictures
LEAD = 0.1

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Pool:
    """A large data set: named features (N, F) and labels (N,)."""

    features: dict[str, NDArray[Any]]
    labels: Integers


@dataclass(frozen=True)
class Entrant:
    """A candidate: what it learns from, how it is made from a seed, and about what it costs, in parts of the least."""

    features: str
    make: Callable[[int], BaseEstimator]
    cost: float


def scaled(estimator: BaseEstimator) -> BaseEstimator:
    return make_pipeline(StandardScaler(), estimator)


def entrants(features: str) -> dict[str, Entrant]:
    made: dict[str, tuple[Callable[[int], BaseEstimator], float]] = {
        "majority": (lambda seed: DummyClassifier(), 1.0),
        "bayes": (lambda seed: GaussianNB(), 2.0),
        "ridge": (lambda seed: scaled(RidgeClassifier(alpha=10.0)), 10.0),
        "logistic": (lambda seed: scaled(LogisticRegression(C=0.01, max_iter=200)), 50.0),
        "lda": (lambda seed: scaled(LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.3)), 20.0),
        "knn": (lambda seed: scaled(KNeighborsClassifier(9)), 100.0),
        "tree": (lambda seed: DecisionTreeClassifier(max_depth=8, random_state=seed), 15.0),
        "forest": (lambda seed: RandomForestClassifier(50, random_state=seed), 200.0),
        "extra_trees": (lambda seed: ExtraTreesClassifier(50, random_state=seed), 150.0),
    }
    return {f"{name}_{features}": Entrant(features, make, cost) for name, (make, cost) in made.items()}


def load_photos(name: str) -> Pool:
    """All photos of both splits of a named source, small and as gradients."""
    source = SOURCES[name]
    names, small, gradients = [], [], []
    hog = HogColour()
    batch: list[NDArray[np.uint8]] = []
    for path, image in source.reader(read_package(source.package)):
        assert isinstance(image, np.ndarray)
        photo = Image.fromarray(image).convert("RGB")
        names.append(path.split("/")[1])
        small.append(np.asarray(photo.resize((SIDE, SIDE), Image.Resampling.BOX)).ravel())
        batch.append(np.asarray(photo.resize((32, 32))))
        if len(batch) == 1_000:
            gradients.append(hog.transform(np.stack(batch)))
            batch.clear()
    if batch:
        gradients.append(hog.transform(np.stack(batch)))
    labels = np.unique(names, return_inverse=True)[1].astype(np.int64)
    features = {"small": np.stack(small).astype(np.float32), "hog": np.concatenate(gradients).astype(np.float32)}
    return Pool(features, labels)


def load_randhie() -> Pool:
    table = TABLE_SOURCES["randhie"].read()
    columns = table.drop(columns="mdvis").to_numpy(np.float32)
    return Pool({"columns": columns}, (table["mdvis"] > 0).to_numpy().astype(np.int64))


POOLS: dict[str, Callable[[], Pool]] = {
    "randhie": load_randhie,
    "fashion_mnist": lambda: load_photos("fashion_mnist"),
    "cifar10": lambda: load_photos("cifar10"),
}


def experiment(pool: Pool, rng: np.random.Generator, resamples: int) -> Judgement:
    """One user's comparison, and what it is truly worth."""
    development, test = (int(rng.integers(*ends)) for ends in ((200, 1001), (200, 601)))
    drawn = rng.permutation(len(pool.labels))[: development + test + LEFT_OVER]
    learn, unseen, left = np.split(drawn, [development, development + test])
    candidates = {name: one for features in pool.features for name, one in entrants(features).items()}
    right, truth = [], []
    for one in candidates.values():
        seeds = rng.integers(2**31, size=SEEDS + FURTHER_SEEDS)
        models = [_train(pool, one, learn, int(seed)) for seed in seeds]
        values, labels = pool.features[one.features], pool.labels
        right.append([model.predict(values[unseen]) == labels[unseen] for model in models[:SEEDS]])
        truth.append(np.mean([(model.predict(values[left]) == labels[left]).mean() for model in models[SEEDS:]]))
    made, costs = np.array(right, np.float64), np.array([one.cost for one in candidates.values()])
    return judge_measured(made, np.array(truth), single_examples(test), costs, LEAD, resamples)


def _train(pool: Pool, one: Entrant, learn: Integers, seed: int) -> Any:
    """On four fifths of the development examples, which the seed draws."""
    rows = np.random.default_rng(seed).permutation(learn)[: 4 * len(learn) // 5]
    return one.make(seed).fit(pool.features[one.features][rows], pool.labels[rows])


def judge_pool(name: str, repeats: int, resamples: int) -> Row:
    pool, rng = POOLS[name](), np.random.default_rng(list(name.encode()))
    found: list[Judgement] = []
    while len(found) < repeats:
        found.append(experiment(pool, rng, resamples))
        if not len(found) % 10:
            print(f"{name}: {len(found)} of {repeats} experiments", flush=True)
    return summary(name, found)


def summary(name: str, found: list[Judgement]) -> Row:
    def mean(what: str) -> float:
        return float(np.mean([getattr(one, what) for one in found]))

    return row(
        name,
        coverage=mean("covered"),
        winner_coverage=mean("winner_covered"),
        false_winners=mean("worse_wrongly"),
        false_equivalence=mean("equivalent_wrongly"),
        **{key: mean(key) for key in ("told_regret", "true_regret", "leader_regret")},
    )


if __name__ == "__main__":
    judge_all(OUT, __doc__ or "", "data", POOLS, 10, judge_pool)
