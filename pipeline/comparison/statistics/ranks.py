"""Average ranks over blocks, after Demšar (2006): Friedman's test over all groups, Nemenyi's for each pair.

Made for many data sets; here a block is one seed with one value of the other side of the grid, and blocks of one
backbone have their test examples in common. So ranks say how regularly a group is ahead; what is shown to be better
stands in the relations, which come from the paired method.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from pipeline.comparison.statistics.outcomes import Outcomes


@dataclass(frozen=True)
class Ranks:
    """Groups (techniques, or backbones) ranked within each block by accuracy; 1 is the best of a block.

    Attributes:
        average: of each group, best first.
        blocks: how many.
        friedman: p-value of all groups being alike; None with fewer than three groups or two blocks.
        nemenyi: p-value of each pair, groups × groups; None likewise.
    """

    average: dict[str, float]
    blocks: int
    friedman: float | None = None
    nemenyi: pd.DataFrame | None = None

    def critical_difference(self, level: float) -> float:
        """What two average ranks must differ by to be told apart at `level`."""
        groups = len(self.average)
        reach = stats.studentized_range.ppf(1 - level, groups, np.inf) / np.sqrt(2)
        return float(reach * np.sqrt(groups * (groups + 1) / (6 * self.blocks)))


def rank_groups(key: str, finetuned: pd.DataFrame, outcomes: Outcomes) -> Ranks:
    """Rank techniques over backbone × seed blocks, or backbones over technique × seed blocks.

    Args:
        key: "technique" or "backbone".
        finetuned: their rows of the candidates' facts; the index is the place in `outcomes`.
    """
    other = "backbone" if key == "technique" else "technique"
    by_seed = pd.DataFrame(outcomes.contributions.mean(axis=2)[finetuned.index], columns=outcomes.seeds)
    by_seed[["group", "block"]] = finetuned[[key, other]].to_numpy()
    long = by_seed.melt(["group", "block"], var_name="seed", value_name="accuracy")
    blocks = long.pivot(index=["block", "seed"], columns="group", values="accuracy").dropna()
    average = blocks.rank(axis=1, ascending=False).mean().sort_values(kind="stable")
    found = Ranks({str(name): float(rank) for name, rank in average.items()}, len(blocks))
    if len(average) < 3 or len(blocks) < 2:
        return found
    import scikit_posthocs

    with np.errstate(invalid="ignore"):  # where all are alike in every block it is 0 / 0
        p_value = float(stats.friedmanchisquare(*blocks.to_numpy().T).pvalue)
    pairs = scikit_posthocs.posthoc_nemenyi_friedman(blocks.reset_index(drop=True)).fillna(1.0)
    return Ranks(found.average, found.blocks, 1.0 if np.isnan(p_value) else p_value, pairs)
