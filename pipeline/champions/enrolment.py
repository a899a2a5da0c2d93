"""results/ and evaluation/ → champions/: a trained candidate becomes a registered version.

Nothing registers by the way: `python -m pipeline enrol` does it for the winner of a comparison, and a retraining for
the challenger that it decides on.
"""

from __future__ import annotations

import logging
import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.champions.bundle import write_model_folder
from pipeline.champions.log import LOG, POINTER, Event, now, read_log
from pipeline.champions.prepared_data import can_be_served, data_hash
from pipeline.champions.servable import best_seed, servable_of
from pipeline.champions.versions import Champion, add_version
from pipeline.floors import FLOORS as FLOOR_ANSWERS
from pipeline.ground.files import read_json
from pipeline.ground.paths import DATASET, RANKING, VERDICT
from pipeline.scores import SCORES, score_of
from pipeline.trials import Trial, evaluation_folder, read_trial, results_folder

WORKSPACE_MARK = Path(".kiyas/workspace")  # a study's workspace has one: it never registers a model
# What is recommended where nothing beats always guessing the most common class, or the mean.
FLOORS = tuple(floor.candidate for floor in FLOOR_ANSWERS)

log = logging.getLogger("kiyas")


@dataclass(frozen=True)
class Winner:
    """The winner of the comparison on disk.

    Attributes:
        score: its mean over the seeds, as the comparison has it.
        interval: of the score, [low, high].
    """

    candidate: str
    score: float
    interval: list[float]


def register_winner() -> Champion | None:
    """Register the winner of the comparison on disk, unless something stands against it (`obstacle`).

    It is the winner that is registered, not the cheapest of its equals: the extra training cost is already spent.
    """
    if champions_are_missing():
        log.warning("nothing registered: %s", obstacle())
    winner = winner_of_comparison()
    return enrol(winner.candidate, winner.interval) if winner and not obstacle() else None


def obstacle() -> str | None:
    """Why the winner of the comparison on disk cannot be registered, as half a sentence; None where it can."""
    if WORKSPACE_MARK.is_file():
        return "this is a study's workspace, where no model is registered"
    if champions_are_missing():
        return f"{POINTER} names champions that are not here; `dvc pull champions` first"
    if not (VERDICT.is_file() and RANKING.is_file() and DATASET.is_file()):
        return "there is no comparison yet; `dvc repro` makes one"
    if not can_be_served(read_json(DATASET)):
        return "models of a series cannot be asked about other examples"
    winner = winner_of_comparison()
    if winner is None:
        return "nothing is shown to beat always guessing the most common class, or the mean"
    if not _is_on_disk(winner):
        return f"the comparison is not of the results of {winner.candidate} on disk; `dvc repro` first"
    if read_trial(winner.candidate).fingerprint in {entry.fingerprint for entry in read_log()}:
        return f"{winner.candidate} was registered, or decided on, before"
    return None


def champions_are_missing() -> bool:
    """Whether DVC keeps champions that have not been pulled: what is registered now would begin a second history."""
    return POINTER.is_file() and not LOG.is_file()


def winner_of_comparison() -> Winner | None:
    """None without a comparison, and where nothing is shown to beat the floor."""
    if not (VERDICT.is_file() and RANKING.is_file()):
        return None
    verdict = read_json(VERDICT)
    rows = {str(row["candidate"]): row for row in pd.read_csv(RANKING).to_dict("records")}
    name = verdict.get("winner")
    if verdict.get("recommended") in (None, *FLOORS) or name not in rows:
        return None
    row = rows[name]
    score = next(score for score in SCORES if score.column in row)
    low, high = verdict.get("winner_interval") or (row["low"], row["high"])  # of a verdict from before it had one
    return Winner(name, float(row[score.column]), [float(low), float(high)])


def enrol(
    candidate: str,
    interval: Sequence[float],
    event: Event = "registered",
    reasons: Sequence[str] = (),
    numbers: dict[str, Any] | None = None,
) -> Champion:
    """Store a trained and evaluated candidate as the next version of champions/.

    Args:
        candidate: its name.
        interval: [low, high] of its test score.
        event: "registered", "promoted" or "asked".
        reasons: full sentences, for the log.
        numbers: what was measured for the decision, for the log.
    """
    trial = read_trial(candidate)
    return add_version(
        lambda folder, version: _fill(folder, version, trial, interval), data_hash(), event, reasons, numbers
    )


def _is_on_disk(winner: Winner) -> bool:
    """Whether the results are all there and the comparison is of them; a retraining leaves an older one behind."""
    results, evaluation = results_folder(winner.candidate), evaluation_folder(winner.candidate)
    metrics = evaluation / "metrics.json"
    needed = [results / "trial.json", results / "models", metrics, evaluation / "predictions.parquet"]
    if not all(path.exists() for path in needed):
        return False
    measured = read_json(metrics)["mean"][score_of(read_trial(winner.candidate).task).column]
    return abs(winner.score - measured) <= 1e-5 * max(1.0, abs(measured))


def _fill(folder: Path, version: int, trial: Trial, interval: Sequence[float]) -> Champion:
    """Write all files of a version but champion.json, which is returned."""
    candidate, seed = trial.candidate, best_seed(trial)
    dataset, cost = read_json(DATASET), read_json(results_folder(candidate) / "cost.json")
    shutil.copyfile(results_folder(candidate) / "trial.json", folder / "trial.json")
    predictions = pd.read_parquet(evaluation_folder(candidate) / "predictions.parquet")
    predictions[predictions["seed"] == seed].to_parquet(folder / "predictions.parquet", index=False)
    model = servable_of(trial, dataset, cost.get("versions") or {}, {"version": str(version)})
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
        metrics=_finite(measured["seeds"][str(seed)]),
        interval=[float(bound) for bound in interval],
        registered=now(),
        commit=cost.get("commit"),
        dirty=cost.get("dirty"),
    )


def _finite(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The metrics that are finite numbers; JSON has no word for the others."""
    numbers = {key: float(value) for key, value in metrics.items() if isinstance(value, int | float)}
    return {key: value for key, value in numbers.items() if math.isfinite(value)}
