"""What lectures say of machine learning and deep learning, each claim set against what was measured here.

A claim is about two groups of candidates: classical models, networks trained from scratch, fine-tuned networks. A group
is the mean of its candidates (the floor and classical models on a network's features left out); a claim is supported
when the whole interval of the difference lies on its side of 0, contradicted when it lies on the other, and otherwise
it cannot be told. Every verdict is at the confidence of `compare.confidence`, on its own. A claim whose measure is
missing is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from pipeline.comparison.statistics import intervals as statistics
from pipeline.comparison.statistics.intervals import Floats, Quantity
from pipeline.comparison.statistics.outcomes import Outcomes
from pipeline.comparison.tables.alignment import align
from pipeline.comparison.tables.measurements import Measured
from pipeline.comparison.tables.properties import Property
from pipeline.params.compare import Compare

Verdict = Literal["supported", "contradicted", "cannot tell"]
Group = Literal["classical", "scratch", "finetune"]
Unit = Literal["share", "points", "seconds"]

GROUPS: tuple[Group, ...] = ("classical", "scratch", "finetune")
CLAIM_COLUMNS = ["claim", "group", "value", "low", "high", "against", "difference", "difference_low", "difference_high"]
CLAIM_COLUMNS += ["verdict"]
ASSUMED_COST_SPREAD = 0.1  # of log10 seconds, a quarter of the time, where one seed leaves it unknown


@dataclass(frozen=True)
class Interval:
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
    """One row of the table.

    Attributes:
        key: such as `overfitting`; title: the property.
        says: the claim as a sentence.
        groups: what was measured of each group that has candidates.
        contrasts: for each group that the claim is about.
    """

    key: str
    title: str
    says: str
    unit: Unit
    groups: dict[Group, Interval]
    contrasts: dict[Group, Contrast]


@dataclass(frozen=True)
class Measurement:
    """A quantity of C candidates with their groups; None for those that belong to none."""

    quantity: Quantity
    groups: Sequence[Group | None]


@dataclass(frozen=True)
class _Saying:
    """A claim before it is judged: `sign` is 1 where it says that a group has more than `against`, else -1."""

    key: str
    title: str
    says: str
    unit: Unit
    sign: int
    against: Group = "classical"
    about: tuple[Group, ...] = ("scratch", "finetune")


SAYINGS = (
    _Saying("cost", "cost of training", "Machine learning costs less to compute, deep learning more.", "seconds", 1),
    _Saying("images", "accuracy on images", "Deep learning suits images.", "share", 1),
    _Saying("overfitting", "training minus test accuracy", "Deep networks overfit.", "points", 1),
    _Saying(
        "growth", "gain from more data", "Deep learning scales with data, machine learning gains little.", "points", 1
    ),
    _Saying("position", "same answer when shifted", "A CNN does not mind where the object is.", "share", 1),
    _Saying("noise", "accuracy lost on corrupted photos", "A CNN stands noise.", "share", -1),
    _Saying("explanation", "what occlusion explains", "Machine learning explains itself, a CNN little.", "share", -1),
    _Saying("transfer", "accuracy", "What a CNN has learnt transfers.", "share", 1, "scratch", ("finetune",)),
)


@dataclass(frozen=True)
class _OnFeatures:
    """A claim about classical models of the same estimator on two kinds of `features` (classical.yaml)."""

    key: str
    says: str
    group: Group
    features: str
    plainer: str
    against: str


ON_FEATURES = (
    _OnFeatures(
        "engineering",
        "Machine learning depends on feature engineering.",
        "classical",
        "hog_colour",
        "pixels",
        "raw pixels",
    ),
    _OnFeatures(
        "own_features", "A CNN finds its features itself.", "finetune", "pooled", "hog_colour", "engineered features"
    ),
)


def judge_claims(
    measured: Sequence[Measured],
    outcomes: Outcomes,
    properties: Sequence[Property],
    smallest: Sequence[Measured],
    settings: Compare,
) -> list[Claim]:
    """All claims that something was measured for.

    Args:
        smallest: the points of the data-size study with the smallest share of the training examples; may be empty.
    """
    found = _accuracies(measured, outcomes, settings) | {"cost": cost_measurement(measured, settings)}
    found |= _of_properties(measured, properties)
    if smallest:
        found["growth"] = _growth(measured, smallest, settings)
    judged = [judge(saying, found[saying.key], settings.confidence) for saying in SAYINGS if saying.key in found]
    judged += [_about_features(one, measured, found["images"].quantity, settings.confidence) for one in ON_FEATURES]
    return [claim for claim in judged if claim is not None]


def judge(saying: _Saying, measurement: Measurement, confidence: float) -> Claim | None:
    """None where the claim's groups have no candidates."""
    rows = {group: row for group in GROUPS if (row := _mean_of(measurement.groups, group)) is not None}
    about = [group for group in saying.about if group in rows]
    if saying.against not in rows or not about:
        return None
    own = _intervals(measurement.quantity, list(rows.values()), confidence, saying.unit)
    differences = [rows[group] - rows[saying.against] for group in about]
    against = _intervals(measurement.quantity, differences, confidence, saying.unit)
    neutral = 1.0 if saying.unit == "seconds" else 0.0
    contrasts = {
        group: Contrast(saying.against, found, verdict(found, saying.sign, neutral))
        for group, found in zip(about, against, strict=True)
    }
    groups = dict(zip(rows, own, strict=True))
    return Claim(saying.key, saying.title, saying.says, saying.unit, groups, contrasts)


