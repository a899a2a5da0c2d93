"""The tables of the comparison: candidates, techniques, backbones, paradigms and pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.comparison.statistics import intervals as statistics
from pipeline.comparison.statistics.against_best import AgainstBest, against_best
from pipeline.comparison.statistics.intervals import Estimates, Floats, Quantity
from pipeline.comparison.statistics.outcomes import Outcomes
from pipeline.comparison.statistics.ranks import Ranks, rank_groups
from pipeline.comparison.tables.measurements import Measured
from pipeline.params.compare import Compare
from pipeline.scores import ACCURACY

RANKING_COLUMNS = [
    "rank",
    "candidate",
    "family",
    "backbone",
    "technique",
    "test_accuracy",
    "low",
    "high",
    "gap",
    "gap_low",
    "gap_high",
    "cost_seconds",
    "relation_to_best",
]
GROUP_COLUMNS = [*RANKING_COLUMNS, "candidates", "average_rank"]
TYPICAL = ["candidate", "test_accuracy", "low", "high", "gap", "gap_low", "gap_high", "cost_seconds"]
PARADIGM_COLUMNS = [*RANKING_COLUMNS, "candidates", *(f"typical_{column}" for column in TYPICAL)]
PAIR_COLUMNS = ["a", "b", "difference", "low", "high", "p_value", "p_adjusted", "relation"]
PERMUTATION_COLUMNS = ["a", "b", "test", "p_value", "p_adjusted"]
VARIANCE_COLUMNS = ["example_variance", "seed_variance"]
FOUND = [0.05, 0.1]  # leads in accuracy whose chance of being shown is told


@dataclass(frozen=True)
class Floor:
    """Always guessing the most common class of development: what any model must beat.

    Of a regression: always saying the mean; of a series: the last value again.

    Attributes:
        accuracy: its accuracy (or RMSE) on the test split.
        label: the class that it guesses; -1 for a regression.
        candidate: the candidate that does just this, if one competes.
        beaten_by: the candidates that are shown to be more accurate (Holm over all candidates).
    """

    accuracy: float
    label: int
    candidate: str | None
    beaten_by: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """Every table; `pairs` has VARIANCE_COLUMNS after PAIR_COLUMNS.

    Attributes:
        after_selection: interval of each candidate's accuracy that holds for whichever is picked.
        ranks: of "techniques" and of "backbones".
        permutation: PERMUTATION_COLUMNS: a second opinion by tests on the examples alone, Holm-adjusted; the best
            against each other candidate, with one seed (exact McNemar tests) every pair.
        power: true lead of the best over all others → the share of these of which it would be shown, on average.
        threshold: standard errors by which one more candidate would have to be behind the best to be shown worse.
    """

    ranking: pd.DataFrame
    techniques: pd.DataFrame
    backbones: pd.DataFrame
    paradigms: pd.DataFrame
    pairs: pd.DataFrame
    floor: Floor
    after_selection: dict[str, tuple[float, float]]
    power: dict[float, float]
    threshold: float
    permutation: pd.DataFrame
    ranks: dict[str, Ranks]

    @property
    def pairwise(self) -> pd.DataFrame:
        return self.pairs[PAIR_COLUMNS]


def compare_candidates(measured: Sequence[Measured], outcomes: Outcomes, settings: Compare) -> Comparison:
    """All tables, from the aligned outcomes of all candidates."""
    everything = np.concatenate([outcomes.contributions, outcomes.floor_contributions[None]])
    with_floor = statistics.accuracy_quantity(everything, settings.resamples)
    accuracy = with_floor.first(len(measured))
    gap = statistics.gap_quantity(outcomes, accuracy)
    facts = _candidate_facts(measured)
    ranking, pairs, best = _table(facts, np.eye(len(measured)), accuracy, gap, settings, outcomes.bounds)
    low, high = statistics.after_selection(accuracy, settings.confidence, outcomes.bounds)
    reach = {name: _turned_range(a, b, outcomes) for name, a, b in zip(outcomes.candidates, low, high, strict=True)}
    techniques, technique_ranks = _group_table("technique", facts, outcomes, accuracy, gap, settings)
    backbones, backbone_ranks = _group_table("backbone", facts, outcomes, accuracy, gap, settings)
    paradigms = _paradigms(ranking, pairs, {one.name for one in measured if one.is_floor})
    return Comparison(
        ranking=tidy(in_units(ranking[RANKING_COLUMNS], outcomes)),
        techniques=techniques,
        backbones=backbones,
        paradigms=tidy(in_units(paradigms, outcomes)),
        pairs=tidy(in_units(pairs, outcomes)),
        floor=_floor(measured, outcomes, with_floor, settings),
        after_selection=reach,
        power={lead * outcomes.unit: found for lead, found in best.power.items()},
        threshold=best.threshold(settings.confidence),
        permutation=tidy(_permutation(list(ranking["candidate"]), outcomes, settings)),
        ranks={"techniques": technique_ranks, "backbones": backbone_ranks},
    )


def tidy(table: pd.DataFrame) -> pd.DataFrame:
    """Numbers to six significant digits: enough for every reader, and the same text on every machine."""
    rounded = table.copy()
    for column in rounded.select_dtypes("float").columns:
        rounded[column] = [float(f"{value:.6g}") for value in rounded[column]]
    return rounded


def in_units(table: pd.DataFrame, outcomes: Outcomes) -> pd.DataFrame:
    """A table as it is written: of a regression `test_rmse` in place of `test_accuracy`, in the target's own units.

    Differences and gaps keep their sense: a difference says by how much a is ahead of b, a gap by how much the test
    examples are worse than those trained on.
    """
    if outcomes.score is ACCURACY:
        return table
    unit, turned = outcomes.unit, table.copy()
    for prefix in ("", "typical_"):
        if f"{prefix}test_accuracy" in table:
            turned[f"{prefix}test_accuracy"] = -unit * table[f"{prefix}test_accuracy"]
            turned[f"{prefix}low"], turned[f"{prefix}high"] = (
                -unit * table[f"{prefix}high"],
                -unit * table[f"{prefix}low"],
            )
            gaps = [f"{prefix}{column}" for column in ("gap", "gap_low", "gap_high")]
            turned[gaps] = unit * table[gaps]
    if "difference" in table:
        turned[["difference", "low", "high"]] = unit * table[["difference", "low", "high"]]
        turned[VARIANCE_COLUMNS] = unit**2 * table[VARIANCE_COLUMNS]
    return turned.rename(columns=lambda column: column.replace("test_accuracy", f"test_{outcomes.score.name}"))


def _turned_range(low: float, high: float, outcomes: Outcomes) -> tuple[float, float]:
    ends = (low * outcomes.unit * outcomes.score.sign, high * outcomes.unit * outcomes.score.sign)
    return float(min(ends)), float(max(ends))


def _candidate_facts(measured: Sequence[Measured]) -> pd.DataFrame:
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


def _table(
    facts: pd.DataFrame,
    rows: Floats,
    accuracy: Quantity,
    gap: Quantity,
    settings: Compare,
    bounds: tuple[float, float],
) -> tuple[pd.DataFrame, pd.DataFrame, AgainstBest]:
    """Rank what `facts` names, row k being the contrast rows[k] (K, C) of candidates; and compare each two.

    Ties in accuracy go to fewer parameters, then to the name.
    """
    reach = _reach(bounds)
    own = statistics.estimate(accuracy, rows, settings.confidence, bounds)
    gaps = statistics.estimate(gap, rows, settings.confidence, reach)
    table = facts.assign(
        test_accuracy=own.value, low=own.low, high=own.high, gap=gaps.value, gap_low=gaps.low, gap_high=gaps.high
    )
    keys = table.assign(descending=-table["test_accuracy"].round(12))
    order = keys.sort_values(["descending", "parameters", "candidate"], kind="stable").index.to_numpy()
    table = table.loc[order].reset_index(drop=True)
    pairs, best = _pairs(list(table["candidate"]), rows[order], accuracy, settings, reach)
    table["rank"] = np.arange(1, len(table) + 1)
    table["relation_to_best"] = ["best", *map(_turned, pairs["relation"].iloc[: len(table) - 1])]
    return table, pairs, best


def _reach(bounds: tuple[float, float]) -> tuple[float, float]:
    """Between which differences of values within these bounds lie."""
    return bounds[0] - bounds[1], bounds[1] - bounds[0]


def _pairs(
    names: Sequence[str], rows: Floats, accuracy: Quantity, settings: Compare, reach: tuple[float, float]
) -> tuple[pd.DataFrame, AgainstBest]:
    """Each unordered pair once, the better-ranked as `a`, those with the best first; `relation` says what a is to b.

    Two families, each corrected by itself: the best against the others (see `best`), and all pairs (Holm).
    """
    contrasts, pairs = statistics.pair_contrasts(rows)
    found: Estimates = statistics.estimate(accuracy, contrasts, settings.confidence, reach)
    leads = sorted({round(2 * settings.margin, 12), *FOUND})
    best = against_best(accuracy, rows, found, settings.confidence, leads)
    p_adjusted = statistics.holm(found.p_value)
    p_adjusted[: len(rows) - 1] = best.p_adjusted
    table = pd.DataFrame(
        {
            "a": [names[first] for first, _ in pairs],
            "b": [names[second] for _, second in pairs],
            "difference": found.value,
            "low": found.low,
            "high": found.high,
            "p_value": found.p_value,
            "p_adjusted": p_adjusted,
            "relation": statistics.relations(found, p_adjusted, settings.confidence, settings.margin),
            "example_variance": found.example_variance,
            "seed_variance": found.seed_variance,
        }
    )
    return table, best


def _permutation(ranked: Sequence[str], outcomes: Outcomes, settings: Compare) -> pd.DataFrame:
    """The best against each other candidate; with one seed, where the test is exact and quick, every pair."""
    correct = outcomes.contributions[[outcomes.candidates.index(name) for name in ranked]]
    exact = len(outcomes.seeds) == 1 and outcomes.score is ACCURACY
    rows = []
    for first in range(len(ranked) - 1 if exact else min(len(ranked) - 1, 1)):
        p_values = statistics.permutation_p_values(correct[first], correct[first + 1 :], settings.resamples - 1)
        rows += [(ranked[first], other, p) for other, p in zip(ranked[first + 1 :], p_values, strict=True)]
    table = pd.DataFrame(rows, columns=["a", "b", "p_value"])
    adjusted = statistics.holm(table["p_value"].to_numpy(np.float64))
    return table.assign(test="mcnemar" if exact else "permutation", p_adjusted=adjusted)[PERMUTATION_COLUMNS]


def _turned(relation: str) -> str:
    """What b is to a, given what a is to b."""
    return {"better": "worse", "worse": "better"}.get(relation, relation)


def _group_table(
    key: str, facts: pd.DataFrame, outcomes: Outcomes, accuracy: Quantity, gap: Quantity, settings: Compare
) -> tuple[pd.DataFrame, Ranks]:
    """The fine-tuned candidates averaged over one side of their grid: techniques over backbones, or the reverse.

    `average_rank` is over blocks of one seed and one value of the other side (Demšar 2006); 1 would be best in all.
    """
    finetuned = facts[facts["family"] == "finetune"]
    groups = {name: part.index.to_numpy() for name, part in finetuned.groupby(key, sort=True)}
    if not groups:
        return pd.DataFrame(columns=GROUP_COLUMNS), Ranks({}, 0)
    rows = np.zeros((len(groups), len(facts)))
    for row, members in zip(rows, groups.values(), strict=True):
        row[members] = 1 / len(members)
    described = [_describe_group(key, str(name), finetuned.loc[members]) for name, members in groups.items()]
    table, _, _ = _table(pd.DataFrame(described), rows, accuracy, gap, settings, outcomes.bounds)
    ranks = rank_groups(key, finetuned, outcomes)
    table["average_rank"] = [ranks.average.get(name, np.nan) for name in table["candidate"]]
    return tidy(table[GROUP_COLUMNS]), ranks


def _describe_group(key: str, name: str, members: pd.DataFrame) -> dict[str, object]:
    other = "backbone" if key == "technique" else "technique"
    return {
        "candidate": name,
        "family": "finetune",
        key: name,
        other: " ".join(members[other]),
        "cost_seconds": members["cost_seconds"].mean(),
        "parameters": members["parameters"].mean(),
        "candidates": len(members),
    }


def _paradigms(ranking: pd.DataFrame, pairs: pd.DataFrame, floors: set[str]) -> pd.DataFrame:
    """Each family by its best candidate, then by its typical one: the median by accuracy (the lower of two).

    The floor is no attempt at the task, so it is left out where the family has anything else. Relations are between
    the families' best.
    """
    rows = []
    for _, family in ranking.groupby("family", sort=False):
        attempts = family[~family["candidate"].isin(floors)] if set(family["candidate"]) - floors else family
        typical = attempts.iloc[len(attempts) // 2]
        row = attempts.iloc[0].to_dict() | {"candidates": len(attempts)}
        rows.append(row | {f"typical_{column}": typical[column] for column in TYPICAL})
    table = pd.DataFrame(rows).sort_values("rank", kind="stable").reset_index(drop=True)
    first = table["candidate"].iloc[0]
    relation = pairs[pairs["a"] == first].set_index("b")["relation"] if len(pairs) else {}
    table["relation_to_best"] = ["best", *(_turned(relation[name]) for name in table["candidate"].iloc[1:])]
    table["rank"] = np.arange(1, len(table) + 1)
    return table[PARADIGM_COLUMNS]


def _floor(measured: Sequence[Measured], outcomes: Outcomes, quantity: Quantity, settings: Compare) -> Floor:
    """`quantity` has the floor as one candidate more, the last."""
    count = len(measured)
    contrasts = np.column_stack([np.eye(count), -np.ones(count)])
    found = statistics.estimate(quantity, contrasts, settings.confidence, _reach(outcomes.bounds))
    shown = (statistics.holm(found.p_value) < 1 - settings.confidence) & (found.value > 0)
    return Floor(
        accuracy=float(quantity.means[-1]) * outcomes.unit * outcomes.score.sign,
        label=outcomes.majority_label,
        candidate=next((one.name for one in measured if one.is_floor), None),
        beaten_by=tuple(one.name for one, beats in zip(measured, shown, strict=True) if beats and not one.is_floor),
    )
