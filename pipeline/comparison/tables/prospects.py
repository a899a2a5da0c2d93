"""What choosing each candidate costs, and how far it overfits and shifts: columns beside the ranking."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.comparison.statistics import intervals as statistics
from pipeline.comparison.statistics.advice import weigh
from pipeline.comparison.statistics.outcomes import Outcomes
from pipeline.comparison.statistics.quantities import Quantity, overfit_quantity, shift_quantity
from pipeline.comparison.tables.ranking import reach_of
from pipeline.params.compare import Compare

REGRET_COLUMNS = ["expected_regret", "at_most_behind"]
PART_COLUMNS = [f"{part}{end}" for part in ("overfit", "shift") for end in ("", "_low", "_high")]
PROSPECT_COLUMNS = ["p_best", *REGRET_COLUMNS, *PART_COLUMNS]


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


def _parts(name: str, quantity: Quantity, outcomes: Outcomes, settings: Compare) -> dict[str, object]:
    """A part of the gap with its interval; more is a larger gap, whatever the score."""
    contrasts = np.eye(len(outcomes.candidates))
    part = statistics.estimate(quantity, contrasts, settings.confidence, reach_of(outcomes.bounds))
    unit = outcomes.unit
    return {name: unit * part.value, f"{name}_low": unit * part.low, f"{name}_high": unit * part.high}
