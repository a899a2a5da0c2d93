"""Whether a challenger takes the champion's place: from the evidence to a decision with its reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipeline.comparison.statistics.paired_tests import spent_alpha
from pipeline.formats import count_of, p_value, percent, percent_range, points, points_range
from pipeline.operations.retraining.evidence import ClassEvidence, Evidence
from pipeline.params.upkeep.retrain import Retrain
from pipeline.scores.classes import ACCURACY
from pipeline.scores.score_for_task import words_of

Outcome = Literal["promote", "keep", "ask"]
WORN = 12  # looks within a year: 95 % of what the first looks may spend is spent by then


@dataclass(frozen=True)
class Decision:
    """What is to happen, and why, in full sentences."""

    outcome: Outcome
    reasons: list[str]


def decide(evidence: Evidence, limits: Retrain, confidence: float, look: int = 1) -> Decision:
    """Promote what is shown to be better and breaks no limit; ask a person where it does; else keep the champion.

    Args:
        evidence: challenger against champion.
        limits: of params.yaml.
        confidence: with which a year has no false promotion; a look spends a part of the rest, see `spent_alpha`.
        look: which one within a year it is at these test examples.
    """
    if evidence.champion_learnt:
        return Decision("ask", [_unfair(evidence)])
    alpha = spent_alpha(1 - confidence, look)
    measured = _measured(evidence)
    remarks = [*_since_then(evidence), *_worn_out(evidence, confidence, look)]
    if evidence.p_adjusted >= alpha:
        told = "the test examples cannot tell the two apart, so the champion stays"
        return Decision("keep", [f"{measured}: {told}{_spent(alpha, look)}.", *remarks])
    if evidence.difference < 0:
        return Decision("keep", [f"{measured}: the challenger is shown to be worse.", *remarks])
    broken = broken_limits(evidence, limits)
    if broken:
        better = f"{measured}: the challenger is better, but it breaks a limit of params.yaml."
        return Decision("ask", [better, *broken, *remarks])
    return Decision("promote", [f"{measured}: the challenger is shown to be better, and keeps every limit.", *remarks])


def broken_limits(evidence: Evidence, limits: Retrain) -> list[str]:
    """A sentence for each limit of `retrain` in params.yaml that the challenger does not keep."""
    broken = [_class_loss(each, limits) for each in _lost_classes(evidence, limits)]
    ratio = evidence.challenger_latency_ms / evidence.champion_latency_ms
    takes = f"One {evidence.example} takes {evidence.challenger_latency_ms:.1f} ms"
    if ratio > limits.latency_ratio:
        broken.append(
            f"{takes}, {ratio:.1f} times as long as the champion's {evidence.champion_latency_ms:.1f} ms "
            f"(retrain.latency_ratio = {limits.latency_ratio:g})."
        )
    if limits.latency_ms is not None and evidence.challenger_latency_ms > limits.latency_ms:
        broken.append(f"{takes} (retrain.latency_ms = {limits.latency_ms:g}).")
    return broken + _worse_calibrated(evidence, limits)


def _worse_calibrated(evidence: Evidence, limits: Retrain) -> list[str]:
    champion, challenger = evidence.champion_calibration_error, evidence.challenger_calibration_error
    if champion is None or challenger is None or challenger - champion <= limits.calibration_margin:
        return []
    return [
        f"Its calibration error is {challenger:.3f}, the champion's {champion:.3f}; the difference is "
        f"{evidence.calibration_low:.3f} to {evidence.calibration_high:.3f} (retrain.calibration_margin = "
        f"{limits.calibration_margin:g})."
    ]


def _measured(evidence: Evidence) -> str:
    picked = f", picked from {evidence.compared}" if evidence.compared > 1 else ""
    if evidence.score != ACCURACY.name:
        return _measured_by_score(evidence, picked)
    assert evidence.challenger_accuracy is not None and evidence.champion_accuracy is not None
    return (
        f"On {count_of(evidence.examples, 'test example')} the challenger is right on "
        f"{percent(evidence.challenger_accuracy)}, the champion on {percent(evidence.champion_accuracy)}; difference "
        f"{points(evidence.difference)} ({points_range(evidence.low, evidence.high)}, p {p_value(evidence.p_adjusted)}"
        f"{picked})"
    )


def _measured_by_score(evidence: Evidence, picked: str) -> str:
    """The difference is said as by how much the challenger is better, since less is better by some scores."""
    words = words_of(evidence.score)
    values = (
        words.attained.format(value=words.value(one)) for one in (evidence.challenger_score, evidence.champion_score)
    )
    challenger, champion = values
    return (
        f"On {count_of(evidence.examples, 'test example')} the challenger is {challenger}, the champion {champion}; "
        f"better by {words.difference(evidence.difference)} ({words.difference_span(evidence.low, evidence.high)}, p "
        f"{p_value(evidence.p_adjusted)}{picked})"
    )


def _spent(alpha: float, look: int) -> str:
    if look == 1:
        return ""
    return f" (look {look} at these test examples within a year, which takes p < {alpha:.2g})"


def _since_then(evidence: Evidence) -> list[str]:
    """The champion was picked for its score on the examples that it was registered with, which flatters it there."""
    since = evidence.since
    if not since.examples:
        return []
    arrived = f"On {count_of(since.examples, 'test example')} that arrived after it was registered the champion is"
    if since.score != ACCURACY.name:
        words = words_of(since.score)
        now, then = (words.attained.format(value=words.value(value)) for value in (since.value, since.before))
        told = f"{arrived} {now} ({words.span(since.low, since.high)})"
    else:
        then = f"on {percent(since.before)}"
        told = f"{arrived} right on {percent(since.value)} ({percent_range(since.low, since.high)})"
    if since.examples == evidence.examples:  # none is left of those that it was picked with
        return [f"{told}."]
    return [f"{told}, on those that it was picked with {then}."]


def _worn_out(evidence: Evidence, confidence: float, look: int) -> list[str]:
    if look < WORN:
        return []
    told = points if evidence.score == ACCURACY.name else words_of(evidence.score).difference
    first, now = (evidence.visible_lead(spent_alpha(1 - confidence, number)) for number in (1, look))
    return [
        f"These test examples are worn out: they were looked at {look} times within a year, so that only a lead of "
        f"{told(now)} or more would be shown, {told(first)} at first. Bring new labelled {evidence.example}s "
        "(data/incoming), which go into the test set in part, or retrain less often."
    ]


def _lost_classes(evidence: Evidence, limits: Retrain) -> list[ClassEvidence]:
    """Where a loss beyond the margin cannot be ruled out for the worst class: those that it may be."""
    if evidence.worst_class_low is None or evidence.worst_class_low >= -limits.class_margin:
        return []
    seen = [each for each in evidence.classes if each.examples]
    suspicious = max(-limits.class_margin, min(each.low for each in seen))
    return [each for each in seen if each.low <= suspicious]


def _class_loss(each: ClassEvidence, limits: Retrain) -> str:
    return (
        f"Class {each.name} ({count_of(each.examples, 'test example')}): recall {percent(each.challenger)}, the "
        f"champion's {percent(each.champion)}; a loss of {points(-each.low)} cannot be ruled out "
        f"(retrain.class_margin = {limits.class_margin:g})."
    )


def _unfair(evidence: Evidence) -> str:
    return (
        f"The champion was trained on {count_of(evidence.champion_learnt, 'example')} of today's test set, so the two "
        f"cannot be compared. The test split was drawn anew: {evidence.example}s were added to data.path itself (new "
        "ones belong in data/incoming), or data.seed or data.test_fraction changed. Undo that, or promote by hand."
    )
