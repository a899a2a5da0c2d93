"""MLflow's logged models: which candidates' models it keeps, each once and complete."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.champions.bundle import write_model_folder
from pipeline.champions.prepared_data import can_be_served
from pipeline.champions.served.deployed import deployed_of, recorded_ensembles
from pipeline.champions.served.servable import Servable, ranked_by, servable_of
from pipeline.ground.files import read_json
from pipeline.ground.fingerprints import hash_path
from pipeline.ground.paths import VERDICT
from pipeline.params.upkeep.tracking import Tracking
from pipeline.tracking.address import checkout_id
from pipeline.tracking.descriptions.lineage import dataset_of, was_made_from
from pipeline.tracking.run_fields import CANDIDATE, CHECKOUT, CONTENT, FINGERPRINT, OURS, SEED, SUPERSEDED
from pipeline.tracking.store import Store
from pipeline.trials import Trial, evaluation_folder, read_trial, results_folder

if TYPE_CHECKING:
    from mlflow.entities import LoggedModel

MODELS_A_PAGE = 50


def show_models(store: Store, settings: Tracking, runs: Mapping[str, str]) -> int:
    """Log the models that `tracking.log_models` asks for; returns how many were written.

    Args:
        store: an open store.
        settings: the section `tracking` of params.yaml.
        runs: candidate → id of its summary run.
    """
    wanted = {candidate: runs[candidate] for candidate in _wanted(settings, runs)}
    shown = _shown(store) if runs else {}
    for run_id in shown.keys() - set(runs.values()):
        for model in shown[run_id]:  # of a run that another one has taken the place of
            if model.tags.get(CANDIDATE) in runs and model.tags.get(CHECKOUT) == checkout_id():
                _set_aside(store, model)
    return sum(_show(store, candidate, run_id, shown.get(run_id, [])) for candidate, run_id in wanted.items())


def log_model(store: Store, run_id: str, name: str, servable: Servable, tags: Mapping[str, str]) -> str:
    """Log the model as an output of a run; returns its id. It becomes READY only when all of it is there.

    MLflow's own `log_model` would load it to try it, and so import TensorFlow into `track`.
    """
    from mlflow.entities import LoggedModelOutput

    client = store.client
    model = client.create_logged_model(store.experiment_id, name, source_run_id=run_id, tags=dict(tags))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "model"
        write_model_folder(folder, servable, model_id=model.model_id, run_id=run_id)
        client.log_model_artifacts(model.model_id, str(folder))
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
    client.finalize_logged_model(model.model_id, "READY")
    return str(model.model_id)


def _wanted(settings: Tracking, candidates: Iterable[str]) -> list[str]:
    """`equivalents`: those that the verdict names as winner, as recommended, or as equivalent to the winner.

    Of an ensemble the models of its members are logged, each with its own run: what answers together is registered as
    one (see registry.py), and would stand here a second time.
    """
    if settings.log_models == "all":
        return list(candidates)
    if settings.log_models == "none" or not VERDICT.is_file():
        return []
    verdict = read_json(VERDICT)
    named = {verdict.get("winner"), verdict.get("recommended"), *(verdict.get("equivalents") or [])}
    ensembles = recorded_ensembles()
    members = {member for name in named & set(ensembles) for member in ensembles[name]["members"]}
    return [candidate for candidate in candidates if candidate in named | members]


def _show(store: Store, candidate: str, run_id: str, shown: list[LoggedModel]) -> bool:
    """Log a candidate's model unless it is there; returns whether it was written."""
    trial = read_trial(candidate)
    servable = _servable_on_disk(trial)
    if servable is None:
        return False
    content = _content(servable)
    there = False
    for model in shown:
        right = model.tags.get(CONTENT) == content and str(model.status) == "READY"
        if right and not there:
            there = True
            if model.tags.get(SUPERSEDED) == "true" and model.tags.get(CHECKOUT) == checkout_id():
                store.client.set_logged_model_tags(model.model_id, {SUPERSEDED: "false"})  # its files are back
        elif model.tags.get(CHECKOUT) == checkout_id():
            _set_aside(store, model)
    if not there:
        log_model(store, run_id, candidate, servable, {**_tags(trial, servable), CONTENT: content})
    return not there


def _servable_on_disk(trial: Trial) -> Servable | None:
    """The candidate's model with what it takes to answer.

    None where the model or its data's description is not on disk; and where its rule for saying a class is chosen on
    validation examples that it has not answered yet.
    """
    results = results_folder(trial.candidate)
    dataset = dataset_of(results / "trial.json")
    if not can_be_served(dataset):
        return None
    if ranked_by(trial.task, dataset["class_names"]).by_threshold and not _is_evaluated(trial):
        return None
    servable = servable_of(
        deployed_of(trial.candidate), dataset, read_json(results / "cost.json").get("versions") or {}
    )
    return servable if servable.file.is_file() else None


def _is_evaluated(trial: Trial) -> bool:
    """Whether its predictions are there, and not those of an earlier training."""
    predictions = evaluation_folder(trial.candidate) / "predictions.parquet"
    return predictions.is_file() and was_made_from(predictions, results_folder(trial.candidate) / "trial.json")


def _content(servable: Servable) -> str:
    """SHA-256 of the model's file and of all that is said of it."""
    described: dict[str, Any] = {**asdict(servable), "file": hash_path(servable.file)}
    for key in ("decision", "series"):  # models that were logged before there were such stay what they are
        if not described[key]:
            del described[key]
    del described["members"]  # ensembles are not logged, but their members
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def _tags(trial: Trial, servable: Servable) -> dict[str, str]:
    tags = {CANDIDATE: trial.candidate, SEED: servable.metadata["seed"], FINGERPRINT: trial.fingerprint}
    return {**tags, f"{OURS}family": trial.family, SUPERSEDED: "false", CHECKOUT: checkout_id()}


def _set_aside(store: Store, model: LoggedModel) -> None:
    """Tag what an upload left unfinished, or what the files no longer hold."""
    if str(model.status) == "PENDING":
        store.client.finalize_logged_model(model.model_id, "FAILED")
    if model.tags.get(SUPERSEDED) != "true":
        store.client.set_logged_model_tags(model.model_id, {SUPERSEDED: "true"})


def _shown(store: Store) -> dict[str, list[LoggedModel]]:
    """Run → the models that came of it."""
    models: dict[str, list[LoggedModel]] = defaultdict(list)
    token = None
    while True:
        page = store.client.search_logged_models([store.experiment_id], max_results=MODELS_A_PAGE, page_token=token)
        for model in page:
            models[model.source_run_id or ""].append(model)
        token = page.token
        if not token:
            return models