def _about_features(
    saying: _OnFeatures, measured: Sequence[Measured], accuracy: Quantity, confidence: float
) -> Claim | None:
    """The mean over the estimators that compete on both kinds of features; None where there is none."""
    kinds = [_features_and_estimator(one) for one in measured]
    both = {kind[1] for kind in kinds if kind[0] == saying.features}
    both &= {kind[1] for kind in kinds if kind[0] == saying.plainer}
    if not both:
        return None
    rows = []
    for features in (saying.features, saying.plainer):
        members = [[kind == (features, estimator) for kind in kinds] for estimator in sorted(both)]
        rows.append(np.mean([np.array(row) / np.sum(row) for row in members], axis=0))
    own, difference = _intervals(accuracy, [rows[0], rows[0] - rows[1]], confidence, "share")
    contrast = Contrast(saying.against, difference, verdict(difference, 1))
    title = "accuracy of classical models by their features"
    return Claim(saying.key, title, saying.says, "share", {saying.group: own}, {saying.group: contrast})


def _features_and_estimator(one: Measured) -> tuple[str, str]:
    row = one.trial.parameters.get("model", {}) if one.candidate.family == "classical" else {}
    return row.get("features", ""), row.get("estimator", "")


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
    rows = []
    for claim in claims:
        for group, own in claim.groups.items():
            row = {"claim": claim.key, "group": group, "value": own.value, "low": own.low, "high": own.high}
            if group in claim.contrasts:
                one = claim.contrasts[group]
                names = ("difference", "difference_low", "difference_high")
                values = (one.difference.value, one.difference.low, one.difference.high)
                row |= {"against": one.against, "verdict": one.verdict, **dict(zip(names, values, strict=True))}
            rows.append(row)
    return pd.DataFrame(rows, columns=CLAIM_COLUMNS)


def group_of(one: Measured) -> Group | None:
    """The floor makes no attempt; a classical model on a network's features stands between the groups."""
    if one.is_floor:
        return None
    if one.candidate.family == "classical":
        return None if one.candidate.backbone else "classical"
    return "finetune" if one.candidate.family == "finetune" else "scratch"


def cost_measurement(measured: Sequence[Measured], settings: Compare) -> Measurement:
    """Seconds that training one seed takes, as log10: means are geometric, differences are ratios."""
    by_seed = np.log10([_seconds(one) for one in measured])  # (C, S)
    variance, degrees = statistics.seed_variances(by_seed, np.zeros(len(by_seed)))
    if by_seed.shape[1] == 1:
        variance = np.full(len(by_seed), ASSUMED_COST_SPREAD**2)
    draws = np.tile(by_seed.mean(axis=1), (settings.resamples, 1))
    return Measurement(
        Quantity(by_seed.mean(axis=1), draws, 0.0, variance, degrees), [group_of(one) for one in measured]
    )


def _seconds(one: Measured) -> list[float]:
    return [max(float(one.cost["seeds"][str(seed)]["cost_seconds"]), 1e-3) for seed in one.seeds]


def _accuracies(measured: Sequence[Measured], outcomes: Outcomes, settings: Compare) -> dict[str, Measurement]:
    groups = [group_of(one) for one in measured]
    accuracy = statistics.accuracy_quantity(outcomes.contributions, settings.resamples)
    gap = statistics.gap_quantity(outcomes, accuracy)
    of_accuracy = Measurement(accuracy, groups)
    return {"images": of_accuracy, "transfer": of_accuracy, "overfitting": Measurement(gap, groups)}


def _of_properties(measured: Sequence[Measured], properties: Sequence[Property]) -> dict[str, Measurement]:
    groups = {one.name: group_of(one) for one in measured}
    keys = {"shift_consistency": "position", "corrupted_degradation": "noise", "explanation_gain": "explanation"}
    return {
        keys[one.key]: Measurement(one.quantity, [groups[name] for name in one.candidates])
        for one in properties
        if one.key in keys
    }


def _growth(measured: Sequence[Measured], smallest: Sequence[Measured], settings: Compare) -> Measurement:
    """What all training examples add to the accuracy that the smallest studied share reaches."""
    whole = {one.name: one for one in measured}
    pairs = [(whole[point.candidate.whole], point) for point in smallest]
    both = align([one for pair in pairs for one in pair])
    quantity = statistics.accuracy_quantity(both.contributions, settings.resamples)
    gained = Quantity(
        quantity.means[::2] - quantity.means[1::2],
        quantity.draws[:, ::2] - quantity.draws[:, 1::2],
        quantity.kernel,
        quantity.seed_variance[::2] + quantity.seed_variance[1::2],
        quantity.degrees,
    )
    return Measurement(gained, [group_of(one) for one, _ in pairs])


def _mean_of(groups: Sequence[Group | None], group: Group) -> Floats | None:
    members = np.array([one == group for one in groups])
    return members / members.sum() if members.any() else None


def _intervals(quantity: Quantity, rows: Sequence[Floats], confidence: float, unit: Unit) -> list[Interval]:
    found = statistics.estimate(quantity, np.stack(rows), confidence, (-np.inf, np.inf))
    turned: Callable[[float], float] = (lambda value: float(10**value)) if unit == "seconds" else float
    return [
        Interval(turned(value), turned(low), turned(high))
        for value, low, high in zip(found.value, found.low, found.high, strict=True)
    ]
