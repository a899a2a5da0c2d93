"""Scores of probabilities: log loss, the Brier score, the area under the ROC curve, and average precision.

Of two classes, average precision is that of the second by name, as scikit-learn has it. Of more, it and the area under
the ROC curve are means over all classes, each against all others.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipeline.floors import MAJORITY, Floor
from pipeline.scores.score import Answers, Floats, Score, by_plane, classes_alike
from pipeline.scores.wording import IN_DECIMALS, IN_NUMBERS, told
from pipeline.tasks import SMALLEST_PROBABILITY

FREQUENCIES = Floor(
    "majority",
    name="giving each class the probability of its share",
    label="class shares",
    answer=MAJORITY.answer,
    says_one_class=False,
)
BLIND = Floor(
    "majority",
    name="saying the same of every example",
    label="the same of all",
    answer=MAJORITY.answer,
    says_one_class=False,
)


def probabilities_of(answers: Answers) -> NDArray[np.floating]:
    assert answers.probabilities is not None, "a score of probabilities was asked without them"
    return answers.probabilities


def shares_of_log_loss(answers: Answers) -> Floats:
    """-ln p(right class), in nats, as training has it: no probability counts as smaller than 1e-7."""
    given, labels = probabilities_of(answers), answers.labels.astype(np.int64)
    right = np.take_along_axis(given, np.broadcast_to(labels[:, None], (*given.shape[:-1], 1)), axis=-1)[..., 0]
    shares = np.log(np.clip(right.astype(np.float64), SMALLEST_PROBABILITY, 1.0))
    return np.where(np.isnan(answers.predicted), np.nan, shares)


def shares_of_brier(answers: Answers) -> Floats:
    """Squared distance between probabilities and the truth, summed over classes (Brier 1950): 0 best, 2 worst."""
    given = probabilities_of(answers)
    truth = np.eye(given.shape[-1])[answers.labels.astype(np.int64)]  # (N, classes)
    shares = -np.square(given - truth).sum(axis=-1)
    return np.where(np.isnan(answers.predicted), np.nan, shares)


def over_classes(of_one: Callable[[NDArray[np.bool_], Floats], Floats]) -> Callable[[Answers], Floats]:
    """Of one class against the others, as a mean over the classes; of two classes, that of the second.

    Args:
        of_one: whether each example is of the class (N,), and how it is scored (N,) → contributions (N,).
    """

    def contribute(answers: Answers) -> Floats:
        given, labels = probabilities_of(answers).astype(np.float64), answers.labels
        classes = [1] if given.shape[-1] == 2 else range(given.shape[-1])
        both = [k for k in classes if 0 < int((labels == k).sum()) < len(labels)]
        if not both:
            return np.full(len(labels), np.nan)
        return np.asarray(np.mean([of_one(labels == k, given[:, k]) for k in both], axis=0))

    return by_plane(contribute)


def shares_of_area(positive: NDArray[np.bool_], scored: Floats) -> Floats:
    """The area under the ROC curve by its Hájek projection (DeLong et al. 1988): the probability that an example of
    the class is scored higher than another one, a tie counting half."""
    inside, outside = scored[positive], scored[~positive]
    below = _share_below(np.sort(outside), inside)  # of those of the class, the share of others that they exceed
    above = 1 - _share_below(np.sort(inside), outside)
    area, count = below.mean(), len(scored)
    found = np.empty(count)
    found[positive] = area + count / len(inside) * (below - area)
    found[~positive] = area + count / len(outside) * (above - area)
    return found


def parts_of_area(answers: Answers) -> Floats:
    """Half of what a class decides on: few examples lie at either end, below all others or above all."""
    return classes_alike(answers) / 2


def _share_below(ordered: Floats, asked: Floats) -> Floats:
    left, right = np.searchsorted(ordered, asked, "left"), np.searchsorted(ordered, asked, "right")
    return np.asarray((left + right) / 2 / len(ordered))


def shares_of_precision(positive: NDArray[np.bool_], scored: Floats) -> Floats:
    """Average precision: the mean, over the examples of the class, of the precision among those scored as high.

    An example moves it in three ways: by its own precision, and by being right or wrong among those that are scored
    as high as another example of the class, in the precision of which it counts.
    """
    count, members = len(scored), int(positive.sum())
    levels, place = np.unique(-scored, return_inverse=True)  # highest first
    of_class = np.bincount(place, positive, len(levels))
    reached, right = np.bincount(place, minlength=len(levels)).cumsum(), of_class.cumsum()
    precision = right / reached
    average = float((of_class * precision).sum() / members)
    # Over those of the class that are scored no higher than an example: 1 / reached, and precision / reached.
    counted, weighed = ((of_class * part)[::-1].cumsum()[::-1] for part in (1 / reached, precision / reached))
    own = positive * (precision[place] - average)
    influence = count / members * (own + positive * counted[place] - weighed[place])
    return np.asarray(average + influence)


LOG_LOSS = Score(
    "log_loss",
    of_classes=True,
    sign=-1,
    bounds=(0.0, np.inf),
    relative=True,
    contribute=shares_of_log_loss,
    of_probabilities=True,
    floor=FREQUENCIES,
    words=told("log loss", "a", IN_NUMBERS, "less is better"),
)
BRIER = Score(
    "brier",
    of_classes=True,
    sign=-1,
    bounds=(0.0, 2.0),
    relative=True,
    contribute=shares_of_brier,
    of_probabilities=True,
    floor=FREQUENCIES,
    words=told("Brier score", "a", IN_NUMBERS, "less is better"),
)
AUROC = Score(
    "auroc",
    of_classes=True,
    sign=1,
    bounds=(0.0, 1.0),
    relative=False,
    contribute=over_classes(shares_of_area),
    of_probabilities=True,
    every_class=True,
    parts=parts_of_area,
    floor=BLIND,
    words=told("AUROC", "an", IN_DECIMALS, "the area under the ROC curve"),
)
AVERAGE_PRECISION = Score(
    "average_precision",
    of_classes=True,
    sign=1,
    bounds=(0.0, 1.0),
    relative=False,
    contribute=over_classes(shares_of_precision),
    of_probabilities=True,
    every_class=True,
    parts=classes_alike,
    floor=BLIND,
    words=told("average precision", "an", IN_DECIMALS),
)
