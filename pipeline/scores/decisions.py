"""From probabilities to a class: the most probable one, by a threshold, or at the least expected cost.

Which of them is chosen on validation examples, so the test examples judge a rule that was fixed before. The rule is
kept with a champion's model, which answers by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.scores.score import Answers, Floats, Score

MOST_THRESHOLDS = 100  # that are tried; of more validation examples, quantiles are
FOLDS = 5  # of validation examples, where a rule is judged by others than those that chose it
ALWAYS = (0.0, 2.0)  # thresholds by which the second class is always said, and never
EQUAL_TO = 12  # decimals of the largest value: beyond are rounding errors, which the order of examples decides


@dataclass(frozen=True)
class Decision:
    """How a class follows from probabilities; with neither, the most probable one is taken, the first of equals.

    Attributes:
        threshold: of two classes, the second is taken where its probability is at least this.
        costs: (classes, classes) of saying a class (column) of an example of another (row): the class of the least
            expected cost is taken (Elkan 2001).
    """

    threshold: float | None = None
    costs: Floats | None = None

    def classes(self, probabilities: NDArray[np.floating]) -> NDArray[np.int64]:
        """(…, classes) → (…,) class numbers."""
        if self.threshold is not None:
            return (probabilities[..., 1] >= self.threshold).astype(np.int64)
        if self.costs is not None:
            return np.asarray((probabilities @ self.costs).argmin(axis=-1), np.int64)
        return np.asarray(probabilities.argmax(axis=-1), np.int64)

    def described(self) -> dict[str, Any]:
        """As plain data, to be kept with a model; empty for the most probable class."""
        if self.threshold is not None:
            return {"threshold": self.threshold}
        return {} if self.costs is None else {"costs": self.costs.tolist()}


MOST_PROBABLE = Decision()


def described_decision(described: Mapping[str, Any]) -> Decision:
    """What `Decision.described` gave, read again."""
    costs = described.get("costs")
    return Decision(described.get("threshold"), None if costs is None else np.asarray(costs, np.float64))


def choose_decision(score: Score, labels: NDArray[np.int64], probabilities: NDArray[np.floating]) -> Decision:
    """The rule by which the score is best on validation examples.

    Of two classes every threshold between two of the probabilities competes, and where mistakes have costs, always
    saying one class; of equals, the one nearest to one half is taken. Of more classes with costs, the least expected
    cost competes with the most probable class, since costs can only be expected as well as the probabilities hold. The
    most probable class stays where nothing is better, and where a class is in none of the examples: never to say it
    would be free here, and is not where it occurs.

    Args:
        score: MOST_PROBABLE where it has no threshold.
        labels: (N,) class numbers of validation examples.
        probabilities: (N, classes).
    """
    if not score.by_threshold or len(np.unique(labels)) < probabilities.shape[1]:
        return MOST_PROBABLE
    rules = [MOST_PROBABLE]
    if probabilities.shape[1] == 2:
        thresholds = _thresholds(probabilities[:, 1].astype(np.float64))
        rules += [Decision(threshold=float(one)) for one in (*thresholds, *(ALWAYS if score.costs is not None else ()))]
    elif score.costs is not None:
        rules.append(Decision(costs=score.costs))
    predicted = np.stack([rule.classes(probabilities) for rule in rules]).astype(np.float64)
    reached = score.sign * score.values(Answers(labels, predicted, classes=probabilities.shape[1]))
    largest = np.abs(reached).max() or 1.0
    return rules[int(np.argmax(np.round(reached / largest, EQUAL_TO)))]  # the first of equals


def cross_fitted_classes(
    score: Score,
    labels: NDArray[np.int64],
    probabilities: NDArray[np.floating],
    groups: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """(N,) the class of each validation example, by the rule that the examples of the other folds choose.

    A rule does better on the examples that chose it than on new ones. Values on these would make overfitting look
    smaller than it is, and the shift to the test examples larger. A fold with all examples of a class is judged by the
    rule of all folds, since the others cannot choose one for that class.

    Args:
        labels, probabilities: as for `choose_decision`.
        groups: (N,) equal for examples that belong together, which are of one fold; None where each is on its own.
    """
    folds = _folds(labels, np.arange(len(labels)) if groups is None else groups)
    classes, of_all = np.empty(len(labels), np.int64), choose_decision(score, labels, probabilities)
    for fold in np.unique(folds):
        asked = folds == fold
        others = labels[~asked]
        complete = np.isin(labels, others).all()
        rule = choose_decision(score, others, probabilities[~asked]) if complete else of_all
        classes[asked] = rule.classes(probabilities[asked])
    return classes


def _folds(labels: NDArray[np.int64], groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """(N,) from 0: the groups of each class, which is that of a group's first example, are dealt out in turn."""
    _, first, place = np.unique(groups, return_index=True, return_inverse=True)
    folds = np.empty(len(first), np.int64)
    for label in np.unique(labels[first]):
        of_class = np.flatnonzero(labels[first] == label)
        folds[of_class] = np.arange(len(of_class)) % FOLDS
    return np.asarray(folds[place])


def _thresholds(second: Floats) -> Floats:
    """Halfway between neighbours, at most MOST_THRESHOLDS, nearest to one half first."""
    levels = np.unique(second)
    between = (levels[1:] + levels[:-1]) / 2
    if len(between) > MOST_THRESHOLDS:
        between = np.unique(np.quantile(between, np.linspace(0, 1, MOST_THRESHOLDS), method="nearest"))
    return between[np.argsort(np.abs(between - 0.5), kind="stable")]
