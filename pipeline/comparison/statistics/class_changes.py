"""By how much each class gains or loses from one trained model to another, judged together.

A class of a few dozen test examples tells little by itself, and the worst of many classes looks bad by chance alone. So
the changes of all classes are inferred together, each shrunk towards the others as far as the data bear that out, and
their lower limits hold for all classes at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.comparison.statistics.shrinkage import CHAINS, shrunken_draws, simultaneous_limit

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class ClassChanges:
    """Of K classes, challenger minus champion; NaN where a class has no example.

    Attributes:
        counts: (K,) examples.
        measured: (K,) difference of the recalls.
        low: (K,) limits above which all true changes lie at once, at the confidence asked for.
        worst: the limit above which the change of the worst class lies, whichever that is; NaN without examples.
    """

    counts: Integers
    measured: Floats
    low: Floats
    worst: float


def class_changes(
    champion: Floats,
    challenger: Floats,
    labels: Integers,
    classes: int,
    confidence: float,
    groups: Integers | None = None,
) -> ClassChanges:
    """
    Args:
        champion: (N,) 1 where it is right, else 0.
        challenger: (N,) likewise.
        labels: (N,) class numbers below `classes`.
        confidence: of the limits, for all classes together.
        groups: (N,) equal for examples that belong together; None where each is on its own.
    """
    counts = np.bincount(labels, minlength=classes)
    seen = np.flatnonzero(counts)
    difference = challenger - champion
    sums = np.bincount(labels, difference, classes)
    measured = np.full(classes, np.nan)
    measured[seen] = sums[seen] / counts[seen]
    low, worst = measured.copy(), np.nan
    if len(seen):
        # Half an example more in each cell of the paired table (Agresti and Min 2005) keeps few examples honest.
        centre, variance = sums[seen] / (counts[seen] + 2), _variances(difference, labels, classes, groups)[seen]
        draws = shrunken_draws(centre, np.tile(np.diag(variance), (CHAINS, 1, 1)))
        low[seen] = -simultaneous_limit(-draws, confidence)
        worst = float(np.quantile(draws.min(axis=1), 1 - confidence))
    return ClassChanges(counts, measured, low, worst)


def _variances(difference: Floats, labels: Integers, classes: int, groups: Integers | None) -> Floats:
    """(K,) of each class's mean difference."""
    counts = np.bincount(labels, minlength=classes) + 2.0
    units = np.arange(len(labels)) if groups is None else np.unique(groups, return_inverse=True)[1]
    pairs, place = np.unique(np.stack([labels, units]), axis=1, return_inverse=True)
    sums = np.bincount(place.ravel(), difference)
    squares = np.bincount(pairs[0], sums**2, classes)
    mean = np.bincount(labels, difference, classes) / counts
    return np.asarray(np.maximum((squares + 1) / counts**2 - mean**2 / counts, 0.25 / counts**2))
