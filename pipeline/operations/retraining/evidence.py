"""What speaks for a challenger and against it, as weighing.py measures it and promotion.py decides by it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from pipeline.comparison.statistics.paired_tests import smallest_visible_lead
from pipeline.datasets.tables.series_rows import moment_of
from pipeline.params.schema.vocabulary import Kind
from pipeline.scores.classes import ACCURACY
from pipeline.scores.decisions import MOST_PROBABLE, Decision

PADDED = re.compile(r"^row 0+(?=[0-9])")
EXAMPLE: dict[Kind, str] = {"images": "photo", "table": "row", "series": "step"}


def known_by(examples: Iterable[Any], kind: Kind) -> list[str]:
    """By what examples are found again in what a champion saw: a step by its time, since another window, or a longer
    table, numbers all steps anew; a row without the zeros that its number has in front, as many as a longer table
    asks for."""
    names = list(map(str, examples))
    if kind == "series":
        return list(map(moment_of, names))
    return [PADDED.sub("row ", name) for name in names] if kind == "table" else names


@dataclass(frozen=True)
class Judged:
    """One of the two on the current test set.

    Attributes:
        name: as it is to be called in sentences.
        probabilities: (N, classes); None where a number is predicted.
        latency_ms: median for one example; both measured side by side.
        learnt: examples that it was trained or tuned on, as `known_by` names them.
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
        worst_class_low: a lower limit of the change of recall of the class that loses most, whichever that is. It is
            sharper than the lowest limit of the classes, each of which has to hold for a class by name.
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
    worst_class_low: float | None
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
