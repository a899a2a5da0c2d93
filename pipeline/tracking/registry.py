"""champions/ → MLflow's model registry: the model `kiyas`, a version for each champion or challenger, and two aliases.

    mlflow models serve -m models:/kiyas@champion --env-manager local

A registry that was emptied, or that never saw these champions, is whole again after one `sync_registry`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipeline.champions.log import current, read_log
from pipeline.champions.versions import Champion, model_folder, registered_versions
from pipeline.tracking.address import checkout_id, is_server, tracking_uri
from pipeline.tracking.descriptions.decisions import DATA, VERSION
from pipeline.tracking.run_fields import CANDIDATE, CHECKOUT, FINGERPRINT, KIND, SEED
from pipeline.tracking.store import Store

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

MODEL = "kiyas"
CHAMPION_ALIAS = "champion"
CHALLENGER_ALIAS = "challenger"


def sync_registry(store: Store, candidates: Mapping[str, str]) -> None:
    """Make the registry show every version of champions/ that is on disk, and who is champion and challenger.

    Versions that a person made stay; so do versions whose files have moved, without an alias.

    Args:
        candidates: candidate → id of its summary run, whose page then names the versions that came of it.
    """
    entries = read_log()
    registered = registered_versions(entries)
    if not registered:
        return
    _ensure_model(store)
    shown = _shown(store)
    numbers: dict[int, str] = {}
    for champion in registered:
        version = shown.get(champion.version) or _create(store, champion, candidates)
        _set_tags(store, version, _tags(champion))
        numbers[champion.version] = str(version.version)
    reigning, newest = current(entries), registered[-1].version
    _set_alias(store, CHAMPION_ALIAS, numbers.get(reigning) if reigning else None)
    _set_alias(store, CHALLENGER_ALIAS, numbers[newest] if newest != reigning else None)


def _ensure_model(store: Store) -> None:
    from mlflow.exceptions import MlflowException

    description = "What Kıyas found to be best. A view of champions/ in the checkout: `python -m pipeline champions`."
    try:
        store.client.create_registered_model(MODEL, description=description)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _shown(store: Store) -> dict[int, ModelVersion]:
    """Our version number → MLflow's version; the newest where there are several."""
    name = checkout_id()
    shown: dict[int, ModelVersion] = {}
    for version in sorted(_all_versions(store), key=lambda version: int(version.version)):
        ours = version.tags.get(CHECKOUT) == name and version.tags.get(VERSION, "").isdigit()
        if ours and (is_server(tracking_uri()) or version.source == _local_source(int(version.tags[VERSION]))):
            shown[int(version.tags[VERSION])] = version
    return shown


def _all_versions(store: Store) -> list[ModelVersion]:
    versions: list[ModelVersion] = []
    token = None
    while True:
        page = store.client.search_model_versions(f"name = '{MODEL}'", page_token=token)
        versions += page
        token = page.token
        if not token:
            return versions


def _create(store: Store, champion: Champion, candidates: Mapping[str, str]) -> ModelVersion:
    """In a store on this machine the version points at champions/ itself; a server is given the files.

    The version belongs to the run of its candidate, where that is on disk still, else to the decision about it. On a
    server it belongs to the decision in any case: servers refuse a version whose files lie with another run.
    """
    run_id, source = _decision_run(store, champion.version), _local_source(champion.version)
    if is_server(tracking_uri()):
        if run_id is None:
            raise LookupError(f"version {champion.version} has no run of kind decision; `python -m pipeline track`")
        store.client.log_artifacts(run_id, str(model_folder(champion.version)), "model")
        source = f"runs:/{run_id}/model"
    else:
        run_id = _candidate_run(store, champion, candidates) or run_id
    return store.client.create_model_version(MODEL, source, run_id, tags=_tags(champion), description=champion.name)


def _candidate_run(store: Store, champion: Champion, candidates: Mapping[str, str]) -> str | None:
    """Only of the training that the version holds: the candidate may have been trained anew since."""
    run_id = candidates.get(champion.candidate)
    if run_id is None or store.client.get_run(run_id).data.tags.get(FINGERPRINT) != champion.fingerprint:
        return None
    return run_id


def _decision_run(store: Store, version: int) -> str | None:
    """The run of the decision that first spoke of a version."""
    wanted = f"tags.`{KIND}` = 'decision' and tags.`{VERSION}` = '{version}' and tags.`{CHECKOUT}` = '{checkout_id()}'"
    runs = store.client.search_runs([store.experiment_id], wanted, order_by=["attributes.start_time ASC"])
    return str(runs[0].info.run_id) if runs else None


def _local_source(version: int) -> str:
    return model_folder(version).resolve().as_uri()


def _tags(champion: Champion) -> dict[str, str]:
    (low, high), score = champion.interval, champion.score_column
    values: dict[str, Any] = {
        CHECKOUT: checkout_id(),
        VERSION: champion.version,
        CANDIDATE: champion.candidate,
        SEED: champion.seed,
        FINGERPRINT: champion.fingerprint,
        DATA: champion.data,
        "kiyas.commit": champion.commit,
        f"{score}_low": low,
        f"{score}_high": high,
        **champion.metrics,
    }
    if champion.model_interval is not None:
        values[f"{score}_model_low"], values[f"{score}_model_high"] = champion.model_interval
    return {key: str(value) for key, value in values.items() if value is not None}


def _set_tags(store: Store, version: ModelVersion, tags: dict[str, str]) -> None:
    for key, value in tags.items():
        if version.tags.get(key) != value:
            store.client.set_model_version_tag(MODEL, version.version, key, value)


def _set_alias(store: Store, alias: str, version: str | None) -> None:
    """One call moves an alias: whoever asks sees the old version or the new one."""
    shown = store.client.get_registered_model(MODEL).aliases.get(alias)
    if version is None and shown is not None:
        store.client.delete_registered_model_alias(MODEL, alias)
    elif version is not None and str(shown) != version:
        store.client.set_registered_model_alias(MODEL, alias, version)
