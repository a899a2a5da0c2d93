"""Whether a challenger takes the champion's place: from numbers to a decision with its reasons.

Both are single trained models that answer for the same test examples, so the models are taken as given: what varies is
which examples happened to be in the test set. (`compare` asks about recipes instead, so there seeds vary, too.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from pipeline.comparison.statistics import intervals as statistics
from pipeline.formats import count_of, p_value, percent, points, points_range
from pipeline.params.upkeep.retrain import Retrain

Outcome = Literal["promote", "keep", "ask"]


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
        recall = {one.name: {key: value for key, value in asdict(one).items() if key != "name"} for one in self.classes}
        return {**asdict(self), "classes": recall, "p_adjusted": self.p_adjusted}


@dataclass(frozen=True)
class Decision:
    """What is to happen, and why, in full sentences."""

    outcome: Outcome
    reasons: list[str]


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
    """The two on the same test examples, with the paired bootstrap and the exact test of `compare`.

    Args:
        labels: (N,) class numbers; examples: their ids.
        compared: among how many candidates the challenger was picked on these examples.
    """
    right = np.stack([champion.right(labels), challenger.right(labels)])  # (2, N)
    quantity = statistics.accuracy_quantity(right[:, None, :], resamples)
    given = replace(quantity, seed_variance=np.zeros(2), degrees=np.inf)
    found = statistics.estimate(given, np.array([[-1.0, 1.0]]), confidence, (-1.0, 1.0))
    p = statistics.permutation_p_values(right[0][None], right[1][None, None], resamples)
    return Evidence(
        examples=len(labels),
        champion_accuracy=float(right[0].mean()),
        challenger_accuracy=float(right[1].mean()),
        difference=float(found.value[0]),
        low=float(found.low[0]),
        high=float(found.high[0]),
        p_value=float(p[0]),
        compared=compared,
        classes=[_class_evidence(right[:, labels == k], name, confidence) for k, name in enumerate(class_names)],
        champion_calibration_error=champion.calibration_error,
        challenger_calibration_error=challenger.calibration_error,
        champion_latency_ms=champion.latency_ms,
        challenger_latency_ms=challenger.latency_ms,
        champion_learnt=len(champion.learnt.intersection(examples)),
    )


def decide(evidence: Evidence, limits: Retrain, confidence: float) -> Decision:
    """Promote what is shown to be better and breaks no limit; ask a person where it does; else keep the champion."""
    if evidence.champion_learnt:
        return Decision("ask", [_unfair(evidence)])
    measured = _measured(evidence)
    if evidence.p_adjusted >= 1 - confidence:
        return Decision("keep", [f"{measured}: the test examples cannot tell the two apart, so the champion stays."])
    if evidence.difference < 0:
        return Decision("keep", [f"{measured}: the challenger is shown to be worse."])
    broken = broken_limits(evidence, limits)
    if broken:
        return Decision(
            "ask", [f"{measured}: the challenger is better, but it breaks a limit of params.yaml.", *broken]
        )
    return Decision("promote", [f"{measured}: the challenger is shown to be better, and keeps every limit."])


def broken_limits(evidence: Evidence, limits: Retrain) -> list[str]:
    """A sentence for each limit of `retrain` in params.yaml that the challenger does not keep."""
    broken = [_lost(one, limits) for one in evidence.classes if one.examples and one.low < -limits.class_margin]
    ratio = evidence.challenger_latency_ms / evidence.champion_latency_ms
    if ratio > limits.latency_ratio:
        broken.append(
            f"One photo takes {evidence.challenger_latency_ms:.1f} ms, {ratio:.1f} times as long as the champion's "
            f"{evidence.champion_latency_ms:.1f} ms (retrain.latency_ratio = {limits.latency_ratio:g})."
        )
    if limits.latency_ms is not None and evidence.challenger_latency_ms > limits.latency_ms:
        broken.append(
            f"One photo takes {evidence.challenger_latency_ms:.1f} ms (retrain.latency_ms = {limits.latency_ms:g})."
        )
    worse = evidence.challenger_calibration_error - evidence.champion_calibration_error
    if worse > limits.calibration_margin:
        broken.append(
            f"Its calibration error is {evidence.challenger_calibration_error:.3f}, the champion's "
            f"{evidence.champion_calibration_error:.3f} (retrain.calibration_margin = {limits.calibration_margin:g})."
        )
    return broken


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


def _measured(evidence: Evidence) -> str:
    picked = f", picked from {evidence.compared}" if evidence.compared > 1 else ""
    return (
        f"On {count_of(evidence.examples, 'test example')} the challenger is right on "
        f"{percent(evidence.challenger_accuracy)}, the champion on {percent(evidence.champion_accuracy)}; difference "
        f"{points(evidence.difference)} ({points_range(evidence.low, evidence.high)}, p {p_value(evidence.p_adjusted)}"
        f"{picked})"
    )


def _lost(one: ClassEvidence, limits: Retrain) -> str:
    return (
        f"Class {one.name} ({count_of(one.examples, 'test example')}): recall {percent(one.challenger)}, the "
        f"champion's {percent(one.champion)}; a loss of {points(-one.low)} cannot be ruled out "
        f"(retrain.class_margin = {limits.class_margin:g})."
    )


def _unfair(evidence: Evidence) -> str:
    return (
        f"The champion was trained on {count_of(evidence.champion_learnt, 'example')} of today's test set, so the two "
        "cannot be compared. The test split was drawn anew: photos were added to data.path itself (new ones belong in "
        "data/incoming), or data.seed or data.test_fraction changed. Undo that, or promote by hand."
    )
