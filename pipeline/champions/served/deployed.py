"""What of a candidate is served: the model of its best seed, or the models of an ensemble with their shares.

A trained candidate stands in results/. An ensemble has no folder of its own: which models it holds stands in
verdict.json, or is what a retraining has just put together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pipeline.champions.log import ChampionError
from pipeline.comparison.tables.ensembles.averaging import average
from pipeline.comparison.tables.ensembles.ensemble import Part, fingerprint_of
from pipeline.comparison.tables.measurements import best_seed
from pipeline.evaluation.answers.predictions import SplitPredictions
from pipeline.evaluation.measures.metrics import metrics_by_seed
from pipeline.ground.files import read_json, read_parquet
from pipeline.ground.paths import VERDICT
from pipeline.params.compare import ENSEMBLE
from pipeline.trials import Trial, evaluation_folder, probability_columns, read_trial, results_folder

Record = Mapping[str, Any]  # of an ensemble, as verdict.json has it


@dataclass(frozen=True)
class Deployed:
    """
    Attributes:
        trial: the candidate's recipe; of an ensemble, which is not trained itself, what it is made of.
        parts: the models that answer, with their shares.
    """

    trial: Trial
    parts: tuple[Part, ...]

    @property
    def candidate(self) -> str:
        return self.trial.candidate

    @property
    def is_ensemble(self) -> bool:
        """Whether it is made of trained candidates; a soup is, and is one network all the same."""
        return is_ensemble(self.candidate)

    @property
    def is_several(self) -> bool:
        """Whether more than one model answers."""
        return len(self.parts) > 1

    @property
    def trained(self) -> list[str]:
        """The candidates that were trained for it: itself, or the members of the ensemble."""
        return list(self.trial.parameters["ensemble"]["members"]) if self.is_ensemble else [self.candidate]

    @property
    def seed(self) -> int:
        """Whose model it is; of an ensemble that of its first model."""
        return self.parts[0].seed


def is_ensemble(candidate: str) -> bool:
    return candidate.startswith(f"{ENSEMBLE}-")


def deployed_of(candidate: str, record: Record | None = None) -> Deployed:
    """
    Args:
        record: of an ensemble that is not that of the comparison on disk.

    Raises:
        ChampionError: the comparison does not say which models the ensemble holds, or they are not those on disk.
    """
    if not is_ensemble(candidate):
        trial = read_trial(candidate)
        return Deployed(trial, (Part(candidate, best_seed(trial), 1.0),))
    record = record or recorded_ensembles().get(candidate)
    if record is None:
        raise ChampionError(f"{VERDICT}: does not say which models {candidate} holds; `dvc repro` first")
    if (reason := stale_members(record)) is not None:
        raise ChampionError(f"{candidate}: {reason}")
    return Deployed(_trial_of(record), parts_of(record))


def recorded_ensembles() -> dict[str, Record]:
    """Those of the comparison on disk, by name."""
    told = (read_json(VERDICT).get("ensembles") or {}) if VERDICT.is_file() else {}
    return {entry["candidate"]: entry for entry in told.get("ensembles", [])}


def parts_of(record: Record) -> tuple[Part, ...]:
    return tuple(Part(**part) for part in record["models"])


def stale_members(record: Record) -> str | None:
    """Why the models on disk are not those of the ensemble, as half a sentence; None where they are."""
    folders = _folders(record)
    described = [results_folder(name) / "trial.json" for name in folders]
    needed = described + [evaluation_folder(name) / "predictions.parquet" for name in folders]
    if all(path.is_file() for path in described):
        needed += [read_trial(part.candidate).model_file(part.seed) for part in parts_of(record)]
    if missing := [path for path in needed if not path.is_file()]:
        return f"{missing[0].as_posix()}, a part of it, is not here; `dvc repro` first"
    if not follows_from_results(record):
        return "it was put together from other results than those on disk; `dvc repro` first"
    return None


def follows_from_results(record: Record) -> bool:
    """Whether an ensemble is of what results/ holds, going by each trial.json; no model is looked for."""
    members, parts = list(record["members"]), parts_of(record)
    names = _folders(record)
    if not all((results_folder(name) / "trial.json").is_file() for name in names):
        return False
    fingerprints = {name: read_trial(name).fingerprint for name in names}
    if fingerprint_of(record["kind"], parts, fingerprints) != record["fingerprint"]:
        return False
    return all(_is_of(part.candidate, {name: fingerprints[name] for name in members}) for part in parts)


def _folders(record: Record) -> list[str]:
    """Of whom it needs results: its members, and a soup, which has a folder of its own."""
    return list(dict.fromkeys([*record["members"], *(part.candidate for part in parts_of(record))]))


def _is_of(candidate: str, fingerprints: Mapping[str, str]) -> bool:
    """Whether a network is a member's own, or a soup of the members that are on disk.

    Args:
        fingerprints: of the members.
    """
    if candidate in fingerprints:
        return True
    soup = read_trial(candidate).parameters["soup"]
    return bool(fingerprints.get(soup["of"]) == soup["fingerprint"])


def predictions_of(deployed: Deployed) -> pd.DataFrame:
    """What is served, asked about every example, as predictions.parquet has it: of one seed, or of all models together.

    An ensemble's answers on a split are those of its models that had the example in it.
    """
    tables = {
        name: read_parquet(evaluation_folder(name) / "predictions.parquet")
        for name in dict.fromkeys(part.candidate for part in deployed.parts)
    }
    if not deployed.is_several:
        rows = tables[deployed.candidate]
        return rows[rows["seed"] == deployed.seed]
    weights = [part.weight for part in deployed.parts]
    splits = []
    for split in ("train", "val", "test"):
        answers = [
            rows[(rows["seed"] == part.seed) & (rows["split"] == split)].drop(columns=["seed", "split"])
            for part in deployed.parts
            for rows in [tables[part.candidate]]
        ]
        table = average(answers, weights)
        table.insert(0, "seed", deployed.seed)
        table.insert(1, "split", split)
        splits.append(table)
    return pd.concat(splits, ignore_index=True)


def metrics_of(deployed: Deployed, predictions: pd.DataFrame) -> dict[str, Any]:
    """As metrics.json has them of a seed; of several models they are computed here, since nothing evaluated these."""
    if not deployed.is_several:
        measured = read_json(evaluation_folder(deployed.candidate) / "metrics.json")
        return dict(measured["seeds"][str(deployed.seed)])
    splits = {split: _split(predictions[predictions["split"] == split]) for split in ("train", "val", "test")}
    return dict(metrics_by_seed(deployed.trial.task, {deployed.seed: splits})[str(deployed.seed)])


def _split(rows: pd.DataFrame) -> SplitPredictions:
    names = probability_columns(rows) or ["predicted"]
    return SplitPredictions(rows["example"].to_numpy(str), rows["label"].to_numpy(), rows[names].to_numpy(np.float32))


def _trial_of(record: Record) -> Trial:
    parts = parts_of(record)
    trials = {name: read_trial(name) for name in (*record["members"], *(part.candidate for part in parts))}
    counts = {
        key: sum(trials[part.candidate].parameter_counts[key] for part in parts) for key in ("total", "trainable")
    }
    return Trial(
        candidate=str(record["candidate"]),
        family=ENSEMBLE,
        backbone=None,
        technique=None,
        task=trials[parts[0].candidate].task,
        fingerprint=str(record["fingerprint"]),
        parameters={
            "ensemble": {key: record[key] for key in ("kind", "members", "models")},
            "members": {name: trials[name].parameters for name in record["members"]},
        },
        parameter_counts=counts,
        phases=[],
        seeds=[{"seed": seed} for seed in dict.fromkeys(part.seed for part in parts)],
    )
