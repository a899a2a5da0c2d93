"""Whether a challenger takes the champion's place: from the evidence to a decision with its reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipeline.formats import count_of, p_value, percent, points, points_range
from pipeline.operations.retraining.evidence import ClassEvidence, Evidence
from pipeline.params.upkeep.retrain import Retrain

Outcome = Literal["promote", "keep", "ask"]


@dataclass(frozen=True)
class Decision:
    """What is to happen, and why, in full sentences."""

    outcome: Outcome
    reasons: list[str]


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
    broken = [
        _class_loss(each, limits) for each in evidence.classes if each.examples and each.low < -limits.class_margin
    ]
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


def _measured(evidence: Evidence) -> str:
    picked = f", picked from {evidence.compared}" if evidence.compared > 1 else ""
    return (
        f"On {count_of(evidence.examples, 'test example')} the challenger is right on "
        f"{percent(evidence.challenger_accuracy)}, the champion on {percent(evidence.champion_accuracy)}; difference "
        f"{points(evidence.difference)} ({points_range(evidence.low, evidence.high)}, p {p_value(evidence.p_adjusted)}"
        f"{picked})"
    )


def _class_loss(each: ClassEvidence, limits: Retrain) -> str:
    return (
        f"Class {each.name} ({count_of(each.examples, 'test example')}): recall {percent(each.challenger)}, the "
        f"champion's {percent(each.champion)}; a loss of {points(-each.low)} cannot be ruled out "
        f"(retrain.class_margin = {limits.class_margin:g})."
    )


def _unfair(evidence: Evidence) -> str:
    return (
        f"The champion was trained on {count_of(evidence.champion_learnt, 'example')} of today's test set, so the two "
        "cannot be compared. The test split was drawn anew: photos were added to data.path itself (new ones belong in "
        "data/incoming), or data.seed or data.test_fraction changed. Undo that, or promote by hand."
    )
