"""The floor: what any model must beat, and which candidates are shown to beat it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.comparison.statistics import intervals as statistics
from pipeline.comparison.statistics.outcomes import Outcomes
from pipeline.comparison.statistics.quantities import Quantity
from pipeline.comparison.tables.alignment import naive_place
from pipeline.comparison.tables.measurements import Measured
from pipeline.comparison.tables.ranking import reach_of
from pipeline.floors import LAST_VALUE, MAJORITY, MEAN
from pipeline.params.compare import Compare


@dataclass(frozen=True)
class AgainstFloor:
    """How the floor does (see `pipeline.floors`), and who is shown to do better.

    Attributes:
        score: its value on the test split.
        label: the class that it guesses; -1 for a regression.
        candidate: the candidate that does just this, if one competes. The floor of some scores says what no row does,
            such as the median; a floor that says something else may do worse.
        beaten_by: the candidates that are shown to do better (Holm over all candidates).
        no_attempts: the candidates that are no attempt at the task, such as the mean beside the last value of a series.
    """

    score: float
    label: int
    candidate: str | None
    beaten_by: tuple[str, ...]
    no_attempts: tuple[str, ...] = ()


def compare_with_floor(
    measured: Sequence[Measured], outcomes: Outcomes, quantity: Quantity, settings: Compare
) -> AgainstFloor:
    """
    Args:
        quantity: the scores of the candidates, with the floor as one candidate more, the last.
    """
    shown = shown_to_beat_floor(quantity, settings.confidence, outcomes.bounds)
    return AgainstFloor(
        score=float(quantity.means[-1]) * outcomes.unit * outcomes.score.sign,
        label=outcomes.majority_label,
        candidate=_candidate_of_floor(measured, outcomes),
        beaten_by=tuple(one.name for one, beats in zip(measured, shown, strict=True) if beats and not one.is_floor),
        no_attempts=tuple(one.name for one in measured if one.is_floor),
    )


def shown_to_beat_floor(quantity: Quantity, confidence: float, bounds: tuple[float, float]) -> NDArray[np.bool_]:
    """(C,): Holm over all candidates.

    Args:
        quantity: the scores of the candidates, with the floor as one candidate more, the last.
        bounds: between which every mean of contributions lies.
    """
    count = len(quantity.means) - 1
    contrasts = np.column_stack([np.eye(count), -np.ones(count)])
    leads = statistics.estimate(quantity, contrasts, confidence, reach_of(bounds))
    return np.asarray((statistics.holm(leads.p_value) < 1 - confidence) & (leads.value > 0))


def _candidate_of_floor(measured: Sequence[Measured], outcomes: Outcomes) -> str | None:
    """By its row; or by its answers, since a rule that validation chose may say the class that costs least."""
    usual = MAJORITY if outcomes.score.of_classes else MEAN
    floor = LAST_VALUE if naive_place(measured) is not None else outcomes.score.floor or usual
    alike = [np.array_equal(own, outcomes.floor_contributions) for own in outcomes.contributions]
    return next(
        (
            one.name
            for one, same in zip(measured, alike, strict=True)
            if one.candidate.whole == floor.candidate or (one.is_floor and same)
        ),
        None,
    )
