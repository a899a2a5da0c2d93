"""The trial folder: what a candidate leaves on disk, read and written in one place.

results/<candidate>/     trial.json, history.csv, cost.json, models/seed-<n>.keras|.skops
evaluation/<candidate>/  metrics.json, cost.json, predictions.parquet, figures/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.files import read_json, write_csv, write_json
from pipeline.tasks import task_named

RESULTS = Path("results")
EVALUATION = Path("evaluation")

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
class Trial:
    """trial.json: what a candidate is and how it was trained, all seeds together.

    Attributes:
        parameters: every parameter that could change the result, resolved, as nested plain data.
        parameter_counts: {"total": …, "trainable": …}; trainable is the most that any phase trained.
        phases: one entry a phase, in order: {"phase": 1, "train": "head", "trainable_parameters": …, …}.
        seeds: one entry a seed: {"seed": 0, "best_epoch": …, …}, what that trial chose or found.
        tuning: how its hyperparameters were found: {"method": …, "settings_tried": …, …}.
        fingerprint: of code, data and parameters, without the list of seeds (see `fingerprint`).
    """

    candidate: str
    family: str
    backbone: str | None
    technique: str | None
    task: str
    parameters: dict[str, Any]
    parameter_counts: dict[str, int]
    phases: list[dict[str, Any]]
    seeds: list[dict[str, Any]]
    fingerprint: str
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


def history_columns(task: str) -> list[str]:
    """HISTORY_COLUMNS, with the task's own score."""
    return [column.replace("accuracy", task_named(task).score) for column in HISTORY_COLUMNS]


def write_trial(trial: Trial, history: pd.DataFrame, cost: Mapping[str, Any]) -> None:
    """Write trial.json, history.csv (its columns are `history_columns`) and cost.json of one candidate."""
    folder = results_folder(trial.candidate)
    write_json(folder / "trial.json", asdict(trial))
    write_csv(folder / "history.csv", history[history_columns(trial.task)])
    write_json(folder / "cost.json", cost)


def read_trial(candidate: str) -> Trial:
    return Trial(**read_json(results_folder(candidate) / "trial.json"))


def read_history(candidate: str) -> pd.DataFrame:
    return pd.read_csv(results_folder(candidate) / "history.csv")
