"""The model card: what candidates are ranked by stands first, and its interval is called by its name."""

from __future__ import annotations

import pytest

from pipeline.tracking.descriptions.model_card import model_card
from pipeline.trials import Trial

TRIAL = Trial(
    "cnn-lecture", "cnn", None, None, "multiclass", "f" * 64, {}, {"total": 9, "trainable": 9}, [], [{"seed": 0}]
)
METRICS = {"test_accuracy": 0.9, "test_macro_f1": 0.7, "test_loss": 0.4}


@pytest.mark.parametrize(
    ("ranking", "first", "second"),
    [
        ({"test_accuracy": 0.9}, "test_accuracy | 0.9", "test_macro_f1 | 0.7"),
        ({"test_macro_f1": 0.75, "test_accuracy": 0.9}, "test_macro_f1 | 0.75", "test_accuracy | 0.9"),
        ({"test_cost": 0.31, "test_accuracy": 0.9}, "test_cost | 0.31", "test_accuracy | 0.9"),
    ],
)
def test_what_candidates_are_ranked_by_stands_first_as_the_ranking_has_it(
    ranking: dict[str, float], first: str, second: str
) -> None:
    compared = {"rank": 2, "relation_to_best": "worse", **ranking, "low": 0.25, "high": 0.5}
    lines = model_card(TRIAL, METRICS, compared, {}, {}).partition("## How well")[2].splitlines()
    assert [line.strip("| ") for line in lines[4:6]] == [first, second]
    interval = f"Interval of {first.partition(' ')[0]}, over test examples and seeds: 0.25 to 0.5."
    assert any(line.endswith(interval) for line in lines)


def test_the_model_that_would_be_served_is_told_with_its_own_interval() -> None:
    ranking = {"rank": 2, "relation_to_best": "worse", "test_accuracy": 0.9, "low": 0.25, "high": 0.5}
    card = model_card(TRIAL, METRICS, ranking, {}, {}, {"seed": 3, "test_accuracy": 0.91, "low": 0.8, "high": 0.95})
    assert "its model of seed 3 answers, that of the lowest validation loss." in card
    assert "Its own test_accuracy is 0.91; on unseen examples expect 0.8 to 0.95." in card
    assert "answers" not in model_card(TRIAL, METRICS, ranking, {}, {})
