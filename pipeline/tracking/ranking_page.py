"""The ranking in MLflow's pages: a shared view with filter, order and columns, and the links that lead to what counts.

`workflowType` opens the pages of model training; a browser that never saw MLflow opens those of chat models otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from pipeline.credentials import without_credentials
from pipeline.scores.score_for_task import LESS_IS_BETTER
from pipeline.tracking.address import is_server, tracking_uri
from pipeline.tracking.run_fields import ADVICE, INTERVAL, NOTE, RELATION
from pipeline.tracking.store import Store

RANKING = "kiyas-ranking"
SHARED_VIEW = "mlflow.sharedViewState."  # experiment tags in which MLflow's pages keep views that somebody shared
COLUMNS = ("gap", "cost_seconds")  # behind what has to be on screen
WIDTHS = {"attributes.`Run Name`": 220, "runDateAndNestInfo": 120, "duration": 80, "metrics.`rank`": 60}  # pixels
WIDTH_OF_METRIC, WIDTH_OF_TAG = 120, 140
TRAINING = "workflowType=machine_learning"
OURS = "Kıyas compares models here."  # how our own description begins; one that begins otherwise is a person's
HERE = "http://127.0.0.1:5000"  # of `make ui`


def share_ranking(store: Store, score: str) -> str:
    """Store the view with the experiment unless it is there; returns the link to it.

    Args:
        score: what candidates are ranked by, such as test_accuracy or test_rmse.
    """
    tag, state = SHARED_VIEW + RANKING, json.dumps(_ranking_view(score))
    shown: Mapping[str, str] = store.client.get_experiment(store.experiment_id).tags
    if shown.get(tag) != state:
        store.client.set_experiment_tag(store.experiment_id, tag, state)
    uri = tracking_uri()
    root = without_credentials(uri).rstrip("/") if is_server(uri) else HERE
    return f"{root}/{_ranking_place(store)}"


def describe_experiment(store: Store, contenders: Sequence[str], comparison: str | None) -> None:
    """What stands above the runs: what they are, and links to the ranking, the report and the contenders side by side.

    Args:
        contenders: ids of the summary runs of all that are not shown to be worse than the best.
        comparison: id of the run of the comparison; None before there is one.
    """
    shown = store.client.get_experiment(store.experiment_id).tags.get(NOTE)
    note = _note(store, contenders, comparison)
    if shown != note and (not shown or shown.startswith(OURS)):
        store.client.set_experiment_tag(store.experiment_id, NOTE, note)


def _note(store: Store, contenders: Sequence[str], comparison: str | None) -> str:
    place = f"#/experiments/{store.experiment_id}"
    links = [f"- [The ranking]({_ranking_place(store)})"]
    if comparison:
        links.append(f"- [The report]({place}/runs/{comparison}/artifacts/report.html)")
    if len(contenders) > 1:
        runs, experiments = (quote(json.dumps(ids)) for ids in (list(contenders), [store.experiment_id]))
        links.append(
            f"- [The contenders side by side](#/compare-runs?runs={runs}&experiments={experiments}&{TRAINING})"
        )
    kinds = (
        "A run of kind `candidate` (tag `kiyas.kind`) is one model, with means over its seeds; its trials, one a seed, "
        "are its children. The run `comparison` has the report. A run of kind `decision` says why a version was "
        "registered, promoted or kept."
    )
    return "\n\n".join([f"{OURS} {kinds}", "\n".join(links)])


def _ranking_place(store: Store) -> str:
    return f"#/experiments/{store.experiment_id}/runs?viewStateShareKey={RANKING}&{TRAINING}"


def _ranking_view(score: str) -> dict[str, Any]:
    """The score with its interval first, then rank, relation and advice; MLflow would sort columns by their names."""
    metrics = [f"metrics.`{name}`" for name in (score, "rank", *COLUMNS)]
    tags = [f"tags.`{name}`" for name in (INTERVAL, RELATION, ADVICE)]
    order = [metrics[0], tags[0], metrics[1], *tags[1:], *metrics[2:], "duration"]
    widths = dict.fromkeys(metrics, WIDTH_OF_METRIC) | dict.fromkeys(tags, WIDTH_OF_TAG) | WIDTHS
    return {
        "searchFilter": "tags.kiyas.kind = 'candidate' and tags.kiyas.superseded = 'false'",
        "orderByKey": f"metrics.`{score}`",
        "orderByAsc": score.removeprefix("test_") in LESS_IS_BETTER,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "modelVersionFilter": "All Runs",
        "datasetsFilter": [],
        "selectedColumns": [*metrics, *tags],
        "columnOrder": ["attributes.`Run Name`", "runDateAndNestInfo", *order],
        "columnWidths": widths,
    }
