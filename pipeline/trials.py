"""The trial folder: what a candidate leaves on disk, read and written in one place.

results/<candidate>/     trial.json, history.csv, cost.json, models/seed-<n>.keras|.skops
evaluation/<candidate>/  metrics.json, cost.json, predictions.parquet, figures/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

import pandas as pd

from pipeline.ground.files import read_described, write_csv, write_json
from pipeline.ground.paths import EVALUATION, RESULTS
from pipeline.params.training.candidates import Candidate
from pipeline.tasks import task_named

HISTORY_COLUMNS = [
    "seed",
    "phase",
    "epoch",
    "learning_rate",
    "trainable_parameters",
    "train_loss",
    "train_accuracy",
    "val_loss",
    "val_accuracy",
]  # of a regression rmse in place of accuracy: `history_columns`


@dataclass(frozen=True)
class Recipe:
    """What is known of a candidate before it is trained. A trial is a recipe and a seed.

    Attributes:
        candidate: its name, which is its folder under results/ and evaluation/.
        family: classical, cnn, mlp, recurrent or finetune; ensemble, of what is put together of trained ones.
        task: "multiclass", "binary" or "regression".
        fingerprint: of code, data and parameters, without the list of seeds (see `fingerprints.fingerprint`).
        parameters: every parameter that could change the result, resolved, as nested plain data.
    """

    candidate: str
    family: str
    backbone: str | None
    technique: str | None
    task: str
    fingerprint: str
    parameters: dict[str, Any]

    @classmethod
    def of(cls, candidate: Candidate, task: str, fingerprint: str, parameters: dict[str, Any]) -> Recipe:
        return cls(
            candidate.name,
            candidate.family,
            candidate.backbone,
            candidate.technique,
            task,
            fingerprint,
            parameters,
        )


@dataclass(frozen=True)
class FinishedTrial:
    """What one seed of a recipe came to.

    Attributes:
        history: its rows of history.csv.
        best: the row of the epoch whose weights its model has.
        phases: one entry a phase, in order: {"phase": 1, "train": "head", "trainable_parameters": …, …}.
        parameters: how many numbers its model consists of, frozen ones included.
        cost: its entry in cost.json.
        choices: what was chosen for this seed alone, such as hyperparameters; part of its entry in trial.json.
    """

    history: list[dict[str, Any]]
    best: dict[str, Any]
    phases: list[dict[str, Any]]
    parameters: int
    cost: dict[str, Any]
    choices: dict[str, Any] = field(default_factory=dict)

    @property
    def trainable_parameters(self) -> int:
        """The most that any phase trained."""
        return max(phase["trainable_parameters"] for phase in self.phases)

    def described(self, seed: int) -> dict[str, Any]:
        """Its entry under `seeds` in trial.json."""
        validation = {key: value for key, value in self.best.items() if key.startswith("val_")}
        epoch = {"seed": seed, "best_epoch": self.best["epoch"], "best_phase": self.best["phase"]}
        return {**epoch, **validation, **self.choices}


@dataclass(frozen=True)
class Trial(Recipe):
    """trial.json: what a candidate is and how it was trained, all seeds together.

    Attributes:
        parameter_counts: {"total": …, "trainable": …}; trainable is the most that any phase trained. What a fit of a
            classical model leaves depends on the seed: then these are means.
        phases: as those of its finished trials.
        seeds: one entry a seed: {"seed": 0, "best_epoch": …, …}, what that trial chose or found.
        tuning: how its hyperparameters were found: {"method": …, "settings_tried": …, …}.
    """

    parameter_counts: dict[str, int]
    phases: list[dict[str, Any]]
    seeds: list[dict[str, Any]]
    tuning: dict[str, Any] = field(default_factory=dict)

    def model_file(self, seed: int) -> Path:
        """Classical models are kept as .skops, networks as .keras."""
        return model_path(self.candidate, seed, ".skops" if self.family == "classical" else ".keras")


def results_folder(candidate: str) -> Path:
    return RESULTS / candidate


def evaluation_folder(candidate: str) -> Path:
    return EVALUATION / candidate


def model_path(candidate: str, seed: int, suffix: str) -> Path:
    """results/<candidate>/models/seed-<n><suffix>; suffix is `.keras` or `.skops`."""
    return results_folder(candidate) / "models" / f"seed-{seed}{suffix}"


def probability_columns(columns: Iterable[Any]) -> list[str]:
    """p_0 … p_k of predictions.parquet, in their order; none where numbers are predicted."""
    return [str(name) for name in columns if re.fullmatch(r"p_\d+", str(name))]


def history_columns(task: str) -> list[str]:
    """HISTORY_COLUMNS, with the task's own score."""
    return [column.replace("accuracy", task_named(task).score) for column in HISTORY_COLUMNS]


def write_candidate(
    recipe: Recipe,
    trials: Mapping[int, FinishedTrial],
    circumstances: Mapping[str, Any],
    tuning: dict[str, Any] | None = None,
) -> None:
    """Write trial.json, history.csv and cost.json of a candidate; its models are already in place.

    Args:
        trials: by seed, in the order of the seeds.
        circumstances: on which machine, with which versions and code they were trained.
        tuning: see `Trial`.
    """
    history = pd.DataFrame([row for trial in trials.values() for row in trial.history])
    costs = {str(seed): trial.cost for seed, trial in trials.items()}
    cost = {"candidate": recipe.candidate, "seeds": costs, **circumstances}
    write_trial(summary_of(recipe, trials, tuning or {}), history, cost)


def summary_of(recipe: Recipe, trials: Mapping[int, FinishedTrial], tuning: dict[str, Any]) -> Trial:
    """All trials of a recipe as one entry of trial.json.

    How many numbers a fit leaves in a classical model differs between seeds, so the counts are means; for networks
    these are what every seed has.
    """
    first = next(iter(trials.values()))
    frozen = first.parameters - first.trainable_parameters
    phases = [
        {**phase[0], "trainable_parameters": round(fmean(of_seed["trainable_parameters"] for of_seed in phase))}
        for phase in zip(*(trial.phases for trial in trials.values()), strict=True)
    ]
    trainable = max(phase["trainable_parameters"] for phase in phases)
    return Trial(
        **(vars(recipe) | {"parameters": recipe.parameters | {"seeds": list(trials)}}),
        parameter_counts={"total": frozen + trainable, "trainable": trainable},
        phases=phases,
        seeds=[trial.described(seed) for seed, trial in trials.items()],
        tuning=tuning,
    )


def write_trial(trial: Trial, history: pd.DataFrame, cost: Mapping[str, Any]) -> None:
    """Write trial.json, history.csv (its columns are `history_columns`) and cost.json of one candidate."""
    folder = results_folder(trial.candidate)
    write_json(folder / "trial.json", asdict(trial))
    write_csv(folder / "history.csv", history[history_columns(trial.task)])
    write_json(folder / "cost.json", cost)


def read_trial(candidate: str) -> Trial:
    return read_described(results_folder(candidate) / "trial.json", Trial)


def read_history(candidate: str) -> pd.DataFrame:
    return pd.read_csv(results_folder(candidate) / "history.csv")
