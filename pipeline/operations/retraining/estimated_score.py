"""What a champion's score is on examples whose labels nobody knows, estimated from its probabilities.

Confidence-based performance estimation, as NannyML calls it: calibrated probabilities say how often each answer is
right, so they say what any score of answers and probabilities is to be expected. (Garg et al., "Leveraging unlabeled
data to predict out-of-distribution performance", ICLR 2022, compare such estimates and show that none holds for every
shift.) NannyML itself is not used: for what a page of NumPy does it brings some thirty packages, clients of clouds,
boosted trees and usage reports among them, and knows neither groups nor the scores of this project.

1. Probabilities are calibrated on test examples of the champion, as uncertain as so few leave it
   (calibrated_probabilities.py).
2. Labels are drawn from such probabilities, of the new examples and of the test examples alike, and scored.
3. The estimate is the test score plus the mean difference of the two, and its interval the test score plus quantiles of
   that difference. So it is the test score itself where nothing has shifted, however badly the calibration fits.

It holds only where equal probabilities still mean what they mean on test examples. So it holds where examples of a kind
that was known come more often or more rarely (covariate shift in the narrow sense). It need not hold for inputs of
another kind, such as blurred, noisy or moved photos, of which the champion is often surer than it should be: then the
estimate is too high. Nor where classes come in other shares (label shift), nor where labels mean something else
(concept shift). The estimate itself shows none of these; benchmarks/watching.py has measured each.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.formats import count_of, level
from pipeline.operations.retraining.calibrated_probabilities import Answered, Calibration, Floats, Labelled, calibrate
from pipeline.scores.classes import BALANCED_ACCURACY, MACRO_F1
from pipeline.scores.score import Answers, Score
from pipeline.scores.score_for_task import words_of

MISSED = "equal inputs have other labels by now, or its probabilities do not hold for such inputs"
CLASSES_ALIKE = (BALANCED_ACCURACY.name, MACRO_F1.name)  # beside those that take every class
OTHER_SHARES = 0.1  # of the examples that are expected to be of other classes, from which such scores are not compared
NOT_COMPARED = (
    "these two cannot be compared, since other shares of the classes are expected now, on which this score depends"
)
LEAST_SCORED = 0.9  # of draws that have a score; some have none where a class does not occur


def first_of_each(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """The place of one example of each group, in their order."""
    return np.sort(np.unique(groups, return_index=True)[1])


@dataclass(frozen=True)
class Unlabelled:
    """Examples without labels, as `Answered` has them."""

    probabilities: NDArray[np.float64]
    predicted: NDArray[np.int64]
    groups: NDArray[np.int64] | None = None

    @property
    def one_of_each_group(self) -> Unlabelled:
        if self.groups is None:
            return self
        rows = first_of_each(self.groups)
        return Unlabelled(self.probabilities[rows], self.predicted[rows])


@dataclass(frozen=True)
class ScoreEstimate:
    """The score on certain examples, estimated.

    Attributes:
        score: its name.
        examples: how many there are; reference: how many test examples it was calibrated on.
        value, low, high: the score on these very examples; as uncertain as both sets of examples leave it.
        before: the score on the test examples, where labels are known.
        confidence: of the interval.
        worse, better: whether the interval says that it is another one by now.
        comparable: whether it can be: a mean over classes cannot where these come in other shares.
    """

    score: str
    examples: int
    reference: int
    value: float
    low: float
    high: float
    before: float
    worse: bool
    better: bool
    confidence: float
    comparable: bool = True

    def sentence(self, noun: str) -> str:
        """The estimate beside what was measured when labels were known.

        Args:
            noun: what one example is called.
        """
        words = words_of(self.score)
        now, then = (words.attained.format(value=words.value(value)) for value in (self.value, self.before))
        verdict = "so it may do as well as then"
        if not self.comparable:
            verdict = NOT_COMPARED
        elif self.worse or self.better:
            verdict = f"so it is estimated to do {'worse' if self.worse else 'better'} now"
        return (
            f"On these {count_of(self.examples, noun)} the champion is estimated to be {now} "
            f"({level(self.confidence)} interval {words.span(self.low, self.high)}). "
            f"When it was registered it was {then} ({count_of(self.reference, f'test {noun}')}), {verdict}."
        )

    def beside(self, truth: float, noun: str) -> str:
        """The estimate beside the score that labels then showed.

        Args:
            truth: the score on these examples.
            noun: what one example is called.
        """
        words = words_of(self.score)
        told = words.attained.format(value=words.value(self.value))
        known = words.attained.format(value=words.value(truth))
        judged = "so the estimate held"
        if not self.low <= truth <= self.high:
            chance = f"by chance, which {level(1 - self.confidence)} of such intervals do"
            judged = f"so the estimate did not hold: {chance}, or because {MISSED}"
        return (
            f"On these {count_of(self.examples, noun)} the champion would have been estimated to be {told} without "
            f"their labels ({words.span(self.low, self.high)}); it is {known}, {judged}."
        )


def estimate_score(score: Score, new: Answered, reference: Labelled, confidence: float) -> ScoreEstimate | None:
    """None where the score cannot be told, since a class that it needs is hardly ever expected.

    Args:
        score: of classes.
        new: at least one example.
        reference: examples that the model has not learned from, with their labels.
        confidence: of the interval, such as 0.95.
    """
    calibration, needed = calibrate(reference), np.unique(reference.labels) if score.every_class else None
    before = _score(score, reference, reference.labels)
    ours, theirs = (
        _drawn_scores(score, part, calibration, stream, needed) for stream, part in enumerate((new, reference))
    )
    scored = np.isfinite(ours) & np.isfinite(theirs)
    if not np.isfinite(before) or scored.mean() < LEAST_SCORED:
        return None
    ours, theirs = ours[scored], theirs[scored]
    levels = [(1 - confidence) / 2, (1 + confidence) / 2]
    value, *span = before + np.array([(ours - theirs).mean(), *np.quantile(ours - theirs, levels)])
    value, low, high = map(float, np.clip([value, min(*span, value), max(*span, value)], *score.bounds))
    comparable = (
        not (score.every_class or score.name in CLASSES_ALIKE)
        or _shares_moved(new, reference, calibration) < OTHER_SHARES
    )
    best, worst = (high, low) if score.sign > 0 else (low, high)
    return ScoreEstimate(
        score=score.name,
        examples=len(new.predicted),
        reference=len(reference.predicted),
        value=value,
        low=low,
        high=high,
        before=before,
        worse=comparable and score.sign * (best - before) < 0,
        better=comparable and score.sign * (worst - before) > 0,
        confidence=confidence,
        comparable=comparable,
    )


def _shares_moved(new: Answered, reference: Answered, calibration: Calibration) -> float:
    """Which part of the examples is expected to be of other classes: the total variation distance of the shares."""
    shares = [calibration.expected(part.probabilities).mean(axis=0) for part in (new, reference)]
    return float(np.abs(shares[0] - shares[1]).sum() / 2)


def _drawn_scores(
    score: Score, part: Answered, calibration: Calibration, stream: int, needed: NDArray[np.int64] | None
) -> Floats:
    """(DRAWS,) the score with labels that are drawn; NaN where a draw has none, or has not the needed classes alone.

    Examples of a group draw whether they are right together: nobody knows how alike they are.
    """
    rng, count = np.random.default_rng([stream, 1]), len(part.predicted)
    places = np.arange(count) if part.groups is None else np.unique(part.groups, return_inverse=True)[1]
    found: list[float] = []
    for given in calibration.draw(part.probabilities):
        luck = rng.random((len(given), int(places.max()) + 1))[:, places]
        for labels in _drawn_labels(given, part.predicted, luck):
            fits = needed is None or np.array_equal(np.unique(labels), needed)
            found.append(_score(score, part, labels) if fits else np.nan)
    return np.array(found)


def _drawn_labels(given: Floats, predicted: NDArray[np.int64], luck: Floats) -> NDArray[np.int64]:
    """(b, N) class numbers: the predicted one where luck is below its probability, else one of the others.

    Args:
        given: (b, N, classes).
        luck: (b, N) between 0 and 1.
    """
    rows = np.arange(len(predicted))
    own, others = given[:, rows, predicted], given.copy()
    others[:, rows, predicted] = 0.0
    edges = own[..., None] + others.cumsum(axis=2)
    drawn = np.minimum((luck[..., None] >= edges).sum(axis=2), given.shape[2] - 1)
    return np.where(luck < own, predicted, drawn).astype(np.int64)


def _score(score: Score, part: Answered, labels: NDArray[np.int64]) -> float:
    answers = Answers(labels, part.predicted.astype(np.float64), part.probabilities, part.probabilities.shape[1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of a mean over no class
        return float(score.values(answers))
