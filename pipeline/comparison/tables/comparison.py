"""The comparison of all candidates: every table that the verdict rests on, made from their aligned outcomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from pipeline.comparison.statistics import intervals as statistics
from pipeline.comparison.statistics.outcomes import Outcomes, with_the_floor
from pipeline.comparison.statistics.quantities import Quantity, gap_quantity, score_quantity, units_of_test
from pipeline.comparison.statistics.ranks import Ranks
from pipeline.comparison.tables.floor import AgainstFloor, compare_with_floor
from pipeline.comparison.tables.frames import tidy
from pipeline.comparison.tables.groups import compare_groups, compare_paradigms
from pipeline.comparison.tables.measurements import Measured
from pipeline.comparison.tables.pairs import PAIR_COLUMNS, permutation_tests
from pipeline.comparison.tables.prospects import Deployed, add_prospects, deployed_models, regret_if_steady
from pipeline.comparison.tables.ranking import RANKING_COLUMNS, rank
from pipeline.comparison.tables.units import in_units, range_in_units
from pipeline.params.compare import Compare
from pipeline.scores.score_for_task import usual_score_of


@dataclass(frozen=True)
class Comparison:
    """Every table; `ranking` has PROSPECT_COLUMNS after RANKING_COLUMNS, `pairs` VARIANCE_COLUMNS after PAIR_COLUMNS.

    Attributes:
        after_selection: interval of each candidate's score that holds for whichever is picked.
        ranks: of "techniques" and of "backbones".
        permutation: PERMUTATION_COLUMNS: a second opinion by tests on the examples alone. Of accuracy with one seed:
            exact McNemar tests of every pair, Holm-adjusted. Else: permutation tests of the best against each other
            candidate, adjusted for their number and for having picked it.
        power: true lead of the best over all others → the share of these of which it would be shown, on average.
        threshold: standard errors by which one more candidate would have to be behind the best to be shown worse.
        reach: standard errors within which all differences of any two hold at once; equivalence is shown by them.
        deployed: the one model of each candidate that is served if it is chosen.
        regret_if_steady: with one seed, each candidate's expected regret if seeds vary by no more than usual.
    """

    ranking: pd.DataFrame
    techniques: pd.DataFrame
    backbones: pd.DataFrame
    paradigms: pd.DataFrame
    pairs: pd.DataFrame
    floor: AgainstFloor
    after_selection: dict[str, tuple[float, float]]
    power: dict[float, float]
    threshold: float
    reach: float
    permutation: pd.DataFrame
    ranks: dict[str, Ranks]
    deployed: Mapping[str, Deployed] = field(default_factory=dict)
    regret_if_steady: Mapping[str, float] = field(default_factory=dict)

    @property
    def pairwise(self) -> pd.DataFrame:
        """The pairs as pairwise.csv has them."""
        return self.pairs[PAIR_COLUMNS]


def compare_candidates(measured: Sequence[Measured], outcomes: Outcomes, settings: Compare) -> Comparison:
    """All tables, from the aligned outcomes of all candidates."""
    everything, derived = with_the_floor(outcomes)
    with_floor = score_quantity(everything, settings.resamples, units_of_test(outcomes), derived)
    score = with_floor.first(len(measured))
    gap = gap_quantity(outcomes, score)
    described = describe_candidates(measured)
    shares = outcomes.contributions if outcomes.score.is_share else None
    ranking, pairs, best = rank(described, np.eye(len(measured)), score, gap, settings, outcomes.bounds, shares)
    techniques, technique_ranks = compare_groups("technique", described, outcomes, settings)
    backbones, backbone_ranks = compare_groups("backbone", described, outcomes, settings)
    paradigms = compare_paradigms(ranking, pairs, {one.name for one in measured if one.is_floor})
    return Comparison(
        ranking=tidy(
            _with_usual(
                add_prospects(in_units(ranking[RANKING_COLUMNS], outcomes), outcomes, score, settings), outcomes
            )
        ),
        techniques=techniques,
        backbones=backbones,
        paradigms=tidy(in_units(paradigms, outcomes)),
        pairs=tidy(in_units(pairs, outcomes)),
        floor=compare_with_floor(measured, outcomes, with_floor, settings),
        after_selection=_after_selection(score, outcomes, settings),
        power={lead * outcomes.unit: share for lead, share in best.power.items()},
        threshold=best.threshold(settings.confidence),
        reach=best.reach,
        permutation=tidy(permutation_tests(list(ranking["candidate"]), outcomes, settings)),
        ranks={"techniques": technique_ranks, "backbones": backbone_ranks},
        deployed=deployed_models(measured, outcomes, settings),
        regret_if_steady=regret_if_steady(score, outcomes),
    )


def describe_candidates(measured: Sequence[Measured]) -> pd.DataFrame:
    """What each candidate is and costs, one row each in the given order."""
    return pd.DataFrame(
        {
            "candidate": [one.name for one in measured],
            "family": [one.candidate.family for one in measured],
            "backbone": [one.candidate.backbone or "" for one in measured],
            "technique": [one.candidate.technique or "" for one in measured],
            "cost_seconds": [one.cost_seconds for one in measured],
            "parameters": [one.parameters for one in measured],
        }
    )


def _with_usual(ranking: pd.DataFrame, outcomes: Outcomes) -> pd.DataFrame:
    """With the task's usual score behind all other columns, where candidates are ranked by another one."""
    if outcomes.usual is None:
        return ranking
    usual = dict(zip(outcomes.candidates, outcomes.usual, strict=True))
    return ranking.assign(**{usual_score_of(outcomes.score).column: ranking["candidate"].map(usual)})


def _after_selection(score: Quantity, outcomes: Outcomes, settings: Compare) -> dict[str, tuple[float, float]]:
    low, high = statistics.after_selection(score, settings.confidence, outcomes.bounds)
    ends = zip(outcomes.candidates, low, high, strict=True)
    return {name: range_in_units(least, most, outcomes) for name, least, most in ends}
