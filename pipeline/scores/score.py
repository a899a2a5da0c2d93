"""What a score is. A new one is one object of `Score` in this room, named in `SCORES`.

The statistics want, for each example, a contribution whose mean is the score (with its sign turned where less is
better). Accuracy is such a mean. Others are not, but near the observed value they move as their first-order expansion
does (the delta method): the score plus each example's influence function has the score as its mean, exactly, and a
change in which examples are drawn changes that mean as it changes the score, up to second order (Efron and Tibshirani
1993, chapter 22). So pairs, groups, seeds and all intervals work alike, whatever the score.

Stages that train do not import this room (see `pipeline.tasks`), so another score trains nothing again.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.floors import MAJORITY, Floor

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Answers:
    """What was answered on N examples; C candidates and S seeds, or whatever else, stand before the last axis.

    Attributes:
        labels: (N,) class numbers, or the numbers to predict.
        predicted: (…, N) likewise; NaN where an example does not count, such as one that a seed did not have.
        probabilities: (…, N, classes); None where they are not known, and for numbers.
        classes: how many there are to tell apart; 0 for numbers, and where only the labels say it.
    """

    labels: NDArray[Any]
    predicted: Floats
    probabilities: NDArray[np.floating] | None = None
    classes: int = 0

    @property
    def class_count(self) -> int:
        if self.probabilities is not None:
            return int(self.probabilities.shape[-1])
        highest = [float(np.nanmax(part)) for part in (self.labels, self.predicted) if np.isfinite(part).any()]
        return max(self.classes, int(max(highest, default=0)) + 1)

    def at(self, rows: NDArray[Any]) -> Answers:
        """The same of some examples."""
        probabilities = None if self.probabilities is None else self.probabilities[..., rows, :]
        return Answers(self.labels[rows], self.predicted[..., rows], probabilities, self.classes)


@dataclass(frozen=True)
class ScoreWords:
    """How a score is told.

    Attributes:
        title: by itself, at the head of a figure.
        unit: of differences, for a column that names it.
        best: what the best candidate's value is among all: "highest" or "lowest".
        attained: that a model has a value; holds {value}.
        attained_on_test: the same of unseen examples, with its interval; holds {value} and {interval}.
        gap: that a model does worse on unseen examples; holds {size}.
        gap_axis: what the gap is, along an axis.
        gap_made_of: what the gap is, below a figure.
        value, span: a value, and an interval of values, as text.
        difference, bare, difference_span: a difference with its unit, without, and an interval of differences.
        assumed: a difference that was assumed and not measured, without decimals.
        tick, gap_tick: numbers along an axis of values, and of gaps.
    """

    title: str
    unit: str
    best: str
    attained: str
    attained_on_test: str
    gap: str
    gap_axis: str
    gap_made_of: str
    value: Callable[[float], str]
    span: Callable[[float, float], str]
    difference: Callable[[float], str]
    bare: Callable[[float], str]
    difference_span: Callable[[float, float], str]
    assumed: Callable[[float], str]
    tick: Callable[[float], str]
    gap_tick: Callable[[float], str]

    @property
    def name(self) -> str:
        """Of the value that candidates are ranked by."""
        return f"test {self.title}"


@dataclass(frozen=True)
class Score:
    """What candidates are ranked by.

    Attributes:
        name: as params.yaml and columns have it: `test_accuracy`, `test_rmse`.
        of_classes: whether it is for tasks that tell classes apart; else it is for numbers.
        sign: +1 where more is better, -1 where less is.
        bounds: between which its values lie.
        relative: whether margins and spreads are shares of the floor's value; else they are in the score's own units.
        contribute: answers (…, N) → contributions (…, N), whose mean is `sign` times the score; NaN where an example
            does not count.
        words: how it is told.
        is_share: whether each example contributes 0 or 1, so that exact tests on counts hold.
        of_probabilities: whether it is of probabilities; else of the predicted class or number.
        by_threshold: whether a class is predicted by a threshold, or at the least expected cost, chosen on validation
            examples (see decisions.py); else the most probable class is.
        every_class: whether it is unknown where a class has no examples.
        floor: what any model must beat; None: what the task says (see `pipeline.floors`).
        costs: (classes, classes) what it costs to say a class (column) of an example of another (row); None where
            nothing is said of costs.
        quantile: of the pinball loss; None for other scores.
        pool: answers (…, N) → the score (…,); None: the mean of the contributions.
        parts: answers (…, N) → (K,) by how much all examples of a class together change the score at most; None where
            every example counts alike.
    """

    name: str
    of_classes: bool
    sign: int
    bounds: tuple[float, float]
    relative: bool
    contribute: Callable[[Answers], Floats]
    words: ScoreWords
    is_share: bool = False
    of_probabilities: bool = False
    by_threshold: bool = False
    every_class: bool = False
    floor: Floor | None = None
    costs: Floats | None = None
    quantile: float | None = None
    pool: Callable[[Answers], Floats] | None = None
    parts: Callable[[Answers], Floats] | None = None

    @property
    def column(self) -> str:
        """Where tables have the value that candidates are ranked by."""
        return f"test_{self.name}"

    def described(self) -> dict[str, Any]:
        """Which score it is, as plain data: its name, and the costs or the quantile that it was made for."""
        made_for = {"costs": None if self.costs is None else self.costs.tolist(), "quantile": self.quantile}
        return {"name": self.name, **{key: value for key, value in made_for.items() if value is not None}}

    @property
    def asks_probabilities(self) -> bool:
        """Whether it cannot be computed from the most probable class alone."""
        return self.of_probabilities or self.by_threshold

    @property
    def signed_bounds(self) -> tuple[float, float]:
        """Between which means of contributions lie."""
        low, high = (self.sign * bound for bound in self.bounds)
        return min(low, high), max(low, high)

    def values(self, answers: Answers) -> Floats:
        """The score of answers (…, N): (…,)."""
        if self.pool is not None:
            return self.pool(answers)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of examples of which it says nothing: NaN
            return np.asarray(self.sign * np.nanmean(self.contribute(answers), axis=-1))

    def value(self, labels: NDArray[Any], predicted: NDArray[Any]) -> float:
        """The score of N examples: (N,) and (N,) → a number."""
        return float(self.values(Answers(labels, predicted)))

    def unit(self, floor: float) -> float:
        """What margins and spreads are shares of.

        Args:
            floor: the score of the floor.
        """
        return (floor or 1.0) if self.relative else 1.0

    def floor_answers(self, learnt: NDArray[Any], asked: NDArray[Any], seeds: int, classes: int = 0) -> Answers:
        """What the floor says of examples, the same with every seed.

        Args:
            learnt: labels (M,) to learn from.
            asked: labels (N,) of the examples that it is asked about.
            classes: how many there are; 0 for numbers.
        """
        if not self.of_classes:
            said = self.floor.answer(learnt) if self.floor else learnt.mean()
            return Answers(asked, np.full((seeds, len(asked)), said, np.float64))
        said = (self.floor or MAJORITY).answer(learnt)
        shares = np.bincount(learnt, minlength=classes) / len(learnt)
        probabilities = np.broadcast_to(shares, (seeds, len(asked), len(shares)))
        return Answers(asked, np.full((seeds, len(asked)), said, np.float64), probabilities, classes)


def classes_alike(answers: Answers) -> Floats:
    """(K,) parts of a score that is a mean over the classes that occur."""
    present = np.bincount(answers.labels.astype(np.int64)) > 0
    return np.asarray(present / present.sum())


def by_plane(of_plane: Callable[[Answers], Floats]) -> Callable[[Answers], Floats]:
    """A function of answers (n,), all of which count, as one of answers (…, N)."""

    def contribute(answers: Answers) -> Floats:
        found = np.full(answers.predicted.shape, np.nan)
        for place in np.ndindex(*answers.predicted.shape[:-1]):
            rows = np.flatnonzero(np.isfinite(answers.predicted[place]))
            if not len(rows):
                continue
            probabilities = None if answers.probabilities is None else answers.probabilities[place][rows]
            one = Answers(answers.labels[rows], answers.predicted[place][rows], probabilities, answers.class_count)
            found[place][rows] = of_plane(one)
        return found

    return contribute
