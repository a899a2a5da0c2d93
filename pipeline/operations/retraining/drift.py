"""Whether new labelled examples still look like those that a model was measured on.

After Rabanser, Günnemann and Lipton, "Failing Loudly: An Empirical Study of Methods for Detecting Dataset Shift"
(NeurIPS 2019), which found black-box shift detection best: the Kolmogorov-Smirnov distance of each of the model's
outputs. Here labels and accuracy are known as well, so they are tested themselves, with Bonferroni's correction for
these three kinds. Other shares of the classes move all outputs too. So outputs are compared within the classes, by
relabelling examples of one class at random, and shares by themselves inform but raise no alarm: photos are often taken
of one thing after another. Of photos that belong together, such as a burst, one is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pipeline.formats import p_value, whole_points
from pipeline.operations.retraining.estimated_score import ScoreEstimate, estimate_score, first_of_each
from pipeline.scores.classes import ACCURACY

KINDS = 3  # labels, outputs, accuracy
RESAMPLES = 9_999  # of the label test: no p-value below 1e-4, whatever the expected counts
RELABELLINGS = 2_999  # of the outputs' test
RELABELLINGS_AT_ONCE = 250
CONFIDENCE = 0.95  # of the accuracy that is estimated without labels, and held against the truth
POWER = 0.8  # with which a fall that would be seen is seen


class MeasuredDrift(Protocol):
    """What was found in a batch, whatever its kind."""

    def sentences(self, level: float) -> list[str]:
        """A sentence for each kind of drift whose corrected p-value is below `level`."""

    def alarms(self, level: float) -> list[str]:
        """Those of them that may hurt."""

    def loses_accuracy(self, level: float) -> bool:
        """Whether the champion is shown to do worse."""

    def visible(self, level: float) -> str:
        """How much worse it would have to do for so few examples to show it, as half a sentence."""

    def estimate_checked(self) -> list[str]:
        """The accuracy that would have been estimated without labels, beside what it is; empty where there is none."""

    def numbers(self) -> dict[str, Any]:
        """All that was measured, as plain data."""


@dataclass(frozen=True)
class Sample:
    """Examples as one model sees them, none of them learnt by it.

    Attributes:
        labels: (N,) class numbers.
        probabilities: (N, classes).
        groups: (N,) equal for examples that belong together; None where each is on its own.
        answered: (N,) class numbers by the model's rule; None: the most probable ones.
    """

    labels: NDArray[np.int64]
    probabilities: NDArray[np.floating]
    groups: NDArray[np.int64] | None = None
    answered: NDArray[np.int64] | None = None

    @property
    def predicted(self) -> NDArray[np.int64]:
        """(N,) class numbers."""
        return self.probabilities.argmax(axis=1) if self.answered is None else self.answered

    @property
    def right(self) -> int:
        return int((self.predicted == self.labels).sum())

    @property
    def one_of_each_group(self) -> Sample:
        if self.groups is None:
            return self
        rows = first_of_each(self.groups)
        return Sample(self.labels[rows], self.probabilities[rows], answered=self.predicted[rows])

    def joined(self, other: Sample) -> Sample:
        """Both, each example on its own."""
        labels, probabilities, answered = (
            np.concatenate([getattr(self, part), getattr(other, part)])
            for part in ("labels", "probabilities", "predicted")
        )
        return Sample(labels, probabilities, answered=answered)


@dataclass(frozen=True)
class Drift:
    """p-values of no drift, each corrected for the number of tests behind it; differences are new minus reference.

    Attributes:
        new, reference: how many examples were looked at.
        labels: of the class frequencies.
        outputs: of the largest distance over the model's outputs, within classes.
        furthest: the class whose output moved most; distance: its Kolmogorov-Smirnov distance.
        accuracy: of the model being as accurate on the new examples as on the reference, against it being less so.
        estimate: of the accuracy on the new examples, had their labels not been known; None where it was not made.
    """

    new: int
    reference: int
    labels: float
    outputs: float
    furthest: str
    distance: float
    accuracy: float
    new_accuracy: float
    reference_accuracy: float
    estimate: ScoreEstimate | None = None

    def alarms(self, level: float) -> list[str]:
        """A sentence for each kind of drift that may hurt and whose p-value is below `level`, corrected."""
        sentences: list[str] = []
        if self.outputs < level / KINDS:
            sentences.append(
                f"The photos look different to the champion: its output for {self.furthest} is distributed otherwise "
                f"(distance {self.distance:.2f}, p {p_value(self.outputs)})."
            )
        if self.loses_accuracy(level):
            sentences.append(
                f"The champion is right on {self.new_accuracy * 100:.1f} % of {self.new} new photos, on "
                f"{self.reference_accuracy * 100:.1f} % of {self.reference} before (p {p_value(self.accuracy)})."
            )
        return sentences

    def sentences(self, level: float) -> list[str]:
        """The alarms, and whether classes come in other shares."""
        shares = f"Classes come in other shares than before (p {p_value(self.labels)})."
        return [*([shares] if self.labels < level / KINDS else []), *self.alarms(level)]

    def loses_accuracy(self, level: float) -> bool:
        return self.accuracy < level / KINDS

    def visible_fall(self, level: float) -> float | None:
        return visible_fall(self.new, self.reference, self.reference_accuracy, level / KINDS)

    def visible(self, level: float) -> str:
        return visible_words(self.visible_fall(level))

    def estimate_checked(self) -> list[str]:
        return [] if self.estimate is None else [self.estimate.beside(self.new_accuracy, "photo")]

    def numbers(self) -> dict[str, Any]:
        return asdict(self)


def measure_drift(new: Sample, reference: Sample, class_names: Sequence[str]) -> Drift:
    """Compare labels, outputs and accuracy of new examples with those of a reference, one example of each group."""
    new, reference = new.one_of_each_group, reference.one_of_each_group
    outputs, furthest, distance = output_shift(new, reference)
    return Drift(
        new=len(new.labels),
        reference=len(reference.labels),
        labels=label_shift(new.labels, reference.labels, len(class_names)),
        outputs=outputs,
        furthest=class_names[furthest],
        distance=distance,
        accuracy=accuracy_loss(new.right, len(new.labels), reference.right, len(reference.labels)),
        new_accuracy=new.right / len(new.labels),
        reference_accuracy=reference.right / len(reference.labels),
    )


def accuracy_without_labels(new: Sample, reference: Sample) -> ScoreEstimate | None:
    """What the model's accuracy on new examples would have been estimated to be, one example of each group."""
    return estimate_score(ACCURACY, new.one_of_each_group, reference.one_of_each_group, CONFIDENCE)


