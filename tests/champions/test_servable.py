"""The model that stands for a candidate."""

from __future__ import annotations

import pytest

from pipeline.champions.servable import best_seed
from pipeline.trials import Trial


@pytest.mark.parametrize(
    ("losses", "best"), [({4: 0.3, 7: 0.2, 9: 0.2}, 7), ({4: None, 7: 0.9}, 7), ({4: None, 7: None}, 4)]
)
def test_the_model_of_a_candidate_is_that_of_the_lowest_validation_loss(
    losses: dict[int, float | None], best: int
) -> None:
    seeds = [{"seed": seed, "val_loss": loss} for seed, loss in losses.items()]
    trial = Trial("cnn-lecture", "cnn", None, None, "multiclass", "f", {}, {}, [], seeds)
    assert best_seed(trial) == best
