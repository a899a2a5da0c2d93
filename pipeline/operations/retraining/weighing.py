"""A challenger against a champion: both models measured on the same test examples.

Both are trained models, or ensembles of such, and are taken as given: what varies is which examples happened to be in
the test set. (`compare` asks about recipes instead, so there seeds vary, too.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.comparison.statistics.calibration import calibration_change, calibration_quantity
from pipeline.comparison.statistics.class_changes import class_changes
from pipeline.comparison.statistics.intervals import estimate
from pipeline.comparison.statistics.paired_tests import clustered_mcnemar, swap_p_value
from pipeline.comparison.statistics.quantities import in_strata, score_quantity
from pipeline.comparison.statistics.variation.units import Units, units_of
from pipeline.operations.retraining.evidence import EXAMPLE, ClassEvidence, Evidence, Judged, SinceThen, known_by
from pipeline.params.schema.vocabulary import Kind
from pipeline.scores.classes import ACCURACY
from pipeline.scores.score import Answers, Score


def weigh(
    champion: Judged,
    challenger: Judged,
    labels: NDArray[Any],
    examples: Sequence[str],
    class_names: Sequence[str],
    confidence: float,
    resamples: int,
    compared: int = 1,
    groups: NDArray[np.int64] | None = None,
    score: Score = ACCURACY,
    kind: Kind = "images",
) -> Evidence:
    """Compare the two on the same test examples, with the paired bootstrap and the exact test of `compare`.

    Args:
        champion: its answers for all test examples.
        challenger: its answers for the same examples.
        labels: (N,) class numbers, or the numbers to predict.
        examples: (N,) their ids; of a series in the order of time.
        class_names: in the order of the class numbers; empty where a number is predicted.
        confidence: of the intervals.
        resamples: of the bootstrap.
        compared: among how many candidates the challenger was picked on these examples.
        groups: (N,) equal for examples that belong together; None where each is on its own.
        score: what the two are judged by.
        kind: images, table or series; of a series, blocks of steps are drawn.
    """
    both, known = [champion, challenger], known_by(examples, kind)
    answers = _answers(both, labels)
    unit = score.unit(float(score.values(score.floor_answers(labels, labels, 1, answers.classes))[0]))
    shares = score.contribute(answers) / unit  # (2, N)
    order = np.arange(len(labels)) if kind == "series" else None
    units = units_of(shares[:, None, :], groups, order)
    weighed = in_strata(units, labels, score.parts(answers) / unit if score.parts else None)
    given = score_quantity(shares[:, None, :], resamples, weighed).of_trained_models()
    low, high = score.signed_bounds
    lead = estimate(given, np.array([[-1.0, 1.0]]), confidence, ((low - high) / unit, (high - low) / unit))
    return Evidence(
        examples=len(labels),
        difference=unit * float(lead.value[0]),
        low=unit * float(lead.low[0]),
        high=unit * float(lead.high[0]),
        p_value=float(lead.p_value[0]) if kind == "series" else _p_value(score, answers, units, groups, resamples),
        compared=compared,
        champion_latency_ms=champion.latency_ms,
        challenger_latency_ms=challenger.latency_ms,
        units=int(units.count),
        since=_since_then(champion, labels, known, groups, order, score, confidence, resamples),
        champion_learnt=len(champion.learnt.intersection(known)),
        score=score.name,
        champion_score=unit * score.sign * float(given.means[0]),
        challenger_score=unit * score.sign * float(given.means[1]),
        deviation=unit * float(lead.deviation[0]),
        example=EXAMPLE[kind],
        until=str(examples[-1]) if kind == "series" else None,
        **_of_classes(both, labels, class_names, units, groups, confidence, resamples),
    )


def _answers(both: Sequence[Judged], labels: NDArray[Any]) -> Answers:
    """(2, N)."""
    predicted = np.stack([judged.predicted for judged in both]).astype(np.float64)
    known = [judged.probabilities for judged in both if judged.probabilities is not None]
    if not known:
        return Answers(labels, predicted)
    probabilities = np.stack(known)
    return Answers(labels, predicted, probabilities, probabilities.shape[-1])


def _p_value(score: Score, answers: Answers, units: Units, groups: NDArray[np.int64] | None, resamples: int) -> float:
    if score.is_share:
        right = (answers.predicted == answers.labels).astype(np.float64)
        return clustered_mcnemar(right[1], right[0], groups)
    return swap_p_value(score, answers, units, resamples)


def _of_classes(
    both: Sequence[Judged],
    labels: NDArray[Any],
    class_names: Sequence[str],
    units: Units,
    groups: NDArray[np.int64] | None,
    confidence: float,
    resamples: int,
) -> dict[str, Any]:
    """What there is to say of classes alone."""
    if not class_names:
        calibration = ("champion_calibration_error", "challenger_calibration_error", "calibration_low")
        accuracy = ("champion_accuracy", "challenger_accuracy", "disagreement", "calibration_high")
        return {"classes": [], **dict.fromkeys(["worst_class_low", *accuracy, *calibration])}
    right = np.stack([judged.right(labels) for judged in both])  # (2, N)
    return {
        "champion_accuracy": float(right[0].mean()),
        "challenger_accuracy": float(right[1].mean()),
        **_classes(right, labels, class_names, confidence, groups),
        "disagreement": float((right[0] != right[1]).mean()),
        **_calibration(both, labels, units, confidence, resamples),
    }


def _classes(
    right: NDArray[np.float64],
    labels: NDArray[np.int64],
    class_names: Sequence[str],
    confidence: float,
    groups: NDArray[np.int64] | None,
) -> dict[str, Any]:
    changes = class_changes(right[0], right[1], labels, len(class_names), confidence, groups)
    rows = []
    for k, name in enumerate(class_names):
        if not changes.counts[k]:
            rows.append(ClassEvidence(name, 0, 0.0, 0.0, 0.0))
            continue
        champion, challenger = map(float, right[:, labels == k].mean(axis=1))
        low = max(float(changes.low[k]), -1.0)
        rows.append(ClassEvidence(name, int(changes.counts[k]), champion, challenger, low))
    return {"classes": rows, "worst_class_low": max(changes.worst, -1.0)}


def _calibration(
    both: Sequence[Judged], labels: NDArray[np.int64], units: Units, confidence: float, resamples: int
) -> dict[str, float]:
    """Both calibration errors without the bias of few examples, and the interval of their difference.

    The largest probability is held against how often the most probable class is right, whatever class is said.
    """
    probabilities = _answers(both, labels).probabilities
    assert probabilities is not None
    sure = probabilities.max(axis=2).astype(np.float64)  # (2, N)
    right = (probabilities.argmax(axis=2) == labels).astype(np.float64)
    errors = calibration_quantity(sure[:, None, :], right[:, None, :], units, 1).means
    change = calibration_change((sure[0], right[0]), (sure[1], right[1]), units, confidence, resamples)
    return {
        "champion_calibration_error": max(float(errors[0]), 0.0),
        "challenger_calibration_error": max(float(errors[1]), 0.0),
        "calibration_low": float(change.low[0]),
        "calibration_high": float(change.high[0]),
    }


def _since_then(
    champion: Judged,
    labels: NDArray[Any],
    examples: Sequence[str],
    groups: NDArray[np.int64] | None,
    order: NDArray[np.int64] | None,
    score: Score,
    confidence: float,
    resamples: int,
) -> SinceThen:
    """None arrived since where it is not known what the champion was measured on."""
    score = ACCURACY if score.of_classes else score
    known = champion.measured | champion.learnt
    new = np.array([bool(known) and example not in known for example in examples])
    answers = Answers(labels, champion.predicted[None].astype(np.float64))
    before = float(score.values(answers.at(~new))[0]) if not new.all() else 0.0
    if not new.any():
        return SinceThen(score.name, 0, 0.0, 0.0, 0.0, before)
    shares = score.contribute(answers.at(new))[:, None, :]  # (1, 1, new)
    units = units_of(shares, None if groups is None else groups[new], None if order is None else order[new])
    given = score_quantity(shares, resamples, units).of_trained_models()
    value = estimate(given, np.eye(1), confidence, score.signed_bounds)
    low, high = sorted(score.sign * float(bound[0]) for bound in (value.low, value.high))
    return SinceThen(score.name, int(new.sum()), score.sign * float(value.value[0]), low, high, before)
