"""The claims of lectures set against what was measured here.

A claim is about two groups of candidates: classical models, networks trained from scratch, fine-tuned networks. A group
is the mean of its candidates (the floor and classical models on a network's features left out). A claim is supported
when the whole interval of the difference lies on its side of 0, contradicted when it lies on the other, and otherwise
it cannot be told. Every claim is judged on its own, at the confidence of `compare.confidence`. A claim whose measure is
missing is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from pipeline.comparison.statistics import intervals as statistics
from pipeline.comparison.statistics.quantities import Floats, Quantity
from pipeline.comparison.tables.measurements import Measured
from pipeline.comparison.tables.studies.claim_measurements import Measurement
from pipeline.comparison.tables.studies.claim_texts import (
    FEATURE_SAYINGS,
    GROUPS,
    SAYINGS,
    FeatureSaying,
    Group,
    Saying,
    Unit,
)

Verdict = Literal["supported", "contradicted", "cannot tell"]

CLAIM_COLUMNS = ["claim", "group", "value", "low", "high", "against", "difference", "difference_low", "difference_high"]
CLAIM_COLUMNS += ["verdict"]


@dataclass(frozen=True)
class Interval:
    """A value with its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Contrast:
    """One group against another: a difference, or for seconds how many times as much.

    Attributes:
        against: a group, or which features of the same kind of model.
    """

    against: str
    difference: Interval
    verdict: Verdict


@dataclass(frozen=True)
class Claim:
    """One judged claim.

    Attributes:
        key: such as `overfitting`; title: what is measured; says: the claim as a sentence.
        groups: what was measured of each group that has candidates.
        contrasts: for each group that the claim is about.
    """

    key: str
    title: str
    says: str
    unit: Unit
    groups: dict[Group, Interval]
    contrasts: dict[Group, Contrast]


def judge_claims(
    measured: Sequence[Measured], measurements: Mapping[str, Measurement], confidence: float
) -> list[Claim]:
    """All claims that something was measured for."""
    claims = [judge(saying, measurements[saying.key], confidence) for saying in SAYINGS if saying.key in measurements]
    accuracy = measurements["images"].quantity
    claims += [judge_features(saying, measured, accuracy, confidence) for saying in FEATURE_SAYINGS]
    return [claim for claim in claims if claim is not None]


def judge(saying: Saying, measurement: Measurement, confidence: float) -> Claim | None:
    """None where the claim's groups have no candidates."""
    rows = {group: row for group in GROUPS if (row := _mean_of(measurement.groups, group)) is not None}
    about = [group for group in saying.about if group in rows]
    if saying.against not in rows or not about:
        return None
    most = 1.0 if saying.unit == "share" else np.inf
    own = _intervals(measurement.quantity, list(rows.values()), confidence, saying.unit, most)
    contrasts = [rows[group] - rows[saying.against] for group in about]
    differences = _intervals(measurement.quantity, contrasts, confidence, saying.unit)
    neutral = 1.0 if saying.unit == "seconds" else 0.0
    judged = {
        group: Contrast(saying.against, difference, verdict(difference, saying.sign, neutral))
        for group, difference in zip(about, differences, strict=True)
    }
    return Claim(saying.key, saying.title, saying.says, saying.unit, dict(zip(rows, own, strict=True)), judged)


def judge_features(
    saying: FeatureSaying, measured: Sequence[Measured], accuracy: Quantity, confidence: float
) -> Claim | None:
    """The mean over the estimators that compete on both kinds of features; None where there is none."""
    kinds = [_features_and_estimator(one) for one in measured]
    both = {estimator for features, estimator in kinds if features == saying.features}
    both &= {estimator for features, estimator in kinds if features == saying.plainer}
    if not both:
        return None
    rows = []
    for features in (saying.features, saying.plainer):
        members = [[kind == (features, estimator) for kind in kinds] for estimator in sorted(both)]
        rows.append(np.mean([np.array(row) / np.sum(row) for row in members], axis=0))
    (own,) = _intervals(accuracy, rows[:1], confidence, "share", 1.0)
    (difference,) = _intervals(accuracy, [rows[0] - rows[1]], confidence, "share")
    contrast = Contrast(saying.against, difference, verdict(difference, 1))
    return Claim(saying.key, saying.title, saying.says, "share", {saying.group: own}, {saying.group: contrast})


def verdict(difference: Interval, sign: int, neutral: float = 0.0) -> Verdict:
    """By the interval alone.

    >>> [verdict(Interval(0.1, 0.02, 0.2), sign) for sign in (1, -1)], verdict(Interval(0.1, -0.1, 0.3), 1)
    (['supported', 'contradicted'], 'cannot tell')
    """
    if difference.low <= neutral <= difference.high:
        return "cannot tell"
    return "supported" if (difference.low > neutral) == (sign > 0) else "contradicted"


def claims_table(claims: Sequence[Claim]) -> pd.DataFrame:
    """CLAIM_COLUMNS, one row for each group of each claim."""
    rows = [_row(claim, group, own) for claim in claims for group, own in claim.groups.items()]
    return pd.DataFrame(rows, columns=CLAIM_COLUMNS)


def _row(claim: Claim, group: Group, own: Interval) -> dict[str, object]:
    row: dict[str, object] = {"claim": claim.key, "group": group, "value": own.value, "low": own.low, "high": own.high}
    if group not in claim.contrasts:
        return row
    contrast = claim.contrasts[group]
    difference = contrast.difference
    interval = {"difference_low": difference.low, "difference_high": difference.high}
    return row | {"against": contrast.against, "verdict": contrast.verdict, "difference": difference.value, **interval}


def _features_and_estimator(one: Measured) -> tuple[str, str]:
    """Of a classical candidate, as its row of classical.yaml names them; empty for a network."""
    row = one.trial.parameters.get("model", {}) if one.candidate.family == "classical" else {}
    return row.get("features", ""), row.get("estimator", "")


def _mean_of(groups: Sequence[Group | None], group: Group) -> Floats | None:
    """(C,) the contrast that is the mean of the group's candidates; None where it has none."""
    members = np.array([one == group for one in groups])
    return members / members.sum() if members.any() else None


def _intervals(
    quantity: Quantity, rows: Sequence[Floats], confidence: float, unit: Unit, most: float = np.inf
) -> list[Interval]:
    """Of each contrast; seconds are measured as log10.

    Args:
        most: what no value can exceed.
    """
    estimates = statistics.estimate(quantity, np.stack(rows), confidence, (-np.inf, most))
    as_unit: Callable[[float], float] = (lambda value: float(10**value)) if unit == "seconds" else float
    return [
        Interval(as_unit(value), as_unit(low), as_unit(high))
        for value, low, high in zip(estimates.value, estimates.low, estimates.high, strict=True)
    ]
