"""What choosing each candidate costs, how far it overfits and shifts, and what to expect of the one model served."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from pipeline.comparison.statistics import intervals as statistics
from pipeline.comparison.statistics.advice import expected_regrets, weigh
from pipeline.comparison.statistics.outcomes import Outcomes
from pipeline.comparison.statistics.quantities import (
    Floats,
    Quantity,
    deployed_quantity,
    overfit_quantity,
    shift_quantity,
    units_of_test,
)
from pipeline.comparison.statistics.variation.seeds import USUAL_SPREAD, assumed_spread
from pipeline.comparison.tables.ensembles.ensemble import Ensemble
from pipeline.comparison.tables.measurements import Measured, best_seed
from pipeline.comparison.tables.ranking import reach_of
from pipeline.comparison.tables.units import range_in_units
from pipeline.params.compare import Compare

REGRET_COLUMNS = ["expected_regret", "at_most_behind"]
PART_COLUMNS = [f"{part}{end}" for part in ("overfit", "shift") for end in ("", "_low", "_high")]
PROSPECT_COLUMNS = ["p_best", *REGRET_COLUMNS, *PART_COLUMNS]


@dataclass(frozen=True)
class Deployed:
    """The one model of a candidate that is served if it is chosen, as told from its other seeds' models.

    Attributes:
        seed: whose model it is; of an ensemble, which serves several together, that of the first.
        score: its own, on the test split, in the score's units.
        low, high: what to expect of it on unseen examples, whichever of the candidates is picked.
    """

    seed: int
    score: float
    low: float
    high: float


def add_prospects(ranking: pd.DataFrame, outcomes: Outcomes, score: Quantity, settings: Compare) -> pd.DataFrame:
    """The ranking with PROSPECT_COLUMNS, all but the probability in the score's own units.

    Args:
        ranking: its column `candidate` names those of `outcomes`, in any order.
        score: the quantity that they are ranked by.
    """
    prospects = weigh(score, settings.confidence)
    columns = {
        "candidate": outcomes.candidates,
        "p_best": prospects.p_best,
        "expected_regret": outcomes.unit * prospects.expected_regret,
        "at_most_behind": outcomes.unit * prospects.at_most_behind,
        **_parts("overfit", overfit_quantity(outcomes, settings.resamples), outcomes, settings),
        **_parts("shift", shift_quantity(outcomes, score), outcomes, settings),
    }
    return ranking.merge(pd.DataFrame(columns), on="candidate", how="left", validate="one_to_one")


def regret_if_steady(score: Quantity, outcomes: Outcomes) -> dict[str, float]:
    """Of each candidate the expected regret if seeds vary as they usually do; empty with several seeds, which tell."""
    if len(outcomes.seeds) > 1:
        return {}
    steady = replace(score, seeds=assumed_spread(len(score.means), USUAL_SPREAD))
    regret = outcomes.unit * expected_regrets(steady)
    return dict(zip(outcomes.candidates, map(float, regret), strict=True))


def deployed_models(measured: Sequence[Measured], outcomes: Outcomes, settings: Compare) -> dict[str, Deployed]:
    """Of each candidate. Its seed was chosen by validation loss, so its test score is not the luckiest of several."""
    seeds = [one.parts[0].seed if isinstance(one, Ensemble) else best_seed(one.trial) for one in measured]
    pairs = zip(measured, outcomes.contributions, strict=True)
    served = np.stack([_of_served(one, contributions, outcomes.seeds) for one, contributions in pairs])
    quantity = deployed_quantity(served, settings.resamples, units_of_test(outcomes))
    low, high = statistics.after_selection(quantity, settings.confidence, outcomes.bounds)
    scores = quantity.means * outcomes.unit * outcomes.score.sign
    rows = zip(outcomes.candidates, seeds, scores, low, high, strict=True)
    return {
        name: Deployed(seed, float(score), *range_in_units(least, most, outcomes))
        for name, seed, score, least, most in rows
    }


def _of_served(one: Measured, contributions: Floats, seeds: Sequence[int]) -> Floats:
    """(S, N) contributions of all seeds → (N,) of what is served: an ensemble of seeds holds them all."""
    if not isinstance(one, Ensemble):
        return np.asarray(contributions[seeds.index(best_seed(one.trial))])
    return np.asarray(contributions.mean(axis=0) if one.is_of_seeds else contributions[seeds.index(one.parts[0].seed)])


def _parts(name: str, quantity: Quantity, outcomes: Outcomes, settings: Compare) -> dict[str, object]:
    """A part of the gap with its interval; more is a larger gap, whatever the score."""
    contrasts = np.eye(len(outcomes.candidates))
    part = statistics.estimate(quantity, contrasts, settings.confidence, reach_of(outcomes.bounds))
    unit = outcomes.unit
    return {name: unit * part.value, f"{name}_low": unit * part.low, f"{name}_high": unit * part.high}
