"""Make MLflow show what is on disk: after a stage restored from the cache, an emptied store, a server that was down."""

from __future__ import annotations

from pipeline.configuration.loading import load_params
from pipeline.operations.retraining.versioning import keep_champions
from pipeline.tracking.store import is_server, tracking_uri
from pipeline.tracking.view import Summary, sync


def run() -> None:
    """Sync every candidate of the parameters and say what was done; DVC keeps what that registered.

    Raises:
        ParamsError: params.yaml cannot be run.
        TrackingError: the store cannot be opened or written.
    """
    params = load_params()
    if not params.tracking.enabled:
        print("MLflow: nothing done, tracking.enabled is false in params.yaml")
        return
    summary = sync(params)
    keep_champions()
    print(_told(summary, params.tracking.experiment))


def _told(summary: Summary, experiment: str) -> str:
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
