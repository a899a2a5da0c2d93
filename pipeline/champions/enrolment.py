"""results/ and evaluation/ → champions/: a trained candidate becomes a registered version.

Nothing registers by the way: `python -m pipeline enrol` does it for the candidate that a comparison advises, `promote`
for one that a person names, and a retraining for the challenger that it decides on.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.champions.bundle import write_model_folder
from pipeline.champions.log import LOG, POINTER, ChampionError, Event, now, read_log
from pipeline.champions.prepared_data import can_be_served, data_hash
from pipeline.champions.served.deployed import (
    Deployed,
    Record,
    deployed_of,
    is_ensemble,
    metrics_of,
    parts_of,
    predictions_of,
    recorded_ensembles,
    stale_members,
)
from pipeline.champions.served.servable import identity_of, ranked_by, servable_of
from pipeline.champions.versions import Champion, add_version, folder_of, read_champion
from pipeline.floors import FLOORS as FLOOR_ANSWERS
from pipeline.ground.files import DamagedFileError, read_json, reading, write_json, write_parquet
from pipeline.ground.paths import DATASET, RANKING, VERDICT, WORKSPACE_MARK
from pipeline.ownership import is_changed
from pipeline.scores.score_for_task import USUAL_SCORES, floor_for, usual_score
from pipeline.trials import evaluation_folder, read_trial, results_folder

# What is recommended where nothing beats always guessing the most common class, or the mean.
FLOORS = tuple(floor.candidate for floor in FLOOR_ANSWERS)

log = logging.getLogger("kiyas")


@dataclass(frozen=True)
class Compared:
    """A candidate of the comparison on disk.

    Attributes:
        score: its accuracy, or RMSE, as a mean over the seeds, as the comparison has it.
        interval: of what candidates were ranked by, [low, high].
        model_score, model_interval: of the one model that is served; None where the comparison did not measure it.
        fingerprint: of the trial that was compared; None where the comparison does not tell it.
    """

    candidate: str
    score: float
    interval: list[float]
    model_score: float | None
    model_interval: list[float] | None
    fingerprint: str | None = None


def register_advised() -> Champion | None:
    """Register the candidate that the comparison on disk advises, unless something stands against it (`obstacle`).

    So the report, the registry and `predict` speak of one model. Whoever wants the highest score instead promotes it
    by its name.
    """
    if champions_are_missing():
        log.warning("nothing registered: %s", obstacle())
    advised = advised_candidate()
    if advised is None or obstacle():
        return None
    return _enrol_compared(advised)


def version_of(candidate: str) -> int:
    """The version of a candidate as it stands in the comparison on disk; it is registered where it was not yet.

    Raises:
        ChampionError: there is no such candidate, or it cannot be registered.
    """
    if registered := _registered_version(candidate):
        return registered
    rows = _ranking()
    if candidate not in rows:
        raise ChampionError(f"{candidate}: {RANKING} has no such candidate; `dvc repro` compares those of params.yaml")
    compared = _compared(candidate, rows[candidate], read_json(VERDICT))
    if reason := _obstacle_to_any() or _obstacle_to(compared) or _changed_files(candidate):
        raise ChampionError(f"{candidate}: cannot be registered: {reason}")
    return _enrol_compared(compared).version


def _registered_version(candidate: str) -> int | None:
    """The newest version that answers as the candidate on disk would: the same model with the same rule.

    What is not on disk, a version or the candidate's own files, cannot be compared; then the same training counts.
    """
    fingerprint = _fingerprint_on_disk(candidate)
    if not (versions := {entry.version for entry in read_log() if entry.version and entry.fingerprint == fingerprint}):
        return None
    try:
        identity = identity_of(deployed_of(candidate))
    except (ChampionError, DamagedFileError, FileNotFoundError):
        return max(versions)
    same = [one for one in versions if not folder_of(one).is_dir() or read_champion(one).identity == identity]
    return max(same, default=None)


def _was_kept_out(candidate: str) -> bool:
    """Whether it was decided, by the score of today, that it is not needed; entries that name no score count too."""
    dataset, fingerprint = read_json(DATASET), _fingerprint_on_disk(candidate)
    today = ranked_by(dataset["task"], dataset["class_names"]).described()
    return any(
        entry.version is None
        and entry.fingerprint == fingerprint
        and entry.numbers.get("score", today["name"]) == today["name"]
        and entry.numbers.get("ranked_by", today) == today
        for entry in read_log()
    )


def _fingerprint_on_disk(candidate: str) -> str | None:
    """Of a candidate that was trained, or of an ensemble that the comparison put together."""
    if is_ensemble(candidate):
        record = recorded_ensembles().get(candidate)
        return record["fingerprint"] if record else None
    return read_trial(candidate).fingerprint if (results_folder(candidate) / "trial.json").is_file() else None


def obstacle() -> str | None:
    """Why what the comparison on disk advises cannot be registered, as half a sentence; None where it can."""
    if reason := _obstacle_to_any():
        return reason
    advised = advised_candidate()
    if advised is None:
        return f"nothing is shown to beat {_floor_of_today()}"
    if reason := _obstacle_to(advised):
        return reason
    if _registered_version(advised.candidate) or _was_kept_out(advised.candidate):
        return f"{advised.candidate} was registered, or decided on, before"
    return _changed_files(advised.candidate)


def _floor_of_today() -> str:
    dataset = read_json(DATASET)
    score = ranked_by(dataset["task"], dataset["class_names"])
    return floor_for(score, dataset["task"], dataset.get("kind", "images")).name


def _obstacle_to_any() -> str | None:
    if WORKSPACE_MARK.is_file():
        return "this is a study's workspace, where no model is registered"
    if champions_are_missing():
        return f"{POINTER} names champions that are not here; `dvc pull champions` first"
    if not (VERDICT.is_file() and RANKING.is_file() and DATASET.is_file()):
        return "there is no comparison yet; `dvc repro` makes one"
    if not can_be_served(read_json(DATASET)):
        return f"{DATASET} does not say how its series is written; `dvc repro` prepares it anew"
    return None


def _obstacle_to(compared: Compared) -> str | None:
    if is_ensemble(compared.candidate):
        record = recorded_ensembles().get(compared.candidate)
        reason = stale_members(record) if record else f"{VERDICT} does not say which models it holds; `dvc repro` first"
        return reason or _other_members(record or {}) or _other_score(read_json(DATASET)["task"])
    if not _is_on_disk(compared):
        return f"the comparison is not of the results of {compared.candidate} on disk; `dvc repro` first"
    return _other_score(read_trial(compared.candidate).task)


def _other_members(record: Record) -> str | None:
    """The comparison is of an ensemble where it is of the results of each member, and of a soup's own network."""
    rows, verdict = _ranking(), read_json(VERDICT)
    for name in dict.fromkeys([*record["members"], *(part.candidate for part in parts_of(record))]):
        if name not in rows or not _is_on_disk(_compared(name, rows[name], verdict)):
            return f"the comparison is not of the results of {name} on disk, a part of it; `dvc repro` first"
    return None


