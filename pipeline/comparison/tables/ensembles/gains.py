"""What averaging brings over the best single model, and at what latency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.comparison.statistics.intervals import contrasts_after_selection
from pipeline.comparison.statistics.outcomes import Outcomes
from pipeline.comparison.statistics.quantities import Floats, score_quantity, units_of_test
from pipeline.comparison.tables.comparison import Comparison
from pipeline.comparison.tables.ensembles.ensemble import Ensemble
from pipeline.comparison.tables.frames import records
from pipeline.comparison.tables.measurements import Measured
from pipeline.comparison.tables.ranking import reach_of
from pipeline.params.compare import Compare


@dataclass(frozen=True)
class Gain:
    """By how much an ensemble is better than the best single model, in the score's units.

    Attributes:
        low, high: its interval by itself, as pairwise.csv has it.
        safe_low, safe_high: an interval that holds for whichever ensemble is picked.
        latency: milliseconds of an answer, the sum of its models' medians.
    """

    ensemble: Ensemble
    difference: float
    low: float
    high: float
    safe_low: float
    safe_high: float
    latency: float


@dataclass(frozen=True)
class Gains:
    """Of all ensembles, the largest first.

    Attributes:
        against: the trained candidate with the best score on the test examples; `latency`: milliseconds of its answer.
    """

    against: str
    latency: float
    rows: Sequence[Gain]


def measure_gains(
    measured: Sequence[Measured], outcomes: Outcomes, comparison: Comparison, settings: Compare
) -> Gains | None:
    """None where no ensemble competes.

    Differences are those of pairwise.csv, where seeds of two candidates count as independent. An ensemble and its own
    candidate share their seeds; to pair them seed by seed would see nothing of what the two have not in common where
    seeds are two, and held less often than it said in simulations. The best single model was picked on the same
    examples, so it is rather too good than too bad.

    Args:
        measured: all candidates, ensembles among them, in the order of `outcomes`.
    """
    ensembles = [one for one in measured if isinstance(one, Ensemble)]
    if not ensembles:
        return None
    trained = {one.name: one for one in measured if not isinstance(one, Ensemble)}
    single = next(trained[name] for name in comparison.ranking["candidate"] if name in trained)
    pairs = _pairs_with(single.name, comparison)
    safe = _safe_intervals(single.name, [one.name for one in ensembles], outcomes, settings)
    rows = [
        Gain(one, *pairs[one.name], safe_low=float(low), safe_high=float(high), latency=_latency(one))
        for one, (low, high) in zip(ensembles, safe, strict=True)
    ]
    return Gains(single.name, _latency(single), sorted(rows, key=lambda row: -row.difference))


def _pairs_with(single: str, comparison: Comparison) -> dict[str, tuple[float, float, float]]:
    """By how much each other candidate is ahead of it: the difference, and its interval."""
    ahead, behind = (comparison.pairs[comparison.pairs[side] == single] for side in ("b", "a"))
    found = {row["a"]: (row["difference"], row["low"], row["high"]) for row in records(ahead)}
    turned = {row["b"]: (0.0 - row["difference"], 0.0 - row["high"], 0.0 - row["low"]) for row in records(behind)}
    return found | turned


def _safe_intervals(single: str, names: Sequence[str], outcomes: Outcomes, settings: Compare) -> Floats:
    """(E, 2) ends of intervals of the ensembles' differences from it that hold for all of them at once."""
    contrasts = np.zeros((len(names), len(outcomes.candidates)))
    for row, name in zip(contrasts, names, strict=True):
        row[outcomes.candidates.index(name)], row[outcomes.candidates.index(single)] = 1.0, -1.0
    quantity = score_quantity(outcomes.contributions, settings.resamples, units_of_test(outcomes), outcomes.derived)
    low, high = contrasts_after_selection(quantity, contrasts, settings.confidence, reach_of(outcomes.bounds))
    return outcomes.unit * np.column_stack([low, high])


def _latency(one: Measured) -> float:
    return float(one.latency["latency_ms_per_image"]["median"])
