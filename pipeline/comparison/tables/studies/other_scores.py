"""Whether another score would change the advice: the same rule, by every score that the predictions allow.

It is of test examples and their draws alone, of which fewer are taken than for the score that was chosen, so that a
comparison takes little longer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.comparison.statistics.advice import advised_place, expected_regrets
from pipeline.comparison.statistics.outcomes import Outcomes, outcomes_of, with_the_floor
from pipeline.comparison.statistics.quantities import score_quantity, units_of_test
from pipeline.comparison.tables.alignment import (
    AnswersOnTest,
    answers_on_test,
    decided,
    decided_left_out,
    naive_place,
)
from pipeline.comparison.tables.costs import Work
from pipeline.comparison.tables.design import ExampleDesign
from pipeline.comparison.tables.ensembles.ensemble import Ensemble
from pipeline.comparison.tables.floor import shown_to_beat_floor
from pipeline.comparison.tables.measurements import Measured
from pipeline.comparison.tables.ranking import best_first
from pipeline.params.compare import Compare
from pipeline.scores.score import Answers, Score

RESAMPLES = 2_000


@dataclass(frozen=True)
class Advised:
    """What a score advises.

    Attributes:
        candidate: None where nothing is shown to beat its floor.
        value: the advised candidate's, as a mean over seeds; None without advice.
        winner: the candidate of the best value.
    """

    score: Score
    candidate: str | None
    value: float | None
    winner: str


def advise_by_scores(
    measured: Sequence[Measured],
    design: ExampleDesign,
    scores: Sequence[Score],
    work: Sequence[Work],
    settings: Compare,
) -> list[Advised]:
    """
    Args:
        scores: those that ask for probabilities are left out where a candidate's were not read.
        work: of each candidate.
    """
    known = all(one.probabilities is not None for one in measured)
    answers = answers_on_test(measured, design.groups, design.order, known)
    return [
        _advised(measured, _outcomes(measured, answers, score), work, settings)
        for score in scores
        if known or not score.asks_probabilities
    ]


def _outcomes(measured: Sequence[Measured], answers: AnswersOnTest, score: Score) -> Outcomes:
    """Of the test examples; nothing is asked about training."""
    (test,) = decided(score, answers.validation, [answers.test])
    unasked = Answers(answers.validation.labels, np.full_like(answers.validation.predicted, np.nan))
    return outcomes_of(
        candidates=[one.name for one in measured],
        seeds=measured[0].seeds,
        examples=answers.examples,
        test=test,
        train=unasked,
        validation=unasked,
        score=score,
        design=answers.design,
        floor=naive_place(measured),
        left_out=decided_left_out(score, answers.validation, answers.left_out),
        derived=[isinstance(one, Ensemble) for one in measured],
    )


def _advised(measured: Sequence[Measured], outcomes: Outcomes, work: Sequence[Work], settings: Compare) -> Advised:
    count, score = len(measured), outcomes.score
    everything, derived = with_the_floor(outcomes)
    with_floor = score_quantity(everything, min(settings.resamples, RESAMPLES), units_of_test(outcomes), derived)
    quantity = with_floor.first(count)
    shown = shown_to_beat_floor(with_floor, settings.confidence, outcomes.bounds)
    beating = [place for place in map(int, np.flatnonzero(shown)) if not measured[place].is_floor]
    winner = outcomes.candidates[best_first(quantity.means, measured)[0]]
    if not beating:
        return Advised(score, None, None, winner)
    place = advised_place(
        regrets=expected_regrets(quantity)[beating],
        scores=quantity.means[beating],
        work=[(work[at].training, work[at].answer) for at in beating],
        ties=[(float(measured[at].parameters), measured[at].name) for at in beating],
        prefer=settings.prefer,
        tolerance=settings.tolerated_regret,
    )
    at = beating[place]
    value = float(quantity.means[at]) * outcomes.unit * score.sign
    return Advised(score, outcomes.candidates[at], value, winner)
