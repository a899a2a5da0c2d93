"""The report shows what trying settings took, what was chosen, and what the recipe would have got."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from pipeline.comparison.report.answer.tuning import changes_text, tuned_candidates, tuning_text
from pipeline.comparison.report.material import Material
from pipeline.comparison.tables.measurements import Measured
from pipeline.params.study import Tuning

TRIED: list[dict[str, Any]] = [
    {"name": "recipe", "changes": {}, "ended": True, "epochs": 4, "val_loss": 0.6, "val_accuracy": 0.7},
    {"name": "rate ×3", "changes": {"learning_rate": 3.0}, "ended": True, "epochs": 4, "val_loss": 0.5},
    {"name": "draw 1", "changes": {"epochs": 0.5}, "ended": False, "epochs": 1, "val_loss": None},
]
TUNING = {
    "settings_tried": 3,
    "chosen": "rate ×3",
    "changes": {"learning_rate": 3.0},
    "validation": {"val_loss": 0.5, "val_accuracy": 0.75},
    "recipe_validation": {"val_loss": 0.6, "val_accuracy": 0.7},
    "tried": TRIED,
}
COST = {"fit_seconds": 10.0, "activation_seconds": 4.0, "setup_seconds": 1.0, "tuning_seconds": 5.0}


def material(*measured: tuple[str, dict[str, Any], list[dict[str, Any]], dict[str, Any]]) -> Material:
    ones = [
        SimpleNamespace(name=name, trial=SimpleNamespace(tuning=tuning, seeds=seeds), cost=cost)
        for name, tuning, seeds, cost in measured
    ]
    return cast(Material, SimpleNamespace(measured=ones))


def test_a_network_is_charged_once_for_all_its_seeds_and_shows_its_recipe_beside_what_was_chosen() -> None:
    cost = {"seeds": {"0": COST, "1": COST}, "tuning": {"seconds": 5.0}}
    (row,) = tuned_candidates(material(("cnn-lecture", TUNING, [], cost)))
    assert row["seconds"] == 5.0 and row["share"] == 5.0 / (4 + 1 + 20 + 5)
    assert row["chosen"] == "rate ×3"
    assert (row["recipe"], row["best"]) == ("loss 0.600, accuracy 0.700", "loss 0.500, accuracy 0.750")
    assert [entry["validation"] for entry in row["tried"]][-1] == "loss diverged"


def test_a_classical_model_shows_its_grid_over_all_its_seeds_and_how_often_each_setting_won() -> None:
    seeds = [{"chosen": {"C": value}} for value in (10, 1, 10)]
    cost = {"seeds": {str(seed): {"fit_seconds": 4.0, "tuning_seconds": 3.0} for seed in range(3)}}
    (row,) = tuned_candidates(material(("classical-svm_hog", {"settings_tried": 9}, seeds, cost)))
    assert (row["settings"], row["seconds"], row["share"]) == (9, 9.0, 0.75)
    assert row["chosen"] == "C 10 (2 seeds); C 1 (1 seed)" and row["tried"] == []


def test_what_tried_nothing_has_no_row() -> None:
    assert tuned_candidates(material(("cnn-lecture", {}, [], {"seeds": {"0": {"fit_seconds": 1.0}}}))) == []


def test_every_change_that_a_setting_can_make_has_its_words() -> None:
    assert changes_text({"learning_rate": 3.0, "schedule": "one_cycle", "head_epochs": 1}) == (
        "rate ×3, one_cycle, head epochs 1"
    )


@pytest.mark.parametrize(
    ("technique", "words"),
    [
        ("full", "study learning_rates, 1 seed, on validation data"),
        ("frozen_layers", "benchmarks.recipes, 1 seed, on validation data"),
        ("my_own", "not searched"),
    ],
)
def test_a_strategy_is_said_to_be_searched_for_only_where_it_was(technique: str, words: str) -> None:
    found = {
        "finetune": Tuning(study="learning_rates", settings_tried=3, seeds=1, strategies=["full"]),
        "frozen_layers": Tuning(study="benchmarks.recipes", settings_tried=4, seeds=1),
    }
    candidate = SimpleNamespace(technique=technique, family="finetune")
    one = cast(Measured, SimpleNamespace(candidate=candidate, trial=SimpleNamespace(tuning={})))
    assert tuning_text(one, found) == words
