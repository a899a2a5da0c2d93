"""Candidates in groups: techniques and backbones by their mean, families by their best and their typical candidate."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.comparison.statistics.outcomes import Outcomes, grouped
from pipeline.comparison.statistics.quantities import gap_quantity, score_quantity, units_of_test
from pipeline.comparison.statistics.ranks import Ranks, rank_groups
from pipeline.comparison.tables.frames import tidy
from pipeline.comparison.tables.pairs import turned
from pipeline.comparison.tables.ranking import RANKING_COLUMNS, rank
from pipeline.comparison.tables.units import in_units
from pipeline.params.compare import Compare

GROUP_COLUMNS = [*RANKING_COLUMNS, "candidates", "average_rank"]
TYPICAL = ["candidate", "test_accuracy", "low", "high", "gap", "gap_low", "gap_high", "cost_seconds"]
PARADIGM_COLUMNS = [*RANKING_COLUMNS, "candidates", *(f"typical_{column}" for column in TYPICAL)]


def compare_groups(
    key: str, described: pd.DataFrame, outcomes: Outcomes, settings: Compare
) -> tuple[pd.DataFrame, Ranks]:
    """The fine-tuned candidates averaged over one side of their grid: techniques over backbones, or the reverse.

    A group's mean is judged as a candidate of its own, since seeds of one family may have much in common.
    `average_rank` is over blocks of one seed and one value of the other side (Demšar 2006); 1 would be best in all.

    Args:
        key: "technique" or "backbone".
        described: what each candidate is and costs, in the order of `outcomes`.
    """
    finetuned = described[described["family"] == "finetune"]
    groups = {name: part.index.to_numpy() for name, part in finetuned.groupby(key, sort=True)}
    if not groups:
        return pd.DataFrame(columns=GROUP_COLUMNS), Ranks({}, 0)
    rows = np.zeros((len(groups), len(described)))
    for row, members in zip(rows, groups.values(), strict=True):
        row[members] = 1 / len(members)
    descriptions = [_describe_group(key, str(name), finetuned.loc[members]) for name, members in groups.items()]
    means = grouped(outcomes, rows, list(map(str, groups)))
    score = score_quantity(means.contributions, settings.resamples, units_of_test(outcomes))
    gap = gap_quantity(means, score)
    table, _, _ = rank(pd.DataFrame(descriptions), np.eye(len(groups)), score, gap, settings, outcomes.bounds)
    ranks = rank_groups(key, finetuned, outcomes)
    table["average_rank"] = [ranks.average.get(name, np.nan) for name in table["candidate"]]
    return tidy(in_units(table[GROUP_COLUMNS], outcomes)), ranks


def compare_paradigms(ranking: pd.DataFrame, pairs: pd.DataFrame, floors: set[str]) -> pd.DataFrame:
    """Each family by its best candidate, then by its typical one: the median by accuracy (the lower of two).

    The floor is no attempt at the task, so it is left out where the family has anything else. Relations are between
    the families' best.

    Args:
        floors: the names of the candidates that are floors.
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
    table["relation_to_best"] = ["best", *(turned(relation[name]) for name in table["candidate"].iloc[1:])]
    table["rank"] = np.arange(1, len(table) + 1)
    return table[PARADIGM_COLUMNS]


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
