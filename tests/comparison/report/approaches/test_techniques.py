"""What the page says of techniques that did nothing, and of candidates that are one network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from pipeline.comparison.report.approaches.techniques import same_networks, unopened
from pipeline.comparison.tables.measurements import Measured, read_measurements
from pipeline.trials import evaluation_folder

NAMES = ("finetune-resnet50-full", "finetune-resnet50-frozen_layers", "cnn-lecture")


@pytest.fixture
def measured(workplace: Path, simulation: SimpleNamespace) -> dict[str, Measured]:
    truths = [truth for truth in simulation.default_truths() if truth.candidate.name in NAMES]
    return {one.name: one for one in read_measurements(simulation.write(truths, test=60, development=60))}


def with_phases(one: Measured, phases: list[str], best: list[int]) -> Measured:
    seeds = [{**seed, "best_phase": phase} for seed, phase in zip(one.trial.seeds, best, strict=True)]
    return replace(one, trial=replace(one.trial, phases=[{"train": train} for train in phases], seeds=seeds))


def test_a_technique_whose_best_epoch_is_the_heads_is_said_to_have_opened_blocks_for_nothing(
    measured: dict[str, Measured],
) -> None:
    one = measured["finetune-resnet50-frozen_layers"]
    (sentence,) = unopened([with_phases(one, ["head", "top 1"], [1, 2, 1])])
    assert sentence.startswith(
        "finetune-resnet50-frozen_layers: in 2 of 3 seeds the best epoch lies in the first phase"
    )
    assert unopened([with_phases(one, ["head", "top 1"], [2, 2, 2])]) == []
    (sentence,) = unopened([with_phases(one, ["top 1", "all"], [1, 1, 1])])
    assert "in 3 of 3 seeds" in sentence and sentence.endswith("so opening more blocks brought nothing there.")
    assert unopened([with_phases(one, ["head"], [1, 1, 1]), with_phases(one, ["all", "all"], [1, 1, 1])]) == []


def test_candidates_with_the_same_answers_are_said_to_be_one_network(measured: dict[str, Measured]) -> None:
    full, frozen, cnn = (measured[name] for name in NAMES)
    assert same_networks([full, frozen, cnn]) == []
    answers, others = (evaluation_folder(one.name) / "predictions.parquet" for one in (full, frozen))
    pd.read_parquet(answers).sample(frac=1, random_state=0).to_parquet(others)
    assert same_networks([full, frozen, cnn]) == [
        "finetune-resnet50-full and finetune-resnet50-frozen_layers are the same network with the first seed: their "
        "answers agree to the last bit."
    ]


def test_networks_that_give_the_same_labels_with_other_probabilities_are_not_one(measured: dict[str, Measured]) -> None:
    full, frozen = (measured[name] for name in NAMES[:2])
    rows = pd.read_parquet(evaluation_folder(full.name) / "predictions.parquet")
    surer = rows.assign(**{name: rows[name] ** 2 for name in rows.columns if name.startswith("p_")})
    surer.to_parquet(evaluation_folder(frozen.name) / "predictions.parquet")
    assert same_networks([full, frozen]) == []
