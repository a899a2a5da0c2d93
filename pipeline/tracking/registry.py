"""champions/ → MLflow's model registry: the model `kiyas`, a version for each champion or challenger, and two aliases.

    mlflow models serve -m models:/kiyas@champion --env-manager local

A registry that was emptied, or that never saw these champions, is whole again after one `sync_registry`.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pipeline.champions.log import LOG, Entry, current, read_log
from pipeline.champions.versions import Champion, model_folder, registered_versions
from pipeline.tracking.address import checkout_id, is_server, tracking_uri
from pipeline.tracking.descriptions.decisions import DATA, VERSION
from pipeline.tracking.run_fields import CANDIDATE, CHECKOUT, FINGERPRINT, SEED
from pipeline.tracking.store import Store

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

log = logging.getLogger("kiyas")

MODEL = "kiyas"
CHAMPION_ALIAS = "champion"
CHALLENGER_ALIAS = "challenger"
SAME = {VERSION, CANDIDATE, SEED, FINGERPRINT, DATA}  # by which two clones know a version to be the same
HISTORY, DECISIONS = "kiyas.history", "kiyas.decisions"  # of the aliases: whose they are, after how many decisions


def sync_registry(store: Store, candidates: Mapping[str, str], decided: Mapping[int, str]) -> None:
    """Make the registry show every version of champions/ that is on disk, and who is champion and challenger.

    Versions that a person made stay; so do versions whose files have moved, without an alias. On a server a version
    that another clone has shown counts as this one's, and aliases follow the longest log of decisions.

    Args:
        candidates: candidate → id of its summary run, whose page then names the versions that came of it.
        decided: version → id of the run of the decision that first spoke of it.
    """
    entries = read_log()
    registered = registered_versions(entries)
    if not registered:
        return
    _ensure_model(store)
    shown = _shown(store, registered)
    numbers: dict[int, str] = {}
    for champion in registered:
        version = shown.get(champion.version) or _create(store, champion, candidates, decided.get(champion.version))
        _set_tags(store, version, champion)
        numbers[champion.version] = str(version.version)
    if is_server(tracking_uri()) and not _leads(store, entries):
        return
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


def _leads(store: Store, entries: Sequence[Entry]) -> bool:
    """Whether the aliases are to follow these decisions, of which the server then keeps how many there are.

    Another clone may know more of them, and another project may have come first: its aliases are left alone.
    """
    tags = store.client.get_registered_model(MODEL).tags
    first = json.dumps(asdict(entries[0]), sort_keys=True)
    history = hashlib.sha256(first.encode()).hexdigest()[:32]
    if tags.get(HISTORY, history) != history:
        log.warning(
            "MLflow's registry: the aliases of %r are those of another project, which came first; they stay as they "
            "are. A server of its own (MLFLOW_TRACKING_URI) shows who is champion here.",
            MODEL,
        )
        return False
    if (known := int(tags.get(DECISIONS, 0))) > len(entries):
        log.warning(
            "MLflow's registry: another clone knows %d decisions, this one %d: the aliases stay as they are; "
            "`git pull` and `dvc pull champions` bring the others",
            known,
            len(entries),
        )
        return False
    for key, value in ((HISTORY, history), (DECISIONS, str(len(entries)))):
        if tags.get(key) != value:
            store.client.set_registered_model_tag(MODEL, key, value)
    return True


def _shown(store: Store, registered: Sequence[Champion]) -> dict[int, ModelVersion]:
    """Our version number → MLflow's version; the newest where there are several."""
    name, on_server = checkout_id(), is_server(tracking_uri())
    shown: dict[int, ModelVersion] = {}
    versions = sorted(_all_versions(store), key=lambda version: int(version.version))
    for champion in registered:
        same = {key: value for key, value in _tags(champion).items() if key in SAME}
        for version in versions:
            ours = version.tags.get(CHECKOUT) == name and version.tags.get(VERSION) == str(champion.version)
            if on_server:
                is_shown = ours or same.items() <= version.tags.items()
            else:
                is_shown = ours and version.source == _local_source(champion.version)
            if is_shown:
                shown[champion.version] = version
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


def _create(store: Store, champion: Champion, candidates: Mapping[str, str], decision: str | None) -> ModelVersion:
    """In a store on this machine the version points at champions/ itself; a server is given the files.

    The version belongs to the run of its candidate, where that is on disk still, else to the decision about it. On a
    server it belongs to the decision in any case: servers refuse a version whose files lie with another run.
    """
    run_id, source = decision, _local_source(champion.version)
    if is_server(tracking_uri()):
        if decision is None:
            raise LookupError(f"{LOG} says nothing of version {champion.version}; `dvc pull --force champions`")
        store.client.log_artifacts(decision, str(model_folder(champion.version)), "model")
        source = f"runs:/{decision}/model"
    else:
        run_id = _candidate_run(store, champion, candidates) or decision
    return store.client.create_model_version(MODEL, source, run_id, tags=_tags(champion), description=champion.name)


def _candidate_run(store: Store, champion: Champion, candidates: Mapping[str, str]) -> str | None:
    """Only of the training that the version holds: the candidate may have been trained anew since."""
    run_id = candidates.get(champion.candidate)
    if run_id is None or store.client.get_run(run_id).data.tags.get(FINGERPRINT) != champion.fingerprint:
        return None
    return run_id


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
        score: champion.shown_score,  # by the rule of the interval beside it
    }
    if champion.model_interval is not None:
        values[f"{score}_model_low"], values[f"{score}_model_high"] = champion.model_interval
    return {key: str(value) for key, value in values.items() if value is not None}


def _set_tags(store: Store, version: ModelVersion, champion: Champion) -> None:
    """A version that another clone has made keeps that one's name."""
    tags = _tags(champion)
    for key, value in tags.items():
        if key != CHECKOUT and version.tags.get(key) != value:
            store.client.set_model_version_tag(MODEL, version.version, key, value)
    if champion.score_column in version.tags.keys() - tags.keys():
        store.client.delete_model_version_tag(MODEL, version.version, champion.score_column)


def _set_alias(store: Store, alias: str, version: str | None) -> None:
    """One call moves an alias: whoever asks sees the old version or the new one."""
    shown = store.client.get_registered_model(MODEL).aliases.get(alias)
    if version is None and shown is not None:
        store.client.delete_registered_model_alias(MODEL, alias)
    elif version is not None and str(shown) != version:
        store.client.set_registered_model_alias(MODEL, alias, version)
