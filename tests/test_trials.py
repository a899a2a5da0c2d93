"""A candidate's folder is written from its finished trials, whatever trained them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from pipeline.ground.files import read_json
from pipeline.params.training.candidates import Candidate
from pipeline.trials import (
    HISTORY_COLUMNS,
    FinishedTrial,
    Recipe,
    read_history,
    read_trial,
    results_folder,
    write_candidate,
)

CANDIDATE = Candidate("finetune", "tiny-gradual", backbone="tiny", technique="gradual")
RECIPE = Recipe.of(CANDIDATE, "multiclass", "f" * 64, {"training": {"batch_size": 16}})


def finished(seed: int, trained: tuple[int, int] = (10, 30), **choices: object) -> FinishedTrial:
    """Two phases of one epoch each, of which the second is better, in a model of 100 parameters at least."""
    rows = [
        dict(zip(HISTORY_COLUMNS, [seed, phase, phase, 0.1, count, 1 / phase, 0.5, 2 / phase, 0.25], strict=True))
        for phase, count in enumerate(trained, start=1)
    ]
    phases = [
        {"phase": phase, "train": train, "trainable_parameters": count}
        for phase, (train, count) in enumerate(zip(("head", "all"), trained, strict=True), start=1)
    ]
    return FinishedTrial(rows, rows[1], phases, 70 + max(trained), {"fit_seconds": float(seed)}, dict(choices))


def test_the_folder_holds_what_every_trial_came_to(checkout: Path) -> None:
    write_candidate(RECIPE, {0: finished(0), 3: finished(3)}, {"host": {"cores": 2}})
    trial, history = read_trial("finetune-tiny-gradual"), read_history("finetune-tiny-gradual")
    assert (trial.family, trial.backbone, trial.technique, trial.task) == ("finetune", "tiny", "gradual", "multiclass")
    assert trial.parameters == {"training": {"batch_size": 16}, "seeds": [0, 3]} and trial.fingerprint == "f" * 64
    assert trial.seeds[1] == {"seed": 3, "best_epoch": 2, "best_phase": 2, "val_loss": 1.0, "val_accuracy": 0.25}
    assert trial.parameter_counts == {"total": 100, "trainable": 30} and trial.tuning == {}
    assert list(history.columns) == HISTORY_COLUMNS and history["seed"].tolist() == [0, 0, 3, 3]
    cost = read_json(results_folder("finetune-tiny-gradual") / "cost.json")
    seeds = {"0": {"fit_seconds": 0.0}, "3": {"fit_seconds": 3.0}}
    assert cost == {"candidate": "finetune-tiny-gradual", "seeds": seeds, "host": {"cores": 2}}


def test_counts_that_differ_between_seeds_are_means_and_what_is_frozen_counts_once(checkout: Path) -> None:
    trials = {0: finished(0, (10, 20)), 1: finished(1, (10, 41))}
    write_candidate(RECIPE, trials, {}, {"method": "none"})
    trial = read_trial("finetune-tiny-gradual")
    assert [phase["trainable_parameters"] for phase in trial.phases] == [10, 30]
    assert trial.parameter_counts == {"total": 100, "trainable": 30} and trial.tuning == {"method": "none"}


def test_what_was_chosen_for_a_seed_alone_is_part_of_its_entry(checkout: Path) -> None:
    write_candidate(RECIPE, {0: finished(0, chosen={"C": 1.0}), 1: finished(1, chosen={"C": 10.0})}, {})
    assert [entry["chosen"]["C"] for entry in read_trial("finetune-tiny-gradual").seeds] == [1.0, 10.0]


def test_a_regression_is_told_in_its_own_score(checkout: Path) -> None:
    recipe = Recipe.of(CANDIDATE, "regression", "f" * 64, {})
    of_accuracy = finished(0)
    rows = [{key.replace("accuracy", "rmse"): value for key, value in row.items()} for row in of_accuracy.history]
    write_candidate(recipe, {0: FinishedTrial(rows, rows[0], of_accuracy.phases, 100, {})}, {})
    assert list(pd.read_csv(results_folder(recipe.candidate) / "history.csv").columns)[-1] == "val_rmse"
    assert read_trial(recipe.candidate).seeds[0]["val_rmse"] == pytest.approx(0.25)