def _changed_files(candidate: str) -> str | None:
    """What is registered stays for good, so no file of it may be other than what its stage wrote."""
    files = [DATASET, VERDICT, RANKING]
    for part in deployed_of(candidate).parts:
        results, evaluation = results_folder(part.candidate), evaluation_folder(part.candidate)
        files += [results / "trial.json", read_trial(part.candidate).model_file(part.seed)]
        files += [evaluation / "metrics.json", evaluation / "predictions.parquet"]
    for file in files:
        if is_changed(file):
            return f"{file} is not as its stage wrote it (dvc.lock); `dvc repro` makes it anew"
    return None


def _other_score(task: str) -> str | None:
    """The candidate and its interval are of the comparison's score, the rule kept with it would be of today's."""
    then, today = read_json(VERDICT).get("score") or {}, ranked_by(task, read_json(DATASET)["class_names"])
    before = then.get("name", usual_score(task).name)  # verdicts that name none are of the time when there was but one
    if today.name != before:
        told = f"params.yaml ranks by {today.name}, and the comparison on disk by {before} (compare.score)"
        return f"{told}; `dvc repro` first"
    for key, value in today.described().items():
        if key != "name" and value != then.get(key):
            return f"compare.{key} in params.yaml is not what the comparison on disk was made with; `dvc repro` first"
    return None


def champions_are_missing() -> bool:
    """Whether DVC keeps champions that have not been pulled: what is registered now would begin a second history."""
    return POINTER.is_file() and not LOG.is_file()


def advised_candidate() -> Compared | None:
    """None without a comparison, and where nothing is shown to beat the floor."""
    if not (VERDICT.is_file() and RANKING.is_file()):
        return None
    verdict, rows = read_json(VERDICT), _ranking()
    name = verdict.get("recommended")
    return None if name in (None, *FLOORS) or name not in rows else _compared(name, rows[name], verdict)


def _ranking() -> dict[str, dict[Hashable, Any]]:
    if not RANKING.is_file():
        return {}
    with reading(RANKING):
        return {str(row["candidate"]): row for row in pd.read_csv(RANKING).to_dict("records")}


