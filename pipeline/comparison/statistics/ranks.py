"""Average ranks over blocks (Demšar 2006): how regularly a group is ahead of the others, however little.

A block is one seed with one value of the other side of the grid. Blocks share their test examples and seeds their
development examples, and there are few of them, so ranks carry no p-values here (Friedman's test found a difference
among equals in 0.135 of simulations with three seeds and three backbones). What is shown to be better stands in the
relations, which come from the paired method.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from pipeline.comparison.statistics.outcomes import Outcomes


@dataclass(frozen=True)
class Ranks:
    """Groups (techniques, or backbones) ranked within each block by score; 1 is the best of a block.

    Attributes:
        average: of each group, best first.
        blocks: how many.
    """

    average: dict[str, float]
    blocks: int


def rank_groups(key: str, finetuned: pd.DataFrame, outcomes: Outcomes) -> Ranks:
    """Rank techniques over backbone × seed blocks, or backbones over technique × seed blocks.

    Args:
        key: "technique" or "backbone".
        finetuned: their rows of the candidates' facts; the index is the place in `outcomes`.
    """
    other = "backbone" if key == "technique" else "technique"
    by_seed = pd.DataFrame(outcomes.contributions.mean(axis=2)[finetuned.index], columns=outcomes.seeds)
    by_seed[["group", "block"]] = finetuned[[key, other]].to_numpy()
    long = by_seed.melt(["group", "block"], var_name="seed", value_name="score")
    blocks = long.pivot(index=["block", "seed"], columns="group", values="score").dropna()
    average = blocks.rank(axis=1, ascending=False).mean().sort_values(kind="stable")
    return Ranks({str(name): float(rank) for name, rank in average.items()}, len(blocks))
