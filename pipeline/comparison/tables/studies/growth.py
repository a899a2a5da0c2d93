"""The data-size study: how each studied candidate's accuracy grows with its training examples, and where it leads.

Every size of every candidate is one measured quantity on the same test examples, so intervals and differences come from
the same paired method as those of the candidates (see statistics). A prediction of a power law is, to first order, a
contrast of the measured accuracies, and so are differences of predictions: they get their intervals from it too. What
no interval holds is that the law itself may end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from pipeline.comparison.statistics import intervals as statistics
from pipeline.comparison.statistics.against_best import against_best
from pipeline.comparison.statistics.intervals import Estimates
from pipeline.comparison.statistics.power_law import NoPowerLaw, PowerLaw, fit_power_law
from pipeline.comparison.statistics.quantities import Floats, Quantity, score_quantity, units_of_test
from pipeline.comparison.tables.alignment import align
from pipeline.comparison.tables.frames import tidy
from pipeline.comparison.tables.measurements import Measured
from pipeline.params.compare import Compare

COLUMNS = [
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
REACH = (2.0, 4.0)  # times the training examples: as far as the law is followed


@dataclass(frozen=True)
class Gain:
    """What twice the labels would add to the accuracy."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Growth:
    """
    Attributes:
        table: COLUMNS; `kind` is measured or extrapolated, `rank` and `relation_to_best` are among the studied
            candidates of the same size (corrected within the size).
        laws: of the candidates that follow one; refusals: why the others do not.
        doubling: of each law.
    """

    table: pd.DataFrame
    laws: dict[str, PowerLaw]
    refusals: dict[str, str]
    doubling: dict[str, Gain]

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


def study_growth(whole: Sequence[Measured], points: Sequence[Measured], settings: Compare) -> Growth:
    """
    Args:
        whole: the studied candidates on all their training examples.
        points: the same on shares of them.
    """
    if not points:
        return no_growth()
    measured = sorted([*points, *whole], key=lambda one: one.candidate.training_share)
    outcomes = align(measured)
    quantity = score_quantity(outcomes.contributions, settings.resamples, units_of_test(outcomes))
    sizes = outcomes.training_examples  # (P,) a seed was trained on
    curves = [_curve(one, measured, quantity, sizes, settings.confidence) for one in whole]
    shares = sorted({one.candidate.training_share for one in measured})
    found = [_at_share(share, curves, quantity, settings) for share in shares]
    followed = [curve for curve in curves if curve.law is not None]
    found += [_at_multiple(times, followed, quantity, settings) for times in REACH if followed]
    return Growth(
        table=tidy(pd.concat(found, ignore_index=True)[COLUMNS]),
        laws={curve.name: curve.law for curve in curves if curve.law is not None},
        refusals={curve.name: curve.refusal for curve in curves if curve.law is None},
        doubling={curve.name: _doubling(curve, quantity, settings) for curve in followed},
    )


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

    def contrast(self, weights: Floats, points: int) -> Floats:
        """(P,) from weights (M,) of the curve's own sizes."""
        row = np.zeros(points)
        row[self.places] = weights
        return row


def _curve(one: Measured, measured: Sequence[Measured], quantity: Quantity, sizes: Floats, confidence: float) -> _Curve:
    places = [place for place, point in enumerate(measured) if point.candidate.whole == one.name]
    covariance = np.cov(quantity.draws[:, places].T) + np.diag(quantity.seeds.variance[places] + quantity.kernel**2)
    law, refusal = None, ""
    try:
        law = fit_power_law(sizes[places], 1 - quantity.means[places], covariance, confidence)
    except NoPowerLaw as reason:
        refusal = str(reason)
    shares = [measured[place].candidate.training_share for place in places]
    return _Curve(one.name, one.candidate.family, shares, places, sizes[places], law, refusal)


def _at_share(share: float, curves: Sequence[_Curve], quantity: Quantity, settings: Compare) -> pd.DataFrame:
    """What was measured with one share of the training examples."""
    points = len(quantity.means)
    at = [curve.shares.index(share) for curve in curves]
    contrasts = np.array([np.eye(points)[curve.places[m]] for curve, m in zip(curves, at, strict=True)])
    table = _ranked(curves, contrasts @ quantity.means, contrasts, quantity, settings)
    examples = {curve.name: curve.sizes[m] for curve, m in zip(curves, at, strict=True)}
    return table.assign(fraction=share, kind="measured", training_examples=table["candidate"].map(examples))


def _at_multiple(times: float, curves: Sequence[_Curve], quantity: Quantity, settings: Compare) -> pd.DataFrame:
    """What the laws say of more training examples than there are."""
    points = len(quantity.means)
    laws = {curve.name: curve.law for curve in curves if curve.law is not None}
    values = np.array([1 - law.error(times * law.now) for law in laws.values()])
    rows = [curve.contrast(laws[curve.name].sensitivity(times * laws[curve.name].now), points) for curve in curves]
    table = _ranked(curves, values, np.array(rows), quantity, settings)
    examples = {name: times * law.now for name, law in laws.items()}
    return table.assign(fraction=times, kind="extrapolated", training_examples=table["candidate"].map(examples))


def _ranked(
    curves: Sequence[_Curve], values: Floats, contrasts: Floats, quantity: Quantity, settings: Compare
) -> pd.DataFrame:
    """The candidates of one size, best first, each against the best."""
    own = _around(values, contrasts, quantity, settings.confidence, (0.0, 1.0))
    order = np.argsort(-values, kind="stable")
    differences, pairs = statistics.pair_contrasts(contrasts[order])
    apart = values[order][[a for a, _ in pairs]] - values[order][[b for _, b in pairs]]
    pairwise = _around(apart, differences, quantity, settings.confidence)
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


def _around(
    values: Floats,
    contrasts: Floats,
    quantity: Quantity,
    confidence: float,
    bounds: tuple[float, float] = (-1.0, 1.0),
) -> Estimates:
    """Intervals around `values` (K,) which move as `contrasts` (K, P) of the measured accuracies do."""
    found = statistics.estimate(quantity, contrasts, confidence, (-np.inf, np.inf))
    off = values - found.value
    seed_variances = quantity.seeds.of(contrasts)
    p_value = statistics.tail_probability(values, found.example_variance, seed_variances, quantity.degrees)
    low, high = np.clip(found.low + off, *bounds), np.clip(found.high + off, *bounds)
    return replace(found, value=values, low=low, high=high, p_value=p_value)


def _doubling(curve: _Curve, quantity: Quantity, settings: Compare) -> Gain:
    law = curve.law
    assert law is not None
    moves = law.sensitivity(2 * law.now) - law.sensitivity(law.now)
    row, gain = curve.contrast(moves, len(quantity.means)), law.gain_of_doubling(law.now)
    found = _around(np.array([gain]), row[None], quantity, settings.confidence)
    return Gain(gain, float(found.low[0]), float(found.high[0]))
