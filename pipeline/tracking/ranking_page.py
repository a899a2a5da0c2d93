"""The ranking in MLflow's pages: a shared view with filter, order and columns, and the link that opens it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pipeline.scores import SCORES
from pipeline.tracking.address import is_server, tracking_uri, without_credentials
from pipeline.tracking.store import Store

RANKING = "kiyas-ranking"
SHARED_VIEW = "mlflow.sharedViewState."  # experiment tags in which MLflow's pages keep views that somebody shared
COLUMNS = ("gap", "cost_seconds")  # behind rank and score
HERE = "http://127.0.0.1:5000"  # of `make ui`


def share_ranking(store: Store, score: str) -> str:
    """Store the view with the experiment unless it is there; returns the link to it.

    Args:
        score: what candidates are ranked by, test_accuracy or test_rmse.
    """
    tag, state = SHARED_VIEW + RANKING, json.dumps(_ranking_view(score))
    shown: Mapping[str, str] = store.client.get_experiment(store.experiment_id).tags
    if shown.get(tag) != state:
        store.client.set_experiment_tag(store.experiment_id, tag, state)
    uri = tracking_uri()
    root = without_credentials(uri).rstrip("/") if is_server(uri) else HERE
    return f"{root}/#/experiments/{store.experiment_id}/runs?viewStateShareKey={RANKING}"


def _ranking_view(score: str) -> dict[str, Any]:
    return {
        "searchFilter": "tags.kiyas.kind = 'candidate' and tags.kiyas.superseded = 'false'",
        "orderByKey": f"metrics.`{score}`",
        "orderByAsc": any(other.column == score and other.sign < 0 for other in SCORES),
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "modelVersionFilter": "All Runs",
        "datasetsFilter": [],
        "selectedColumns": [f"metrics.`{name}`" for name in ("rank", score, f"{score}_low", f"{score}_high", *COLUMNS)],
    }
