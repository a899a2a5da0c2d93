"""results/ and evaluation/ → champions/: the model of a candidate becomes a registered version."""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline import champions
from pipeline.champions import Champion, Event
from pipeline.tracking.fields import finite
from pipeline.tracking.model import Servable, best_seed, write_model_folder
from pipeline.trials import Trial, evaluation_folder, model_path, read_json, read_trial, results_folder

DATASET = Path("data/prepared/dataset.json")
VERDICT, RANKING = Path("comparison/verdict.json"), Path("comparison/ranking.csv")
WORKSPACE_MARK = Path(".kiyas/workspace")  # a study's workspace has one: it never registers a model
CLASSIFICATION = ("binary", "multiclass")
FLOOR = "classical-majority"  # what is recommended where nothing beats always guessing the most common class

log = logging.getLogger("kiyas")


def data_hash() -> str:
    """Of the prepared examples, both splits: what decisions were made on."""
    hashes = read_json(DATASET)["hashes"]
    return hashlib.sha256(f"{hashes['development']}{hashes['test']}".encode()).hexdigest()


def holds_photos() -> bool:
    """Whether the prepared examples are labelled photos: so far only what is learnt from these can be registered."""
    return DATASET.is_file() and read_json(DATASET).get("image_size") is not None


def register_winner() -> Champion | None:
    """Register the winner of the comparison on disk, unless that was done, or decided on, before.

    A comparison is accepted where something is shown to beat the floor. It is the winner that is registered, not the
    cheapest of its equals: what made the one dearer, its training, is paid already.
    """
    if WORKSPACE_MARK.is_file() or not (VERDICT.is_file() and RANKING.is_file() and holds_photos()):
        return None
    if champions.POINTER.is_file() and not champions.LOG.is_file():
        told = "%s names champions that are not here: `dvc pull champions` first; nothing registered"
        log.warning(told, champions.POINTER)
        return None
    winner, row = _accepted_winner()
    if winner is None or not _is_of(winner, row):
        return None
    trial = read_trial(winner)
    decided = {entry.fingerprint for entry in champions.read_log()}
    if trial.task not in CLASSIFICATION or trial.fingerprint in decided:
        return None
    champion = enrol(winner, [row["low"], row["high"]])
    log.info("registered %s, seed %d, as version %d", winner, champion.seed, champion.version)
    return champion


def enrol(
    candidate: str,
    interval: list[float],
    event: Event = "registered",
    reasons: Sequence[str] = (),
    numbers: dict[str, Any] | None = None,
) -> Champion:
    """Store a trained and evaluated candidate as the next version of champions/.

    Args:
        interval: of its mean test accuracy over the seeds.
        event, reasons, numbers: for the log, as in `champions.add_version`.
    """
    trial = read_trial(candidate)
    return champions.add_version(
        lambda folder, version: _fill(folder, version, trial, interval), data_hash(), event, reasons, numbers
    )


def _accepted_winner() -> tuple[str | None, dict[str, Any]]:
    verdict = read_json(VERDICT)
    rows = {row["candidate"]: row for row in pd.read_csv(RANKING).to_dict("records")}
    winner = verdict.get("winner")
    beaten = verdict.get("recommended") in (None, FLOOR)
    return (None, {}) if beaten or winner not in rows else (winner, {str(k): v for k, v in rows[winner].items()})


def _is_of(candidate: str, row: Mapping[str, Any]) -> bool:
    """Whether the results are all on disk and the comparison is of them; a retraining leaves an older one behind."""
    results, metrics = results_folder(candidate), evaluation_folder(candidate) / "metrics.json"
    needed = [DATASET, results / "trial.json", results / "models", metrics, metrics.with_name("predictions.parquet")]
    if not all(path.exists() for path in needed):
        return False
    measured = read_json(metrics)["mean"]["test_accuracy"]
    return abs(float(row["test_accuracy"]) - measured) < 1e-5


def _fill(folder: Path, version: int, trial: Trial, interval: list[float]) -> Champion:
    candidate, seed = trial.candidate, best_seed(trial)
    dataset, cost = read_json(DATASET), read_json(results_folder(candidate) / "cost.json")
    shutil.copyfile(results_folder(candidate) / "trial.json", folder / "trial.json")
    predictions = pd.read_parquet(evaluation_folder(candidate) / "predictions.parquet")
    predictions[predictions["seed"] == seed].to_parquet(folder / "predictions.parquet", index=False)
    suffix = ".skops" if trial.family == "classical" else ".keras"
    servable = Servable(
        model_path(candidate, seed, suffix),
        trial.task,
        dataset["class_names"],
        dataset["image_size"],
        cost.get("versions") or {},
        {"candidate": candidate, "seed": str(seed), "fingerprint": trial.fingerprint, "version": str(version)},
        network_inside=trial.family == "classical" and trial.backbone is not None,
    )
    write_model_folder(folder / "model", servable)
    measured = read_json(evaluation_folder(candidate) / "metrics.json")
    return Champion(
        version=version,
        candidate=candidate,
        family=trial.family,
        seed=seed,
        fingerprint=trial.fingerprint,
        task=trial.task,
        class_names=dataset["class_names"],
        image_size=dataset["image_size"],
        data=data_hash(),
        metrics=finite(measured["seeds"][str(seed)]),
        interval=[float(bound) for bound in interval],
        registered=champions.now(),
        commit=cost.get("commit"),
        dirty=cost.get("dirty"),
    )
