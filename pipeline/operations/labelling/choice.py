"""Which unlabelled examples to label next: those that the contenders are least sure of together, spread out.

The rule is weighted k-means (Zhdanov 2019, "Diverse mini-batch Active Learning", arXiv:1901.05954, section 4.2). Each
example weighs one minus the margin: by how much the probability of the most probable class exceeds that of the second,
both as the mean over the contenders. The mean has a small margin where each of them is unsure (margin sampling) and
where they contradict one another (query by committee), so the two need no weight of their own. Of the PREFILTER times
`number` heaviest examples (or LEAST_FILTERED), `number` clusters are made in the features, and the one nearest to each
centre is chosen. So fifty photos of one thing fill one cluster and are proposed once.

Where a number is predicted, an example weighs the standard deviation of the contenders' numbers (Burbidge et al. 2007,
"Active Learning for Regression Based on Query by Committee").

Libraries of active learning (scikit-activeml, modAL) choose for scikit-learn estimators that they ask themselves. Here
answers of models of any kind are given, for which SciPy's entropies and scikit-learn's k-means are all it takes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr
from sklearn.cluster import KMeans

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

PREFILTER = 10  # the β of Zhdanov 2019, who finds 10 to 50 to do equally well
LEAST_FILTERED = 200  # examples: where few are asked for, a single burst would fill ten times as many
MOST_CLUSTERS = 1000  # each takes its share of time and memory over all examples; beyond them the heaviest follow
STARTS = 3  # of k-means, of which the best is kept
# An example that the contenders are sure of still counts: they may be sure and wrong, and where nothing but a burst is
# unsure, all clusters would lie in it.
LEAST_WEIGHT = 0.05


@dataclass(frozen=True)
class Choice:
    """Examples to label, the most informative first.

    Attributes:
        rows: (k,) which examples.
        stands_for: (k,) how many of the heaviest examples lie in its cluster, itself included; 1 where all are chosen.
    """

    rows: Rows
    stands_for: Rows


def consensus(answers: Floats) -> Floats:
    """(M, N, K) answers of M contenders → (N, K), their mean."""
    return np.asarray(answers.mean(axis=0))


def disagreement(answers: Floats) -> Floats:
    """(N,) how far the contenders contradict one another.

    Of classes: the Jensen-Shannon divergence of their probabilities (the entropy of the mean minus the mean entropy,
    as in McCallum and Nigam 1998), as a share of the most that so many contenders and classes can reach: 0 to 1. Of
    numbers: their standard deviation.

    Args:
        answers: (M, N, K) probabilities; (M, N, 1) numbers.
    """
    if len(answers) == 1:
        return np.zeros(answers.shape[1])
    if answers.shape[2] == 1:
        return np.asarray(answers[:, :, 0].std(axis=0))
    most = np.log(min(answers.shape[0], answers.shape[2]))
    divergence = entr(consensus(answers)).sum(axis=1) - entr(answers).sum(axis=2).mean(axis=0)
    return np.asarray((divergence / most).clip(0, 1))


def weigh(answers: Floats) -> Floats:
    """(N,) how informative each example's label would be, 0 to 1.

    Args:
        answers: (M, N, K) probabilities; (M, N, 1) numbers.
    """
    if answers.shape[2] == 1:
        spread = disagreement(answers)
        return np.asarray(spread / spread.max()) if spread.max() > 0 else np.ones(len(spread))
    second, first = np.sort(consensus(answers), axis=1)[:, -2:].T
    return np.asarray(1 - (first - second))


def choose(features_of: Callable[[Rows], Floats], weights: Floats, number: int, seed: int = 0) -> Choice:
    """Pick `number` examples, or all where there are no more.

    Args:
        features_of: given rows, their features (n, F); asked once, about the heaviest examples alone.
        weights: (N,) as `weigh` has them.
        seed: draws the first centres of the clusters, and the order of examples that weigh the same: with a champion
            of numbers alone all do, and those whose names come first are no sample of them.
    """
    most = max(PREFILTER * number, LEAST_FILTERED)
    drawn = np.random.default_rng(seed).permutation(len(weights))
    heaviest = drawn[np.argsort(-weights[drawn], kind="stable")][:most].astype(np.int64)
    if len(heaviest) <= number:
        return Choice(heaviest, np.ones(len(heaviest), np.int64))
    places, sizes = _spread_out(features_of(heaviest), weights[heaviest], number, seed)
    return Choice(heaviest[places], sizes)


def _spread_out(features: Floats, weights: Floats, number: int, seed: int) -> tuple[Rows, Rows]:
    """Places of the example nearest to each centre, in the order of the examples, and how large their clusters are.

    Where there are fewer different examples than `number`, or MOST_CLUSTERS, the heaviest of the others follow.
    """
    clusters = min(number, MOST_CLUSTERS, len(np.unique(features, axis=0)))
    means = KMeans(clusters, n_init=STARTS, random_state=seed)
    means.fit(features, sample_weight=np.maximum(weights, LEAST_WEIGHT))
    labels = means.labels_
    distances = np.linalg.norm(features - means.cluster_centers_[labels], axis=1)
    nearest: dict[int, int] = {}
    for place in np.lexsort((np.arange(len(labels)), distances)):
        nearest.setdefault(int(labels[place]), int(place))
    chosen = sorted(nearest.values())
    sizes = np.bincount(labels)[labels[chosen]]
    others = np.setdiff1d(np.arange(len(labels)), chosen)[: number - len(chosen)].tolist()
    return np.array([*chosen, *others], np.int64), np.array([*sizes, *(1 for _ in others)], np.int64)
