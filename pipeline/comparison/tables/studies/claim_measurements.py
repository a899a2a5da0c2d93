"""The quantity that each claim is judged by, for every candidate, with the group that the candidate belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.comparison.statistics.outcomes import Outcomes
from pipeline.comparison.statistics.quantities import Quantity, overfit_quantity, score_quantity, units_of_test
from pipeline.comparison.statistics.variation.seeds import assumed_spread, known_spread, seed_spread
from pipeline.comparison.tables.alignment import align
from pipeline.comparison.tables.design import groups_of
from pipeline.comparison.tables.measurements import Measured
from pipeline.comparison.tables.studies.claim_texts import Group
from pipeline.comparison.tables.studies.properties import Property
from pipeline.params.compare import Compare

ASSUMED_COST_SPREAD = 0.1  # of log10 seconds, a quarter of the time, where one seed leaves it unknown
PROPERTY_KEYS = {"shift_consistency": "position", "corrupted_degradation": "noise", "explanation_gain": "explanation"}


@dataclass(frozen=True)
class Measurement:
    """A quantity of C candidates with their groups; None for those that belong to none."""

    quantity: Quantity
    groups: Sequence[Group | None]


def measure_claims(
    measured: Sequence[Measured],
    outcomes: Outcomes,
    properties: Sequence[Property],
    smallest: Sequence[Measured],
    settings: Compare,
) -> dict[str, Measurement]:
    """Everything that was measured, by the key of the claim that it is for.

    Args:
        smallest: the points of the data-size study with the smallest share of the training examples; may be empty.
    """
    by_key = _scores(measured, outcomes, settings) | {"cost": measure_cost(measured, settings)}
    by_key |= _properties(measured, properties)
    return by_key | ({"growth": _growth(measured, smallest, settings)} if smallest else {})


def group_of(one: Measured) -> Group | None:
    """The floor makes no attempt; a classical model on a network's features stands between the groups."""
    if one.is_floor:
        return None
    if one.candidate.family == "classical":
        return None if one.candidate.backbone else "classical"
    return "finetune" if one.candidate.family == "finetune" else "scratch"


def measure_cost(measured: Sequence[Measured], settings: Compare) -> Measurement:
    """Seconds that training one seed takes, as log10: means are geometric, differences are ratios."""
    by_seed = np.log10([_seconds(one) for one in measured])  # (C, S)
    spread = seed_spread(by_seed, np.zeros(len(by_seed)))
    if by_seed.shape[1] == 1:
        spread = assumed_spread(len(by_seed), ASSUMED_COST_SPREAD)
    draws = np.tile(by_seed.mean(axis=1), (settings.resamples, 1))
    quantity = Quantity(by_seed.mean(axis=1), draws, 0.0, spread)
    return Measurement(quantity, [group_of(one) for one in measured])


def _seconds(one: Measured) -> list[float]:
    return [max(float(one.cost["seeds"][str(seed)]["cost_seconds"]), 1e-3) for seed in one.seeds]


def _scores(measured: Sequence[Measured], outcomes: Outcomes, settings: Compare) -> dict[str, Measurement]:
    groups = [group_of(one) for one in measured]
    score = score_quantity(outcomes.contributions, settings.resamples, units_of_test(outcomes))
    overfit = overfit_quantity(outcomes, settings.resamples)
    of_score = Measurement(score, groups)
    return {"images": of_score, "transfer": of_score, "overfitting": Measurement(overfit, groups)}


def _properties(measured: Sequence[Measured], properties: Sequence[Property]) -> dict[str, Measurement]:
    groups = {one.name: group_of(one) for one in measured}
    return {
        PROPERTY_KEYS[one.key]: Measurement(one.quantity, [groups[name] for name in one.candidates])
        for one in properties
        if one.key in PROPERTY_KEYS
    }


def _growth(measured: Sequence[Measured], smallest: Sequence[Measured], settings: Compare) -> Measurement:
    """What all training examples add to the accuracy that the smallest studied share reaches."""
    whole = {one.name: one for one in measured}
    pairs = [(whole[point.candidate.whole], point) for point in smallest]
    compared = [one for pair in pairs for one in pair]
    both = align(compared, groups_of(compared))
    quantity = score_quantity(both.contributions, settings.resamples, units_of_test(both))
    gain = Quantity(
        quantity.means[::2] - quantity.means[1::2],
        quantity.draws[:, ::2] - quantity.draws[:, 1::2],
        quantity.kernel,
        known_spread(quantity.seeds.draws[:, ::2] + quantity.seeds.draws[:, 1::2]),
        quantity.degrees,
    )
    return Measurement(gain, [group_of(one) for one, _ in pairs])
