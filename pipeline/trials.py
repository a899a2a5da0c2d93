"""The trial folder: what a candidate leaves on disk, read and written in one place.

results/<candidate>/     trial.json, history.csv, cost.json, models/seed-<n>.keras|.skops
evaluation/<candidate>/  metrics.json, cost.json, predictions.parquet, figures/
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.params import read_yaml
from pipeline.tasks import score_of

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
    return [column.replace("accuracy", score_of(task).name) for column in HISTORY_COLUMNS]


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


def write_json(path: Path, content: Any) -> None:
    with replacing(path) as temporary:
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def write_csv(path: Path, table: pd.DataFrame) -> None:
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside `path` that takes its place only when the block ends well: nothing half-written stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def make_room(folder: Path, size: int, limit: float) -> None:
    """Remove the oldest kept arrays (.npy, with the .json beside each) until `size` more bytes stay within `limit`."""
    kept = sorted(folder.glob("[!.]*.npy"), key=lambda file: file.stat().st_mtime)
    total = sum(file.stat().st_size for file in kept)
    while kept and total + size > limit:
        oldest = kept.pop(0)
        total -= oldest.stat().st_size
        oldest.unlink(missing_ok=True)
        oldest.with_suffix(".json").unlink(missing_ok=True)


def fingerprint(stage: str, item: Mapping[str, str], training_share: float = 1.0) -> str:
    """SHA-256 over what DVC will record for a stage: the content of its deps and the values of its parameters.

    The list of seeds is left out: a trial is this fingerprint and its seed, so that adding a seed leaves the
    others what they were. Read from dvc.yaml itself, since the stage's entry in dvc.lock does not exist yet.

    Args:
        stage: the stage's name in dvc.yaml, such as "finetune".
        item: its matrix values, such as {"backbone": "vgg16", "strategy": "full"}.
        training_share: of each seed's training examples (see `Candidate`).
    """
    described = read_yaml(Path("dvc.yaml"))["stages"][stage]
    values = _parameter_values(described.get("params", []), item)
    values.pop("params.yaml:seeds", None)
    if training_share < 1:
        values["training_share"] = training_share
    deps = {path: hash_path(Path(path)) for path in (_fill(dep, item) for dep in described["deps"])}
    return hashlib.sha256(json.dumps([deps, values], sort_keys=True).encode()).hexdigest()


def hash_path(path: Path) -> str:
    """SHA-256 of a file, or of a folder's file names and contents (byte code left out)."""
    digest = hashlib.sha256()
    if path.is_file():
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
        return digest.hexdigest()
    for file in sorted(child for child in path.rglob("*") if child.is_file() and "__pycache__" not in child.parts):
        digest.update(f"{file.relative_to(path).as_posix()}\0{hash_path(file)}\0".encode())
    return digest.hexdigest()


def _parameter_values(params: list[Any], item: Mapping[str, str]) -> dict[str, Any]:
    """{"file:key": value} for a `params` list of dvc.yaml."""
    values = {}
    for entry in params:
        files = entry if isinstance(entry, dict) else {"params.yaml": [entry]}
        for file, keys in files.items():
            content = read_yaml(Path(file))
            for key in (_fill(key, item) for key in keys):
                value: Any = content
                for part in key.split("."):
                    value = value[part]
                values[f"{file}:{key}"] = value
    return values


def _fill(template: str, item: Mapping[str, str]) -> str:
    """Replace DVC's `${item.key}` by its value."""
    return re.sub(r"\$\{item\.(\w+)\}", lambda match: item[match.group(1)], template)
