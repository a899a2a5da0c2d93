"""What fits into so many minutes: the order of the rule, and what is said of the rest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipeline.ground.files import read_json
from pipeline.operations.starting import budget
from pipeline.operations.starting.budget import Choice, choose_within
from pipeline.operations.starting.seeing.start_options import StartError

ROOT = Path(__file__).resolve().parents[3]
FULL: dict[str, Any] = {
    "baseline.models": ["majority", "slow_forest", "logistic"],
    "baseline.probes": ["logistic"],
    "cnn": ["lecture"],
    "mlp": [],
    "recurrent": [],
    "finetune.backbones": ["vgg16", "resnet50"],
    "finetune.strategies": ["feature_extractor", "full", "frozen_layers"],
    "seeds": [0, 1, 2],
    "data.image_size": 96,
}
MINUTES = {"majority": 1, "slow_forest": 6, "logistic": 2, "probe": 3, "cnn": 5, "feature_extractor": 2, "full": 10}


def cost(overlay: Mapping[str, Any]) -> float:
    """Two minutes for all the rest, then each candidate by itself, in proportion to seeds and pixels."""
    backbones = len(overlay["finetune.backbones"])
    names = [*overlay["baseline.models"], *(["cnn"] * len(overlay["cnn"]))]
    names += ["probe"] * len(overlay["baseline.probes"]) * backbones + list(overlay["finetune.strategies"]) * backbones
    scale = len(overlay["seeds"]) / 2 * (overlay["data.image_size"] / 96) ** 2
    return 2 + scale * sum(MINUTES.get(name, 4) for name in names)


def choice(minutes: float, **others: Any) -> Choice:
    return choose_within(minutes, FULL, cost, **others)


def test_the_floor_comes_first_and_then_the_cheapest_classical_models() -> None:
    assert choice(3).overlay["baseline.models"] == ["majority"]
    assert choice(5).overlay["baseline.models"] == ["majority", "logistic"]
    assert choice(9).overlay["baseline.models"] == ["majority", "logistic"]  # the forest alone would fit too
    assert choice(11).overlay["baseline.models"] == ["majority", "slow_forest", "logistic"]
    assert choice(11).overlay["finetune.backbones"] == []


def test_probes_come_before_fine_tuning_and_both_with_the_best_backbone_alone() -> None:
    chosen = choice(14).overlay
    assert (chosen["baseline.probes"], chosen["finetune.backbones"]) == (["logistic"], ["resnet50"])
    assert chosen["finetune.strategies"] == []
    assert choice(24).overlay["finetune.strategies"] == ["full"]


def test_the_order_of_what_usually_brings_most_is_that_of_the_default_comparison() -> None:
    measured = read_json(ROOT / "benchmarks/results/runs/groceries.json")
    assert [row["technique"] for row in measured["techniques"]] == list(budget.BEST_STRATEGIES)
    ranking = pd.DataFrame(measured["ranking"])
    backbones = ranking.groupby("backbone")["score"].mean().sort_values(ascending=False)
    assert list(backbones.index) == list(budget.BEST_BACKBONES)
    floor = ranking.loc[ranking["candidate"] == "classical-majority", "score"].item()
    techniques = ranking.groupby("technique")[["score", "cost_seconds"]].mean()
    for_its_time = (techniques["score"] - floor) / techniques["cost_seconds"]
    assert (techniques["score"].idxmax(), for_its_time.idxmax()) == budget.FIRST_STRATEGIES


def test_further_techniques_come_by_what_they_usually_bring_and_unknown_ones_last() -> None:
    full = {
        **FULL,
        "finetune.strategies": ["lp_ft", "frozen_layers", "gradual_unfreezing", "feature_extractor", "full"],
    }
    tried = [step.what for step in budget._steps(full, cost, budget._floor_alone(full), None)]
    assert tried.index("fine-tuning resnet50 by full") < tried.index("fine-tuning resnet50 by feature_extractor")
    assert tried.index("fine-tuning resnet50 by feature_extractor") < tried.index("vgg16, as with resnet50")
    later = ["vgg16, as with resnet50", *(f"fine-tuning by {name}" for name in ("gradual_unfreezing", "frozen_layers"))]
    later.append("fine-tuning by lp_ft")
    assert [what for what in tried if what in later] == later


def test_what_does_not_fit_is_passed_over_for_what_does() -> None:
    chosen = choice(16)
    assert chosen.overlay["finetune.strategies"] == ["feature_extractor"]
    assert "fine-tuning resnet50 by full" in dict(chosen.left_out)


def test_networks_from_scratch_then_further_backbones_then_seeds_then_pixels() -> None:
    assert choice(31).overlay["cnn"] == ["lecture"]
    assert choice(46).overlay["finetune.backbones"] == ["vgg16", "resnet50"]
    everything = cost(FULL | {"seeds": [0, 1]})
    assert choice(everything).overlay == FULL | {"seeds": [0, 1]}
    assert choice(cost(FULL), largest_size=128).overlay == FULL
    assert choice(10 * cost(FULL), largest_size=128).overlay == FULL | {"data.image_size": 128}


def test_photos_whose_size_nobody_knows_stay_as_large_as_they_are() -> None:
    assert choice(10 * cost(FULL)).overlay == FULL


@pytest.mark.parametrize("minutes", [3, 7, 16, 31, 60, 200])
def test_it_takes_no_longer_than_there_is_and_says_what_more_would_add(minutes: float) -> None:
    chosen = choice(minutes, largest_size=224)
    assert chosen.minutes == cost(chosen.overlay) <= minutes
    assert all(more > 0 and chosen.minutes + more > minutes for _, more in chosen.left_out)
    assert bool(chosen.left_out) == (minutes < 10 * cost(FULL))


def test_minutes_that_are_not_enough_for_the_floor_are_refused_with_what_would_be() -> None:
    with pytest.raises(StartError, match=r"^2\.0 minutes are not enough: majority, the floor, takes about 3\.0"):
        choice(2)


def test_the_floor_is_what_the_task_names_wherever_it_stands_in_the_list() -> None:
    full = {**FULL, "baseline.models": ["slow_forest", "majority", "logistic"]}
    assert choose_within(3, full, cost).overlay["baseline.models"] == ["majority"]
    assert choose_within(11, full, cost).overlay["baseline.models"] == ["slow_forest", "majority", "logistic"]
    with pytest.raises(StartError, match=r"0\.5 minutes are not enough: majority, the floor, takes about 3\.0 minutes"):
        choose_within(0.5, full, cost)


@pytest.mark.parametrize(("minutes", "says"), [(1, "nothing at all takes about 2.0 min"), (3, "the cheapest of what")])
def test_networks_alone_that_do_not_fit_are_refused_with_what_would_be_enough(minutes: float, says: str) -> None:
    full = {**FULL, "baseline.models": [], "baseline.probes": [], "finetune.backbones": [], "finetune.strategies": []}
    with pytest.raises(StartError, match=says):
        choose_within(minutes, full, cost)
    assert choose_within(8, full, cost).overlay["cnn"] == ["lecture"]


def test_settings_are_tried_once_there_is_time_before_more_seeds_and_only_where_a_network_competes() -> None:
    full = FULL | {"tuning.search": {"settings": 8, "trainings": 1.5}}

    def costly(overlay: Mapping[str, Any]) -> float:
        return cost(overlay) + (20 if overlay["tuning.search"] else 0)

    without = choose_within(9, full, costly).overlay
    assert without["tuning.search"] is None and without["baseline.models"] == ["majority", "logistic"]
    whole = choose_within(1000, full, costly).overlay
    assert whole["tuning.search"] == full["tuning.search"]
    least = next(minutes for minutes in range(9, 200) if choose_within(minutes, full, costly).overlay["tuning.search"])
    assert choose_within(least, full, costly).overlay["seeds"] == [0, 1]
