"""Average ranks, Friedman and Nemenyi with known answers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from pipeline.comparison.statistics.outcomes import Outcomes
from pipeline.comparison.statistics.ranks import Ranks, rank_groups

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


def test_a_technique_ahead_in_every_block_has_rank_one_and_is_told_from_the_last() -> None:
    accuracy = np.tile(np.array([[0.5], [0.6], [0.7]]), (3, 3)) + np.repeat([0.0, 0.1, 0.2], 3)[:, None]
    found = rank_groups("technique", FINETUNED, outcomes_of(accuracy))
    assert found.average == {"full": 1.0, "frozen": 2.0, "probe": 3.0}
    assert found.blocks == 9
    assert found.friedman == pytest.approx(np.exp(-9))  # chi-square of 18 with 2 degrees of freedom
    assert found.nemenyi is not None
    assert found.nemenyi.loc["full", "probe"] < 0.001
    assert found.nemenyi.loc["full", "frozen"] == pytest.approx(0.086, abs=0.002)
    backbones = rank_groups("backbone", FINETUNED, outcomes_of(accuracy))
    assert list(backbones.average) == ["c", "b", "a"]


def test_the_critical_difference_is_that_of_the_table() -> None:
    """Demšar 2006, table 5: q of 2.569 for four groups at 0.05; 2.343 for three."""
    four = Ranks({str(n): 1.0 for n in range(4)}, blocks=14)
    assert four.critical_difference(0.05) == pytest.approx(2.569 * np.sqrt(4 * 5 / (6 * 14)), rel=1e-3)
    three = replace(four, average={str(n): 1.0 for n in range(3)})
    assert three.critical_difference(0.05) == pytest.approx(2.343 * np.sqrt(3 * 4 / (6 * 14)), rel=1e-3)


def test_groups_that_are_alike_everywhere_are_not_told_apart() -> None:
    found = rank_groups("technique", FINETUNED, outcomes_of(np.full((9, 2), 0.5)))
    assert found.average == {"frozen": 2.0, "full": 2.0, "probe": 2.0}
    assert found.friedman == 1.0
    assert found.nemenyi is not None
    assert (found.nemenyi.to_numpy() > 0.9).all()


def test_two_groups_are_ranked_and_not_tested() -> None:
    two = FINETUNED[FINETUNED["technique"] != "full"]
    found = rank_groups("technique", two, outcomes_of(np.tile(np.array([[0.5], [0.6], [0.7]]), (3, 3))))
    assert found.average == {"frozen": 1.0, "probe": 2.0}
    assert found.friedman is None
    assert found.nemenyi is None
