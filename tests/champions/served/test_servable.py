"""The model that stands for a candidate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.champions.served.deployed import Deployed
from pipeline.champions.served.servable import decision_of, ranked_by
from pipeline.comparison.tables.ensembles.ensemble import Part
from pipeline.comparison.tables.measurements import best_seed
from pipeline.scores.classes import ACCURACY, BALANCED_ACCURACY
from pipeline.scores.decisions import MOST_PROBABLE
from pipeline.trials import Trial, evaluation_folder


@pytest.mark.parametrize(
    ("losses", "best"), [({4: 0.3, 7: 0.2, 9: 0.2}, 7), ({4: None, 7: 0.9}, 7), ({4: None, 7: None}, 4)]
)
def test_the_model_of_a_candidate_is_that_of_the_lowest_validation_loss(
    losses: dict[int, float | None], best: int
) -> None:
    seeds = [{"seed": seed, "val_loss": loss} for seed, loss in losses.items()]
    trial = Trial("cnn-lecture", "cnn", None, None, "multiclass", "f", {}, {}, [], seeds)
    assert best_seed(trial) == best


def test_a_champion_of_two_classes_keeps_the_threshold_that_its_validation_examples_choose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = evaluation_folder("cnn-lecture")
    folder.mkdir(parents=True)
    second = np.array([0.1, 0.2, 0.3, 0.4, 0.9, 0.8])
    table = pd.DataFrame({"seed": [0] * 5 + [1], "split": ["val"] * 5 + ["val"], "label": [0, 0, 1, 1, 1, 0]})
    table.assign(p_0=1 - second, p_1=second).to_parquet(folder / "predictions.parquet")
    trial = Trial("cnn-lecture", "cnn", None, None, "binary", "f", {}, {}, [], [{"seed": 0}, {"seed": 1}])
    deployed = Deployed(trial, (Part("cnn-lecture", 0, 1.0),))
    threshold = decision_of(deployed, BALANCED_ACCURACY).threshold
    assert threshold == pytest.approx(0.25), "of its own seed alone"
    assert decision_of(deployed, ACCURACY) is MOST_PROBABLE


def test_what_candidates_are_ranked_by_is_what_params_yaml_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ranked_by("binary", ["a", "b"]) is ACCURACY
    Path("params.yaml").write_text("compare: {score: balanced_accuracy, confidence: 0.9, margin: 0.1, resamples: 100}")
    assert ranked_by("binary", ["a", "b"]) is BALANCED_ACCURACY