def _compared(name: str, row: Mapping[Hashable, Any], verdict: Mapping[str, Any]) -> Compared:
    """With the interval that holds after the selection, where the verdict has one for it."""
    roles = {"recommended": "interval", "winner": "winner_interval"}
    selected = [verdict[key] for role, key in roles.items() if verdict.get(role) == name and verdict.get(key)]
    low, high = selected[0] if selected else (row["low"], row["high"])
    usual = next(score.column for score in USUAL_SCORES if score.column in row)
    deployed = verdict.get("deployed", {}).get(name)
    return Compared(
        name,
        float(row[usual]),
        [float(low), float(high)],
        float(deployed[_ranked_column(deployed)]) if deployed else None,
        [float(deployed["low"]), float(deployed["high"])] if deployed else None,
        verdict.get("trials", {}).get(name),
    )


def _ranked_column(deployed: Mapping[str, Any]) -> str:
    """Of what candidates were ranked by."""
    return next(key for key in deployed if key.startswith("test_"))


def _enrol_compared(compared: Compared) -> Champion:
    return enrol(
        compared.candidate,
        compared.interval,
        model_score=compared.model_score,
        model_interval=compared.model_interval,
    )


def enrol(
    candidate: str,
    interval: Sequence[float],
    event: Event = "registered",
    reasons: Sequence[str] = (),
    numbers: dict[str, Any] | None = None,
    record: Record | None = None,
    model_score: float | None = None,
    model_interval: Sequence[float] | None = None,
) -> Champion:
    """Store a trained and evaluated candidate, or an ensemble of such, as the next version of champions/.

    Args:
        candidate: its name.
        interval: [low, high] of its test score.
        event: "registered", "promoted" or "asked".
        reasons: full sentences, for the log.
        numbers: what was measured for the decision, for the log.
        record: of an ensemble that is not that of the comparison on disk.
        model_score: of its one model that is served.
        model_interval: [low, high] of that score.
    """
    deployed = deployed_of(candidate, record)
    own = None if model_interval is None else [float(bound) for bound in model_interval]
    return add_version(
        lambda folder, version: replace(
            _fill(folder, version, deployed, interval), model_score=model_score, model_interval=own
        ),
        data_hash(),
        event,
        reasons,
        numbers,
    )


def _is_on_disk(compared: Compared) -> bool:
    """Whether the results are all there and the comparison is of them; a retraining leaves an older one behind.

    An equal score does not show it: of few or of easy examples two trials are often equally good.
    """
    results, evaluation = results_folder(compared.candidate), evaluation_folder(compared.candidate)
    metrics = evaluation / "metrics.json"
    needed = [results / "trial.json", results / "models", metrics, evaluation / "predictions.parquet"]
    if not all(path.exists() for path in needed):
        return False
    trial = read_trial(compared.candidate)
    if compared.fingerprint not in (None, trial.fingerprint):
        return False
    measured = read_json(metrics)["mean"][usual_score(trial.task).column]
    return abs(compared.score - measured) <= 1e-5 * max(1.0, abs(measured))


def _fill(folder: Path, version: int, deployed: Deployed, interval: Sequence[float]) -> Champion:
    """Write all files of a version but champion.json, which is returned."""
    trial, dataset, costs = deployed.trial, read_json(DATASET), _costs(deployed)
    write_json(folder / "trial.json", asdict(trial))
    predictions = predictions_of(deployed)
    write_parquet(folder / "predictions.parquet", predictions)
    versions = {name: number for cost in costs for name, number in (cost.get("versions") or {}).items()}
    model = servable_of(deployed, dataset, versions, {"version": str(version)})
    write_model_folder(folder / "model", model)
    score = ranked_by(trial.task, dataset["class_names"])
    return Champion(
        version=version,
        candidate=trial.candidate,
        family=trial.family,
        seed=deployed.seed,
        fingerprint=trial.fingerprint,
        task=trial.task,
        class_names=dataset["class_names"],
        image_size=dataset.get("image_size"),
        columns=dataset.get("columns"),
        series=dataset.get("series"),
        data=data_hash(),
        metrics=_finite(metrics_of(deployed, predictions)),
        interval=[float(bound) for bound in interval],
        registered=now(),
        commit=costs[0].get("commit"),
        dirty=any(bool(cost.get("dirty")) for cost in costs) if len(costs) > 1 else costs[0].get("dirty"),
        score=None if score.name in [usual.name for usual in USUAL_SCORES] else score.name,
        decision=dict(model.decision),
        ensemble=dict(trial.parameters["ensemble"]) if deployed.is_ensemble else {},
    )


def _costs(deployed: Deployed) -> list[dict[str, Any]]:
    """cost.json of each candidate that was trained for it."""
    return [read_json(results_folder(name) / "cost.json") for name in deployed.trained]


def _finite(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The metrics that are finite numbers; JSON has no word for the others."""
    numbers = {key: float(value) for key, value in metrics.items() if isinstance(value, int | float)}
    return {key: value for key, value in numbers.items() if math.isfinite(value)}
