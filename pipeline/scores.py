"""Scores: what candidates are ranked by, with all that a comparison asks of one. A new score is one object here.

Stages that train do not import this module (see `pipeline.tasks`), so a new score trains nothing again.

The statistics want, for each example, a contribution whose mean is the score (with its sign turned where less is
better). Accuracy is such a mean. The root mean squared error r is not, but near the observed r it moves as its
first-order expansion does (the delta method): with squared errors e² of N examples, the mean of r / 2 + e² / (2 r) is
exactly r, and a change in which examples are drawn changes that mean as it changes r, up to second order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline import formats
from pipeline.tasks import task_named

Floats = NDArray[np.float64]


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
        name: as columns have it: `test_accuracy`, `test_rmse`.
        of_classes: whether it is for tasks that tell classes apart; else it is for numbers.
        sign: +1 where more is better, -1 where less is.
        bounds: between which its values lie.
        relative: whether margins and spreads are shares of the floor's value; else they are in the score's own units.
        is_share: whether each example contributes 0 or 1, so that exact tests on counts hold.
        measure: labels (…, N), predicted (…, N) → what is pooled, one value an example; NaN where predicted is NaN.
        pool: such values (…, N) → the score (…,); NaN stands for an example that does not count.
        contribute: such values (…, N) → contributions (…, N), whose mean is `sign` times the score.
    """

    name: str
    of_classes: bool
    sign: int
    bounds: tuple[float, float]
    relative: bool
    is_share: bool
    measure: Callable[[NDArray[Any], NDArray[Any]], Floats]
    pool: Callable[[Floats], Floats]
    contribute: Callable[[Floats], Floats]
    words: ScoreWords

    @property
    def column(self) -> str:
        """Where tables have the value that candidates are ranked by."""
        return f"test_{self.name}"

    @property
    def signed_bounds(self) -> tuple[float, float]:
        """Between which means of contributions lie."""
        low, high = (self.sign * bound for bound in self.bounds)
        return min(low, high), max(low, high)

    def value(self, labels: NDArray[Any], predicted: NDArray[Any]) -> float:
        """The score of N examples: (N,) and (N,) → a number."""
        return float(self.pool(self.measure(labels, predicted)))

    def unit(self, floor: float) -> float:
        """What margins and spreads are shares of.

        Args:
            floor: the score of the floor (see `pipeline.floors`).
        """
        return (floor or 1.0) if self.relative else 1.0


def is_right(labels: NDArray[Any], predicted: NDArray[Any]) -> Floats:
    """1 where the predicted class is the right one, 0 where it is not, NaN where nothing was predicted."""
    return np.where(np.isnan(predicted), np.nan, labels == predicted)


def squared_errors(labels: NDArray[Any], predicted: NDArray[Any]) -> Floats:
    return np.asarray((labels - predicted) ** 2, dtype=np.float64)


def mean_of(values: Floats) -> Floats:
    return np.asarray(np.nanmean(values, axis=-1))


def root_mean_of(squared: Floats) -> Floats:
    return np.asarray(np.sqrt(np.nanmean(squared, axis=-1)))


def shares_of_rmse(squared: Floats) -> Floats:
    """Squared errors (…, N) → what each example contributes (…, N): the mean over N is minus the RMSE."""
    root = root_mean_of(squared)[..., None]
    return np.asarray(-(root / 2 + squared / (2 * np.where(root > 0, root, 1.0))))


ACCURACY = Score(
    "accuracy",
    of_classes=True,
    sign=1,
    bounds=(0.0, 1.0),
    relative=False,
    is_share=True,
    measure=is_right,
    pool=mean_of,
    contribute=lambda right: right,
    words=ScoreWords(
        title="accuracy",
        unit="points",
        best="highest",
        attained="right on {value}",
        attained_on_test="right on {value} of unseen examples ({interval})",
        gap="training examples are recognised more often than unseen ones by {size}",
        gap_axis="training accuracy minus test accuracy, points",
        gap_made_of="Training accuracy (augmentation off, final weights) minus test accuracy",
        value=formats.percent,
        span=formats.percent_range,
        difference=formats.points,
        bare=formats.bare_points,
        difference_span=formats.points_range,
        assumed=lambda difference: f"{formats.whole_points(difference)} points",
        tick=formats.whole_percent,
        gap_tick=formats.whole_points,
    ),
)
RMSE = Score(  # root mean squared error, in the units of the target
    "rmse",
    of_classes=False,
    sign=-1,
    bounds=(0.0, np.inf),
    relative=True,
    is_share=False,
    measure=squared_errors,
    pool=root_mean_of,
    contribute=shares_of_rmse,
    words=ScoreWords(
        title="RMSE",
        unit="RMSE",
        best="lowest",
        attained="off by {value}",
        attained_on_test="off by {value} on unseen examples (root mean squared error, {interval})",
        gap="it is further off on unseen examples than on its training ones by {size}",
        gap_axis="test RMSE minus training RMSE",
        gap_made_of="Test RMSE minus training RMSE (final weights)",
        value=formats.number,
        span=formats.number_range,
        difference=formats.number,
        bare=formats.number,
        difference_span=formats.number_range,
        assumed=formats.number,
        tick=formats.number,
        gap_tick=formats.number,
    ),
)
SCORES = (ACCURACY, RMSE)


def score_of(task: str) -> Score:
    """What candidates of a task are ranked by.

    Args:
        task: "multiclass", "binary" or "regression".
    """
    return next(score for score in SCORES if score.of_classes == task_named(task).has_classes)
