"""Average ranks over blocks with known answers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.comparison.statistics.outcomes import Outcomes
from pipeline.comparison.statistics.ranks import rank_groups

BACKBONES, TECHNIQUES = ["a", "b", "c"], ["probe", "frozen", "full"]
FINETUNED = pd.DataFrame([(one, two) for one in BACKBONES for two in TECHNIQUES], columns=["backbone", "technique"])


def outcomes_of(accuracy: np.ndarray) -> Outcomes:
    """(C, S) accuracies in twentieths → outcomes on 20 examples."""
    correct = (np.arange(20) < np.round(accuracy[..., None] * 20)).astype(float)
    nothing = np.zeros((*accuracy.shape, 1))
    return Outcomes(
        candidates=[f"{row.backbone}-{row.technique}" for row in FINETUNED.itertuples()],
        seeds=list(range(accuracy.shape[1])),
        examples=[str(number) for number in range(20)],
        contributions=correct,
        train=nothing,
        validation=nothing,
        labels=np.zeros(20, np.int64),
        majority_label=0,
    )


def test_a_technique_ahead_in_every_block_has_rank_one() -> None:
    accuracy = np.tile(np.array([[0.5], [0.6], [0.7]]), (3, 3)) + np.repeat([0.0, 0.1, 0.2], 3)[:, None]
    found = rank_groups("technique", FINETUNED, outcomes_of(accuracy))
    assert found.average == {"full": 1.0, "frozen": 2.0, "probe": 3.0}
    assert found.blocks == 9
    backbones = rank_groups("backbone", FINETUNED, outcomes_of(accuracy))
    assert list(backbones.average) == ["c", "b", "a"]


def test_groups_that_are_alike_everywhere_share_their_rank() -> None:
    found = rank_groups("technique", FINETUNED, outcomes_of(np.full((9, 2), 0.5)))
    assert found.average == {"frozen": 2.0, "full": 2.0, "probe": 2.0}
