"""results/ and evaluation/ → champions/: the model of a candidate becomes a registered version."""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.champions import log as champions
from pipeline.champions.log import Champion, Event
from pipeline.files import read_json
from pipeline.scores import score_of
from pipeline.tracking.fields import finite
from pipeline.tracking.model import answers, best_seed, servable, write_model_folder
from pipeline.trials import Trial, evaluation_folder, read_trial, results_folder

DATASET = Path("data/prepared/dataset.json")
VERDICT, RANKING = Path("comparison/verdict.json"), Path("comparison/ranking.csv")
WORKSPACE_MARK = Path(".kiyas/workspace")  # a study's workspace has one: it never registers a model
# What is recommended where nothing beats always guessing the most common class, or the mean.
FLOORS = ("classical-majority", "classical-mean")

log = logging.getLogger("kiyas")


def data_hash() -> str:
    """Of the prepared examples, both splits: what decisions were made on."""
    hashes = read_json(DATASET)["hashes"]
    return hashlib.sha256(f"{hashes['development']}{hashes['test']}".encode()).hexdigest()


def holds_photos() -> bool:
    """Whether the prepared examples are labelled photos."""
    return DATASET.is_file() and read_json(DATASET).get("image_size") is not None


def _may_be_asked() -> bool:
    return DATASET.is_file() and answers(read_json(DATASET))


def register_winner() -> Champion | None:
    """Register the winner of the comparison on disk, unless that was done, or decided on, before.

    A comparison is accepted where something is shown to beat the floor. It is the winner that is registered, not the
    cheapest of its equals: what made the one dearer, its training, is paid already.
    """
    if WORKSPACE_MARK.is_file() or not (VERDICT.is_file() and RANKING.is_file() and _may_be_asked()):
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
    if trial.fingerprint in decided:
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
    beaten = verdict.get("recommended") in (None, *FLOORS)
    return (None, {}) if beaten or winner not in rows else (winner, {str(k): v for k, v in rows[winner].items()})


def _is_of(candidate: str, row: Mapping[str, Any]) -> bool:
    """Whether the results are all on disk and the comparison is of them; a retraining leaves an older one behind."""
    results, metrics = results_folder(candidate), evaluation_folder(candidate) / "metrics.json"
    needed = [DATASET, results / "trial.json", results / "models", metrics, metrics.with_name("predictions.parquet")]
    if not all(path.exists() for path in needed):
        return False
    score = f"test_{score_of(read_trial(candidate).task).name}"
    measured = read_json(metrics)["mean"][score]
    return abs(float(row[score]) - measured) <= 1e-5 * max(1.0, abs(measured))


def _fill(folder: Path, version: int, trial: Trial, interval: list[float]) -> Champion:
    candidate, seed = trial.candidate, best_seed(trial)
    dataset, cost = read_json(DATASET), read_json(results_folder(candidate) / "cost.json")
    shutil.copyfile(results_folder(candidate) / "trial.json", folder / "trial.json")
    predictions = pd.read_parquet(evaluation_folder(candidate) / "predictions.parquet")
    predictions[predictions["seed"] == seed].to_parquet(folder / "predictions.parquet", index=False)
    model = servable(trial, dataset, cost.get("versions") or {}, version=str(version))
    write_model_folder(folder / "model", model)
    measured = read_json(evaluation_folder(candidate) / "metrics.json")
    return Champion(
        version=version,
        candidate=candidate,
        family=trial.family,
        seed=seed,
        fingerprint=trial.fingerprint,
        task=trial.task,
        class_names=dataset["class_names"],
        image_size=dataset.get("image_size"),
        columns=dataset.get("columns"),
        data=data_hash(),
        metrics=finite(measured["seeds"][str(seed)]),
        interval=[float(bound) for bound in interval],
        registered=champions.now(),
        commit=cost.get("commit"),
        dirty=cost.get("dirty"),
    )
