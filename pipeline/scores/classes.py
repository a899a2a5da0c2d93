"""Scores of the classes that were predicted: accuracy, balanced accuracy, macro-F1, and what mistakes cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline import formats
from pipeline.floors import Floor
from pipeline.scores.score import Answers, Floats, Score, ScoreWords, by_plane, classes_alike
from pipeline.scores.wording import IN_DECIMALS, IN_NUMBERS, IN_POINTS, told

OTHERS = "*"  # in compare.costs: every class that is not named


def is_right(answers: Answers) -> Floats:
    """1 where the predicted class is the right one, 0 where it is not, NaN where nothing was predicted."""
    return np.where(np.isnan(answers.predicted), np.nan, answers.labels == answers.predicted)


def mean_right(answers: Answers) -> Floats:
    return np.asarray(np.nanmean(is_right(answers), axis=-1))


def shares_of_balanced_accuracy(answers: Answers) -> Floats:
    """Each class's recall counts alike; classes without examples do not count.

    A class's recall is a ratio, both parts of which vary with the examples drawn. Weighing the right answers by class
    alone would count the varying number of a class's examples as if it changed the score.
    """
    labels, right = answers.labels.astype(np.int64), (answers.labels == answers.predicted).astype(np.float64)
    counts = np.bincount(labels, minlength=answers.class_count)
    present = counts > 0
    recalls = np.bincount(labels, right, answers.class_count) / np.maximum(counts, 1)
    weights = len(labels) / (present.sum() * counts[labels])
    return np.asarray(recalls[present].mean() + weights * (right - recalls[labels]))


def shares_of_macro_f1(answers: Answers) -> Floats:
    """F1 of class k is 2 TP / (true + predicted); its influence is that of a ratio.

    The mean is over the classes that occur among the labels, as that of recalls is: one that is in no validation
    example, since its groups are all learned from, says nothing of overfitting.
    """
    classes = np.arange(answers.class_count)
    true, said = answers.labels[:, None] == classes, answers.predicted[:, None] == classes  # (N, classes)
    both, either = (true & said).astype(np.float64), true.astype(np.float64) + said
    denominator = either.sum(axis=0)
    f1 = 2 * both.sum(axis=0) / np.maximum(denominator, 1)
    influence = len(true) * (2 * both - f1 * either) / np.maximum(denominator, 1)
    return np.asarray((f1 + influence)[:, true.any(axis=0)].mean(axis=1))


def parts_of_macro_f1(answers: Answers) -> Floats:
    """A class's examples change its F1 by up to 2 true / (true + predicted): the less, the more often it is said."""
    classes = np.arange(answers.class_count)
    true = (answers.labels[:, None] == classes).sum(axis=0)
    said = (answers.predicted[..., None] == classes).sum(axis=-2).reshape(-1, len(classes))
    return np.asarray(np.minimum(2 * true / np.maximum(true + said, 1), 1.0).mean(axis=0) / (true > 0).sum())


ACCURACY = Score(
    "accuracy",
    of_classes=True,
    sign=1,
    bounds=(0.0, 1.0),
    relative=False,
    is_share=True,
    contribute=is_right,
    pool=mean_right,
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
        tick=formats.percent_tick,
        gap_tick=formats.points_tick,
    ),
)
BALANCED_ACCURACY = Score(
    "balanced_accuracy",
    of_classes=True,
    sign=1,
    bounds=(0.0, 1.0),
    relative=False,
    contribute=by_plane(shares_of_balanced_accuracy),
    by_threshold=True,
    parts=classes_alike,
    words=told("balanced accuracy", "a", IN_POINTS, "all classes count alike"),
)
MACRO_F1 = Score(
    "macro_f1",
    of_classes=True,
    sign=1,
    bounds=(0.0, 1.0),
    relative=False,
    contribute=by_plane(shares_of_macro_f1),
    by_threshold=True,
    parts=parts_of_macro_f1,
    words=told("macro-F1", "a", IN_DECIMALS, "the mean over the classes that occur"),
)


def cost_matrix(costs: Mapping[str, Mapping[str, float]], class_names: Sequence[str]) -> Floats:
    """(classes, classes): the cost of saying a class (column) of an example of another (row).

    OTHERS stands for all classes that are not named. The right class costs nothing unless its own row names it: in a
    row of all others, "healthy: 50" is what the mistake costs.
    """

    def cost(true: str, said: str) -> float:
        row = row_of_costs(costs, true)
        if true == said:
            return float(row.get(said, 0.0)) if true in costs else 0.0
        return float(row.get(said, row.get(OTHERS, 0.0)))

    return np.array([[cost(true, said) for said in class_names] for true in class_names])


def row_of_costs(costs: Mapping[str, Mapping[str, float]], true: str) -> Mapping[str, float]:
    """What is said of a class: its own row, or that of all others."""
    return costs.get(true, costs.get(OTHERS, {}))


def cost_score(costs: Mapping[str, Mapping[str, float]], class_names: Sequence[str]) -> Score:
    """What mistakes cost on average, as `compare.costs` has it.

    Args:
        costs: true class → said class → cost; see `cost_matrix`.
        class_names: in the order of the class numbers.
    """
    matrix = cost_matrix(costs, class_names)

    def shares_of_cost(answers: Answers) -> Floats:
        missing = np.isnan(answers.predicted)
        said = np.where(missing, 0, answers.predicted).astype(np.int64)
        return np.where(missing, np.nan, -matrix[answers.labels.astype(np.int64), said])

    def cheapest_class(labels: NDArray[Any]) -> float:
        counts = np.bincount(labels, minlength=len(matrix))
        return int((counts @ matrix).argmin())

    def dearest_mistakes(answers: Answers) -> Floats:
        counts = np.bincount(answers.labels.astype(np.int64), minlength=len(matrix))
        return np.asarray(counts / len(answers.labels) * matrix.max(axis=1))

    return Score(
        "cost",
        of_classes=True,
        sign=-1,
        bounds=(0.0, float(matrix.max())),
        relative=True,
        contribute=shares_of_cost,
        by_threshold=True,
        floor=Floor(None, "always saying the class that costs least", "cheapest class", cheapest_class),
        costs=matrix,
        parts=dearest_mistakes,
        words=told("cost", "a", IN_NUMBERS, "as compare.costs has it, on average"),
    )