def output_shift(new: Sample, reference: Sample) -> tuple[float, int, float]:
    """p-value of each class looking the same in both, the output that moved most, and its distance.

    The largest Kolmogorov-Smirnov distance over the outputs, where each class weighs in both as it does in `new`;
    among relabellings that exchange examples of one class only. Classes that one of both lacks say nothing.
    """
    both = reference.joined(new)
    is_new = np.arange(len(both.labels)) >= len(reference.labels)
    common = np.intersect1d(new.labels, reference.labels)
    kept = np.isin(both.labels, common)
    labels, outputs, is_new = both.labels[kept], both.probabilities[kept], is_new[kept]
    if not len(labels):
        return 1.0, 0, 0.0
    rng = np.random.default_rng(7)
    order, weights = np.argsort(outputs, axis=0).T, _weights(labels, is_new)
    parts = []
    for start in range(0, RELABELLINGS, RELABELLINGS_AT_ONCE):
        relabelled = np.tile(is_new, (min(RELABELLINGS_AT_ONCE, RELABELLINGS - start), 1))
        for label in common:
            rows = labels == label
            relabelled[:, rows] = rng.permuted(relabelled[:, rows], axis=1)
        parts.append(_distances(relabelled, outputs, order, weights).max(axis=1))
    seen = _distances(is_new[None], outputs, order, weights)[0]
    furthest = int(seen.argmax())
    at_least = (np.concatenate(parts) >= seen[furthest] - 1e-6).sum()
    return float((1 + at_least) / (1 + RELABELLINGS)), furthest, float(seen[furthest])


def _distances(
    is_new: NDArray[np.bool_], outputs: NDArray[np.floating], order: NDArray[np.int64], weights: NDArray[np.float64]
) -> NDArray[np.floating]:
    """(B, classes) distances of the outputs (N, classes), for B ways (B, N) to tell new examples from the others."""
    steps = np.where(is_new, weights[0], -weights[1]).astype(np.float32)
    return np.stack([_furthest(steps[:, rows], outputs[rows, k]) for k, rows in enumerate(order)], axis=1)


def _weights(labels: NDArray[np.int64], is_new: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(2, N) the weight of each example as a new one, and as one of the reference."""
    of_new, of_reference = (np.bincount(labels[rows], minlength=labels.max() + 1) for rows in (is_new, ~is_new))
    share = of_new / is_new.sum()
    return np.stack([np.full(len(labels), 1 / is_new.sum()), (share / np.maximum(of_reference, 1))[labels]])


def _furthest(apart: NDArray[np.float32], ordered: NDArray[np.floating]) -> NDArray[np.floating]:
    """(B,) the largest distance of two distribution functions, from their steps (B, N) at the ordered outputs (N,)."""
    ends = np.append(ordered[1:] > ordered[:-1], True)
    return np.asarray(np.abs(apart.cumsum(axis=1)[:, ends]).max(axis=1))


def label_shift(new: NDArray[np.int64], reference: NDArray[np.int64], classes: int) -> float:
    """p-value of both having the same class frequencies: the chi-squared statistic, permuted, so that it holds for
    classes with few examples as well."""
    counts = np.bincount(new, minlength=classes)  # (classes,)
    total = counts + np.bincount(reference, minlength=classes)
    expected = np.maximum(total * len(new) / total.sum(), 1e-12)  # where it is 0, so are the counts
    drawn = np.random.default_rng(6).multivariate_hypergeometric(total, len(new), size=RESAMPLES, method="marginals")
    # The reference's part of the statistic is proportional to this one: together they have the total's counts.
    observed = (np.square(counts - expected) / expected).sum()
    statistics = (np.square(drawn - expected) / expected).sum(axis=1)
    return float((1 + (statistics >= observed * (1 - 1e-9)).sum()) / (1 + RESAMPLES))


def visible_fall(new: int, reference: int, reference_accuracy: float, alpha: float) -> float | None:
    """The fall of accuracy that so many new examples show four times out of five; None where none would be seen."""
    right = round(reference_accuracy * reference)
    seen = [count for count in range(new + 1) if accuracy_loss(count, new, right, reference) < alpha]
    if not seen:
        return None
    # The accuracy with which as few as the most alarming count are right with this probability.
    accuracy = float(stats.beta.ppf(1 - POWER, seen[-1] + 1, new - seen[-1]))
    return max(reference_accuracy - accuracy, 0.0)


def visible_words(fall: float | None) -> str:
    return f"a fall of accuracy by {whole_points(fall)} would be seen" if fall else "no fall of accuracy would be seen"


def accuracy_loss(right: int, count: int, reference_right: int, reference_count: int) -> float:
    """One-sided p-value of Fisher's exact test: small where the new examples are got right less often."""
    table = [[right, count - right], [reference_right, reference_count - reference_right]]
    return float(stats.fisher_exact(table, alternative="less").pvalue)
