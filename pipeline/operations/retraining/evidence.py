"""What speaks for a challenger and against it: both models measured on the same test examples.

Both are trained models, or ensembles of such, and are taken as given: what varies is which examples happened to be in
the test set. (`compare` asks about recipes instead, so there seeds vary, too.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from pipeline.comparison.statistics.calibration import calibration_change, calibration_quantity
from pipeline.comparison.statistics.class_changes import class_changes
from pipeline.comparison.statistics.intervals import estimate
from pipeline.comparison.statistics.paired_tests import clustered_mcnemar, smallest_visible_lead, swap_p_value
from pipeline.comparison.statistics.quantities import in_strata, score_quantity
from pipeline.comparison.statistics.variation.units import Units, units_of
from pipeline.params.schema.vocabulary import Kind
from pipeline.scores.classes import ACCURACY
from pipeline.scores.decisions import MOST_PROBABLE, Decision
from pipeline.scores.score import Answers, Score

EXAMPLE: dict[Kind, str] = {"images": "photo", "table": "row", "series": "step"}


@dataclass(frozen=True)
class Judged:
    """One of the two on the current test set.

    Attributes:
        name: as it is to be called in sentences.
        probabilities: (N, classes); None where a number is predicted.
        latency_ms: median for one example; both measured side by side.
        learnt: examples that it was trained or tuned on.
        measured: test examples that it was measured on when it was registered, for its accuracy among other things.
        decision: how a class follows from its probabilities.
        answered: (N,) class numbers where its rule is of other classes than today's; None: by `decision`. Where a
            number is predicted, that.
    """

    name: str
    probabilities: NDArray[np.floating] | None
    latency_ms: float
    learnt: frozenset[str] = frozenset()
    measured: frozenset[str] = frozenset()
    decision: Decision = MOST_PROBABLE
    answered: NDArray[Any] | None = None

    @property
    def predicted(self) -> NDArray[Any]:
        """(N,) class numbers, or numbers."""
        if self.answered is not None:
            return self.answered
        assert self.probabilities is not None
        return self.decision.classes(self.probabilities)

    def right(self, labels: NDArray[Any]) -> NDArray[np.float64]:
        """(N,) 1 where it says the right class."""
        return (self.predicted == labels).astype(np.float64)


@dataclass(frozen=True)
class ClassEvidence:
    """One class: recall of both, and a lower limit of challenger minus champion that holds for all classes at once."""

    name: str
    examples: int
    champion: float
    challenger: float
    low: float


@dataclass(frozen=True)
class SinceThen:
    """The champion on test examples that arrived after it was registered, so that nothing was picked on them.

    Attributes:
        score: of what the values are: its accuracy, or where it predicts numbers the score that it is judged by.
        examples: how many; 0 where none arrived.
        value, low, high: on these, with its interval; 0 where none arrived.
        before: the value on the others, on which it was picked.
    """

    score: str
    examples: int
    value: float
    low: float
    high: float
    before: float

    def numbers(self) -> dict[str, float]:
        named = {self.score: self.value, "low": self.low, "high": self.high, "before": self.before}
        return {"examples": self.examples, **named}


@dataclass(frozen=True)
class Evidence:
    """Challenger against champion. `difference` is by how much the challenger's score is better, in its own units.

    Accuracies, classes, calibration and disagreement are of tasks that tell classes apart; where a number is predicted
    there are none (None, or empty).

    Attributes:
        p_value: of no difference: of accuracy by the exact McNemar test, where groups are flipped as a whole, of other
            scores by swapping the two models' answers likewise; of a series by the bootstrap of blocks that its
            interval comes from, since swaps of a few long blocks cannot show anything.
        compared: among how many candidates the challenger was picked for its accuracy on these very examples; the
            p-value counts that many times (Bonferroni).
        calibration_low, calibration_high: interval of by how much the challenger's calibration error is larger.
        units: what the intervals rest on: groups, blocks of a series, or the examples themselves.
        disagreement: the share of examples on which one is right and the other wrong.
        since: the champion on what arrived after it.
        champion_learnt: how many of the test examples the champion was trained on: it has an unfair lead there.
        score: the name of what the two are judged by; champion_score, challenger_score: their values.
        deviation: the standard error of the difference.
        example: what one is called: photo, row, step.
        until: the last example of a series, by which later test stretches are seen to overlap with this one.
    """

    examples: int
    champion_accuracy: float | None
    challenger_accuracy: float | None
    difference: float
    low: float
    high: float
    p_value: float
    compared: int
    classes: list[ClassEvidence]
    champion_calibration_error: float | None
    challenger_calibration_error: float | None
    calibration_low: float | None
    calibration_high: float | None
    champion_latency_ms: float
    challenger_latency_ms: float
    units: int
    disagreement: float | None
    since: SinceThen
    champion_learnt: int
    score: str
    champion_score: float
    challenger_score: float
    deviation: float
    example: str = "photo"
    until: str | None = None

    @property
    def p_adjusted(self) -> float:
        return min(1.0, self.p_value * self.compared)

    def visible_lead(self, alpha: float) -> float:
        """The lead of a challenger that a test at `alpha` shows four times out of five on these examples."""
        share = alpha / self.compared
        if self.score != ACCURACY.name or self.disagreement is None:
            return self.deviation * float(special.ndtri(1 - share / 2) + special.ndtri(0.8))
        disagreement = max(self.disagreement, 1 / self.examples)
        return smallest_visible_lead(self.units, disagreement, share)

    def numbers(self) -> dict[str, Any]:
        """As the log has them, with recall by class."""
        recall = {each.name: {k: v for k, v in asdict(each).items() if k != "name"} for each in self.classes}
        measured = {**asdict(self), "classes": recall or None, "since": self.since.numbers(), "example": None}
        return {**{key: value for key, value in measured.items() if value is not None}, "p_adjusted": self.p_adjusted}


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
    both = [champion, challenger]
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
        since=_since_then(champion, labels, examples, groups, order, score, confidence, resamples),
        champion_learnt=len(champion.learnt.intersection(examples)),
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
        return {"classes": [], **dict.fromkeys([*accuracy, *calibration])}
    right = np.stack([judged.right(labels) for judged in both])  # (2, N)
    return {
        "champion_accuracy": float(right[0].mean()),
        "challenger_accuracy": float(right[1].mean()),
        "classes": _classes(right, labels, class_names, confidence, groups),
        "disagreement": float((right[0] != right[1]).mean()),
        **_calibration(both, labels, units, confidence, resamples),
    }


def _classes(
    right: NDArray[np.float64],
    labels: NDArray[np.int64],
    class_names: Sequence[str],
    confidence: float,
    groups: NDArray[np.int64] | None,
) -> list[ClassEvidence]:
    changes = class_changes(right[0], right[1], labels, len(class_names), confidence, groups)
    rows = []
    for k, name in enumerate(class_names):
        if not changes.counts[k]:
            rows.append(ClassEvidence(name, 0, 0.0, 0.0, 0.0))
            continue
        champion, challenger = map(float, right[:, labels == k].mean(axis=1))
        low = max(float(changes.low[k]), -1.0)
        rows.append(ClassEvidence(name, int(changes.counts[k]), champion, challenger, low))
    return rows


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
