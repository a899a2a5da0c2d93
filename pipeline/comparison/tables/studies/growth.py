"""The data-size study: how each studied candidate's score grows with its training examples, and where it leads.

Every size of every candidate is one measured quantity on the same test examples, so intervals and differences come from
the same paired method as those of the candidates (see statistics). What the power laws predict comes from the same
draws, so predictions are paired too, and their intervals hold what is not known of the laws. What no interval holds is
that the errors may follow no such law beyond what was measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from pipeline.comparison.statistics import intervals as statistics
from pipeline.comparison.statistics.against_best import against_best
from pipeline.comparison.statistics.outcomes import Outcomes
from pipeline.comparison.statistics.power_law import NoPowerLaw, PowerLaw, fit_power_law, since_half
from pipeline.comparison.statistics.quantities import Floats, Quantity, score_quantity, units_of_test
from pipeline.comparison.statistics.variation.seeds import no_spread
from pipeline.comparison.tables.alignment import align
from pipeline.comparison.tables.design import groups_of
from pipeline.comparison.tables.frames import tidy
from pipeline.comparison.tables.measurements import Measured
from pipeline.comparison.tables.ranking import reach_of
from pipeline.comparison.tables.units import in_units
from pipeline.params.compare import Compare
from pipeline.scores.classes import ACCURACY
from pipeline.scores.score import Score

RANKED_COLUMNS = [
    "candidate",
    "family",
    "fraction",
    "training_examples",
    "kind",
    "rank",
    "test_accuracy",
    "low",
    "high",
    "relation_to_best",
]
COLUMNS = [*RANKED_COLUMNS, "score"]  # the value once more, by a name that is the same whatever the score
REACH = (2.0, 4.0)  # times the training examples: as far as the law is followed


@dataclass(frozen=True)
class Gain:
    """A quantity with its interval: by how much a doubling of the labels makes the score better, or a number of
    examples."""

    value: float
    low: float
    high: float

    def times(self, unit: float) -> Gain:
        return Gain(unit * self.value, unit * self.low, unit * self.high)


@dataclass(frozen=True)
class Growth:
    """
    Attributes:
        table: COLUMNS, with the score's own column in place of test_accuracy; `kind` is measured or extrapolated,
            `rank` and `relation_to_best` are among the studied candidates of the same size (corrected within the size).
        laws: of the candidates that follow one; refusals: why the others do not.
        doubling: what twice the labels would bring, of each law.
        last_doubling: what the last doubling brought, as it was measured, of each studied candidate.
        worth: the training examples from which on a doubling brings less than the margin, of each law; `value` is the
            median.
        score: what they are ranked by; values and gains are in its units.
    """

    table: pd.DataFrame
    laws: dict[str, PowerLaw]
    refusals: dict[str, str]
    doubling: dict[str, Gain]
    last_doubling: dict[str, Gain] = field(default_factory=dict)
    worth: dict[str, Gain] = field(default_factory=dict)
    score: Score = ACCURACY

    @property
    def leader(self) -> str | None:
        """The most accurate of the studied candidates on all training examples; None where nothing was studied."""
        return str(self.at(1.0)["candidate"].iloc[0]) if len(self.table) else None

    def at(self, fraction: float) -> pd.DataFrame:
        """The rows of one size, best first."""
        return self.table[self.table["fraction"] == fraction]

    def row(self, candidate: str, fraction: float) -> dict[str, Any]:
        """One row."""
        rows = self.at(fraction)
        return {str(key): value for key, value in rows[rows["candidate"] == candidate].iloc[0].items()}


def no_growth() -> Growth:
    """Where there is no such study."""
    return Growth(pd.DataFrame(columns=COLUMNS), {}, {}, {})


def study_growth(
    whole: Sequence[Measured],
    points: Sequence[Measured],
    settings: Compare,
    score: Score = ACCURACY,
    order: Mapping[str, int] | None = None,
    floor: Measured | None = None,
) -> Growth:
    """
    Args:
        whole: the studied candidates on all their training examples.
        points: the same on shares of them.
        score: what they are ranked by.
        order: of a series, as `align` takes it.
        floor: the candidate that is the floor, where one is: margins are shares of its score, studied or not.
    """
    if not points:
        return no_growth()
    measured = sorted([*points, *whole], key=lambda one: one.candidate.training_share)
    beside = [floor] if floor is not None and floor.name not in {one.name for one in whole} else []
    outcomes = _first(len(measured), align([*measured, *beside], groups_of(measured), order, score))
    quantity = score_quantity(outcomes.contributions, settings.resamples, units_of_test(outcomes))
    off = statistics.joint_draws(quantity, quantity.kernel)  # (B, P)
    curves = [_curve(one, measured, outcomes, quantity, off, settings.confidence) for one in whole]
    shares = sorted({one.candidate.training_share for one in measured})
    found = [_at_share(share, curves, quantity, settings, outcomes) for share in shares]
    followed = [curve for curve in curves if curve.law is not None]
    found += [_at_multiple(times, followed, settings, outcomes) for times in REACH if followed]
    unit, reach = outcomes.unit, reach_of(outcomes.bounds)
    return Growth(
        table=tidy(_with_score(in_units(pd.concat(found, ignore_index=True)[RANKED_COLUMNS], outcomes), score)),
        laws={curve.name: curve.law.times(unit) for curve in curves if curve.law is not None},
        refusals={curve.name: curve.refusal for curve in curves if curve.law is None},
        doubling={curve.name: _doubling(curve, settings.confidence).times(unit) for curve in followed},
        last_doubling={curve.name: _last_doubling(curve, quantity, settings, reach).times(unit) for curve in curves},
        worth={curve.name: _worth(curve, settings) for curve in followed},
        score=score,
    )


def _first(count: int, outcomes: Outcomes) -> Outcomes:
    """Without the candidates behind the first ones, in units of the same floor."""
    kept = {name: getattr(outcomes, name)[:count] for name in ("candidates", "contributions", "train", "validation")}
    return replace(outcomes, **kept, usual=None if outcomes.usual is None else outcomes.usual[:count])


def _with_score(table: pd.DataFrame, score: Score) -> pd.DataFrame:
    """With a column that dvc.yaml can name once for all."""
    return table.assign(score=table[score.column])


@dataclass(frozen=True)
class _Curve:
    """One candidate: where its M sizes stand among all P measured points, smallest first, and the law of its errors."""

    name: str
    family: str
    shares: list[float]
    places: list[int]
    sizes: Floats  # (M,)
    law: PowerLaw | None
    refusal: str


def _curve(
    one: Measured,
    measured: Sequence[Measured],
    outcomes: Outcomes,
    quantity: Quantity,
    off: Floats,
    confidence: float,
) -> _Curve:
    """The error is what lacks to the best possible score."""
    sizes = outcomes.training_examples  # (P,) a seed was trained on
    places = [place for place, point in enumerate(measured) if point.candidate.whole == one.name]
    errors, law, refusal = outcomes.bounds[1] - quantity.means[places], None, ""
    try:
        law = fit_power_law(sizes[places], errors, errors - off[:, places], confidence)
    except NoPowerLaw as reason:
        refusal = str(reason)
    shares = [measured[place].candidate.training_share for place in places]
    return _Curve(one.name, one.candidate.family, shares, places, sizes[places], law, refusal)


def _at_share(
    share: float, curves: Sequence[_Curve], quantity: Quantity, settings: Compare, outcomes: Outcomes
) -> pd.DataFrame:
    """What was measured with one share of the training examples."""
    at = [curve.shares.index(share) for curve in curves]
    contrasts = np.eye(len(quantity.means))[[curve.places[m] for curve, m in zip(curves, at, strict=True)]]
    table = _ranked(curves, contrasts, quantity, settings, outcomes.bounds)
    examples = {curve.name: curve.sizes[m] for curve, m in zip(curves, at, strict=True)}
    return table.assign(fraction=share, kind="measured", training_examples=table["candidate"].map(examples))


def _at_multiple(times: float, curves: Sequence[_Curve], settings: Compare, outcomes: Outcomes) -> pd.DataFrame:
    """What the laws say of more training examples than there are."""
    laws = {curve.name: curve.law for curve in curves if curve.law is not None}
    draws = np.column_stack([outcomes.bounds[1] - law.errors(times * law.now) for law in laws.values()])
    predicted = Quantity(draws.mean(axis=0), draws, 0.0, no_spread(len(laws)))
    table = _ranked(curves, np.eye(len(laws)), predicted, settings, outcomes.bounds)
    examples = {name: times * law.now for name, law in laws.items()}
    return table.assign(fraction=times, kind="extrapolated", training_examples=table["candidate"].map(examples))


def _ranked(
    curves: Sequence[_Curve], contrasts: Floats, quantity: Quantity, settings: Compare, bounds: tuple[float, float]
) -> pd.DataFrame:
    """The candidates of one size, best first, each against the best."""
    own = statistics.estimate(quantity, contrasts, settings.confidence, bounds)
    order = np.argsort(-own.value, kind="stable")
    pairs = statistics.pair_contrasts(contrasts[order])[0]
    pairwise = statistics.estimate(quantity, pairs, settings.confidence, reach_of(bounds))
    best = against_best(quantity, contrasts[order], pairwise, settings.confidence)
    with_best = pairwise.first(len(order) - 1)
    words = statistics.relations(with_best, best.p_adjusted, settings.confidence, settings.margin, best.reach)
    table = pd.DataFrame(
        {
            "candidate": [curve.name for curve in curves],
            "family": [curve.family for curve in curves],
            "test_accuracy": own.value,
            "low": own.low,
            "high": own.high,
        }
    ).iloc[order]
    table["rank"] = np.arange(1, len(table) + 1)
    table["relation_to_best"] = ["best", *({"better": "worse"}.get(word, word) for word in words)]
    return table


def _doubling(curve: _Curve, confidence: float) -> Gain:
    assert curve.law is not None
    gains = curve.law.gains_of_doubling(curve.law.now)
    return _gain(float(gains.mean()), gains, confidence)


def _worth(curve: _Curve, settings: Compare) -> Gain:
    assert curve.law is not None
    sizes = curve.law.sizes_where_doubling_gains(settings.margin)
    return _gain(float(np.median(sizes)), sizes, settings.confidence)


def _gain(value: float, draws: Floats, confidence: float) -> Gain:
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Gain(value, float(low), float(high))


def _last_doubling(curve: _Curve, quantity: Quantity, settings: Compare, bounds: tuple[float, float]) -> Gain:
    row = np.zeros((1, len(quantity.means)))
    row[0, curve.places] = since_half(curve.sizes)
    found = statistics.estimate(quantity, row, settings.confidence, bounds)
    return Gain(float(found.value[0]), float(found.low[0]), float(found.high[0]))
