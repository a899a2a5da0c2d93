"""Make MLflow show what is on disk: after a stage restored from the cache, an emptied store, a server that was down.

Before that what the comparison advises is registered, as `python -m pipeline enrol` does it, so that the registry
shows it, too.
"""

from __future__ import annotations

from pipeline.champions.integrity.keeping import keep_champions
from pipeline.champions.log import LOCK
from pipeline.configuration.loading import load_params
from pipeline.ground.locks import LockError, hold_at_once
from pipeline.operations.enrol import enrol_advised, sentence
from pipeline.tracking.address import is_server, tracking_uri
from pipeline.tracking.descriptions.lineage import check_dataset
from pipeline.tracking.sync import Summary, sync


def run() -> None:
    """Register what is advised, sync every candidate of the parameters, and say what was done.

    Raises:
        ParamsError: params.yaml cannot be run.
        ChampionError: the log cannot be read, or is gone.
        TrackingError: the store cannot be opened or written.
        VersioningError: DVC failed.
        DamagedFileError: dataset.json is not what `prepare` wrote.
    """
    params = load_params()
    if not params.tracking.enabled:
        print("MLflow: nothing done, tracking.enabled is false in params.yaml")
        return
    check_dataset()
    _enrol()
    summary = sync(params)
    print(_description(summary, params.tracking.experiment))


def _enrol() -> None:
    """A retraining that runs decides about champions/ itself: what it will register is shown afterwards."""
    try:
        with hold_at_once(LOCK, "track"):
            if champion := enrol_advised():
                print(sentence(champion))
            else:
                keep_champions()
    except LockError as error:
        print(f"champions: left alone, {error}")


def _description(summary: Summary, experiment: str) -> str:
    shown = summary.added + summary.updated + summary.unchanged
    if shown == 0:
        return "MLflow: nothing done, no candidate of params.yaml is on disk yet; `dvc repro` or `dvc pull` first"
    changes = {
        "added": summary.added,
        "updated": summary.updated,
        "unchanged": summary.unchanged,
        "marked as superseded": summary.superseded,
    }
    counts = ", ".join(f"{number} {word}" for word, number in changes.items())
    if summary.models:
        counts += f", {summary.models} model{'s' if summary.models > 1 else ''} logged"
    start = "" if is_server(tracking_uri()) else "`make ui`, then "
    return f"MLflow, experiment {experiment}: {counts}\nThe ranking: {start}{summary.link}"
