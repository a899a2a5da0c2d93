"""Whether new labelled examples still look like those that a model was measured on.

After Rabanser, Günnemann and Lipton, "Failing Loudly: An Empirical Study of Methods for Detecting Dataset Shift"
(NeurIPS 2019), which found black-box shift detection best: a two-sample Kolmogorov-Smirnov test on each of the model's
outputs, with Bonferroni's correction for their number. Here labels and accuracy are known as well, so they are tested
themselves, and the correction goes over these three kinds, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

KINDS = 3  # labels, outputs, accuracy
RESAMPLES = 9_999  # of the label test: no p-value below 1e-4, whatever the expected counts


@dataclass(frozen=True)
class Sample:
    """Examples as one model sees them, none of them learnt by it.

    Attributes:
        labels: (N,) class numbers.
        probabilities: (N, classes).
    """

    labels: NDArray[np.int64]
    probabilities: NDArray[np.floating]

    @property
    def right(self) -> int:
        return int((self.probabilities.argmax(axis=1) == self.labels).sum())


@dataclass(frozen=True)
class Drift:
    """p-values of no drift, each corrected for the number of tests behind it; differences are new minus reference.

    Attributes:
        new, reference: how many examples.
        labels: of the class frequencies.
        outputs: the smallest over the model's outputs; furthest: the class whose output moved most, distance: its
            Kolmogorov-Smirnov distance.
        accuracy: of the model being as accurate on the new examples as on the reference, against it being less so.
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

    def sentences(self, level: float) -> list[str]:
        """A sentence for each kind of drift whose p-value is below `level`, corrected for the three kinds."""
        sentences: list[str] = []
        if self.labels < level / KINDS:
            sentences.append(f"Classes come in other shares than before (p {_p_value(self.labels)}).")
        if self.outputs < level / KINDS:
            sentences.append(
                f"The photos look different to the champion: its output for {self.furthest} is distributed otherwise "
                f"(distance {self.distance:.2f}, p {_p_value(self.outputs)})."
            )
        if self.loses_accuracy(level):
            sentences.append(
                f"The champion is right on {self.new_accuracy * 100:.1f} % of {self.new} new photos, on "
                f"{self.reference_accuracy * 100:.1f} % of {self.reference} before (p {_p_value(self.accuracy)})."
            )
        return sentences

    def loses_accuracy(self, level: float) -> bool:
        return self.accuracy < level / KINDS

    def numbers(self) -> dict[str, Any]:
        return asdict(self)


def measure_drift(new: Sample, reference: Sample, class_names: Sequence[str]) -> Drift:
    """Compare labels, outputs and accuracy of new examples with those of a reference."""
    outputs = [
        stats.ks_2samp(new.probabilities[:, column], reference.probabilities[:, column])
        for column in range(len(class_names))
    ]
    furthest = int(np.argmin([output.pvalue for output in outputs]))
    return Drift(
        new=len(new.labels),
        reference=len(reference.labels),
        labels=label_shift(new.labels, reference.labels, len(class_names)),
        outputs=min(1.0, len(outputs) * float(outputs[furthest].pvalue)),
        furthest=class_names[furthest],
        distance=float(outputs[furthest].statistic),
        accuracy=accuracy_loss(new.right, len(new.labels), reference.right, len(reference.labels)),
        new_accuracy=new.right / len(new.labels),
        reference_accuracy=reference.right / len(reference.labels),
    )


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


def accuracy_loss(right: int, count: int, reference_right: int, reference_count: int) -> float:
    """One-sided p-value of Fisher's exact test: small where the new examples are got right less often."""
    table = [[right, count - right], [reference_right, reference_count - reference_right]]
    return float(stats.fisher_exact(table, alternative="less").pvalue)


def _p_value(p_value: float) -> str:
    return "< 0.001" if p_value < 0.001 else f"= {p_value:.2g}"
