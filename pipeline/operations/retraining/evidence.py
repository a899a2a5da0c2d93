"""What speaks for a challenger and against it: both models measured on the same test examples.

Both are single trained models, so the models are taken as given: what varies is which examples happened to be in the
test set. (`compare` asks about recipes instead, so there seeds vary, too.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from pipeline.comparison.statistics.intervals import estimate
from pipeline.comparison.statistics.paired_tests import clustered_mcnemar
from pipeline.comparison.statistics.quantities import score_quantity


@dataclass(frozen=True)
class Judged:
    """One of the two on the current test set.

    Attributes:
        name: as it is to be called in sentences.
        probabilities: (N, classes).
        calibration_error: expected calibration error on the same examples.
        latency_ms: median for one photo; both measured side by side.
        learnt: examples that it was trained or tuned on.
    """

    name: str
    probabilities: NDArray[np.floating]
    calibration_error: float
    latency_ms: float
    learnt: frozenset[str] = frozenset()

    def right(self, labels: NDArray[np.int64]) -> NDArray[np.float64]:
        """(N,) 1 where the most probable class is the right one."""
        return (self.probabilities.argmax(axis=1) == labels).astype(np.float64)


@dataclass(frozen=True)
class ClassEvidence:
    """One class: recall of both, and the one-sided lower limit of challenger minus champion."""

    name: str
    examples: int
    champion: float
    challenger: float
    low: float


@dataclass(frozen=True)
class Evidence:
    """Challenger against champion; differences are challenger minus champion, in fractions.

    Attributes:
        p_value: of no difference, by the exact McNemar test.
        compared: among how many candidates the challenger was picked for its accuracy on these very examples; the
            p-value counts that many times (Bonferroni).
        champion_learnt: how many of the test examples the champion was trained on: it has an unfair lead there.
    """

    examples: int
    champion_accuracy: float
    challenger_accuracy: float
    difference: float
    low: float
    high: float
    p_value: float
    compared: int
    classes: list[ClassEvidence]
    champion_calibration_error: float
    challenger_calibration_error: float
    champion_latency_ms: float
    challenger_latency_ms: float
    champion_learnt: int

    @property
    def p_adjusted(self) -> float:
        return min(1.0, self.p_value * self.compared)

    def numbers(self) -> dict[str, Any]:
        """As the log has them, with recall by class."""
        recall = {each.name: {k: v for k, v in asdict(each).items() if k != "name"} for each in self.classes}
        return {**asdict(self), "classes": recall, "p_adjusted": self.p_adjusted}


def weigh(
    champion: Judged,
    challenger: Judged,
    labels: NDArray[np.int64],
    examples: Sequence[str],
    class_names: Sequence[str],
    confidence: float,
    resamples: int,
    compared: int = 1,
) -> Evidence:
    """Compare the two on the same test examples, with the paired bootstrap and the exact test of `compare`.

    Args:
        champion: its answers for all test examples.
        challenger: its answers for the same examples.
        labels: (N,) class numbers.
        examples: (N,) their ids.
        class_names: in the order of the class numbers.
        confidence: of the intervals.
        resamples: of the bootstrap.
        compared: among how many candidates the challenger was picked on these examples.
    """
    right = np.stack([champion.right(labels), challenger.right(labels)])  # (2, N)
    given = score_quantity(right[:, None, :], resamples).of_trained_models()
    lead = estimate(given, np.array([[-1.0, 1.0]]), confidence, (-1.0, 1.0))
    return Evidence(
        examples=len(labels),
        champion_accuracy=float(right[0].mean()),
        challenger_accuracy=float(right[1].mean()),
        difference=float(lead.value[0]),
        low=float(lead.low[0]),
        high=float(lead.high[0]),
        p_value=clustered_mcnemar(right[1], right[0]),
        compared=compared,
        classes=[_class_evidence(right[:, labels == k], name, confidence) for k, name in enumerate(class_names)],
        champion_calibration_error=champion.calibration_error,
        challenger_calibration_error=challenger.calibration_error,
        champion_latency_ms=champion.latency_ms,
        challenger_latency_ms=challenger.latency_ms,
        champion_learnt=len(champion.learnt.intersection(examples)),
    )


def _class_evidence(right: NDArray[np.float64], name: str, confidence: float) -> ClassEvidence:
    """`right` is (2, n). One-sided limit by Agresti and Min 2005: Wald's, with half an example more in each cell of
    the paired table, which holds its level with few examples as well."""
    n = right.shape[1]
    if n == 0:
        return ClassEvidence(name, 0, 0.0, 0.0, 0.0)
    gained, lost = float((right[1] > right[0]).sum()), float((right[0] > right[1]).sum())
    difference = (gained - lost) / (n + 2)
    variance = (gained + lost + 1) / (n + 2) ** 2 - difference**2 / (n + 2)
    low = difference - float(special.ndtri(confidence)) * float(np.sqrt(max(variance, 0.0)))
    return ClassEvidence(name, n, float(right[0].mean()), float(right[1].mean()), max(low, -1.0))
