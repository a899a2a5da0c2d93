"""Making a run in MLflow equal to its description: in batches, writing only what is missing or different."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar

from pipeline.tracking.address import checkout_id
from pipeline.tracking.descriptions.run import FIGURES, Point, RunDescription
from pipeline.tracking.run_fields import CHECKOUT, CONTENT, CURVE, CURVES, OURS, metrics_of_tags, metrics_tags
from pipeline.tracking.store import Store

if TYPE_CHECKING:
    from mlflow.entities import Metric, Run

Item = TypeVar("Item")

METRICS_A_CALL = 800  # MLflow takes 1,000 entities a call, of which 100 params and 100 tags
PARAMS_A_CALL = 100


def matches(store: Store, run: Run, description: RunDescription) -> bool:
    """Whether a run equals its description, judged by what a search returns and by its list of artifacts."""
    tags, metrics = run.data.tags, run.data.metrics
    return (
        tags.get(CONTENT) == description.content
        and run.info.status == "FINISHED"
        and all(tags.get(key) == value for key, value in description.tags.items())
        and all(_same(metrics.get(key), value) for key, value in description.metrics.items())
        and _artifact_names(store, run, "") >= _top_names(description)
        and _inputs_shown(run) >= {(data.name, data.digest) for data in description.inputs}
    )


def can_become(store: Store, run: Run, description: RunDescription) -> bool:
    """Whether completing a run is enough to make it equal to its description.

    MLflow can neither change a param or a point of a curve, nor take away one of these, a metric, an artifact or a data
    set. What a person added (other params, metrics, tags, artifacts) is no obstacle.
    """
    changed = any(run.data.params.get(key, value) != value for key, value in description.params.items())
    if changed or metrics_of_tags(run.data.tags) - set(description.metrics):
        return False
    wanted = {(point.key, point.step): point.value for point in description.points}
    shown = _shown_points(store, run)
    if any(not _same(wanted.get(place), value) for place, value in shown.items()):
        return False
    if set(CURVES) & set(run.data.metrics) - set(description.metrics):
        return False  # its curves have the names of an earlier version
    if _inputs_shown(run) - {(data.name, data.digest) for data in description.inputs}:
        return False
    return _artifact_names(store, run, FIGURES) <= _figure_names(description)


def add(store: Store, description: RunDescription) -> str:
    """A new run with the trial's own times; returns its id."""
    run = store.client.create_run(
        store.experiment_id,
        start_time=description.started,
        tags={**description.tags, **description.first_tags, CHECKOUT: checkout_id()},
        run_name=description.name,
    )
    complete(store, run, description)
    return str(run.info.run_id)


def complete(store: Store, run: Run, description: RunDescription) -> None:
    """Write what a run lacks. The content tag comes last: a run that was left half-written is taken up again."""
    run_id = run.info.run_id
    params = {key: value for key, value in description.params.items() if key not in run.data.params}
    metrics = [*_missing_points(store, run, description), *_changed_metrics(run, description)]
    tags = {**description.tags, **metrics_tags(description.metrics)}
    changed = {key: value for key, value in tags.items() if run.data.tags.get(key) != value}
    _log(store, run_id, params, metrics, changed)
    for tag in _stale_tags(run, tags):
        store.client.delete_tag(run_id, tag)
    _log_inputs(store, run, description)
    for name, text in description.texts.items():
        store.client.log_text(run_id, text, name)
    for path, folder in description.artifacts.items():
        log = store.client.log_artifacts if path.is_dir() else store.client.log_artifact
        log(run_id, str(path), folder or None)
    if run.info.status != "FINISHED" or run.info.end_time != description.ended:
        store.client.set_terminated(run_id, "FINISHED", description.ended)
    store.client.set_tag(run_id, CONTENT, description.content)


def _log(store: Store, run_id: str, params: Mapping[str, str], metrics: list[Metric], tags: Mapping[str, str]) -> None:
    from mlflow.entities import Param, RunTag

    param_batches = list(_batches([Param(key, value) for key, value in sorted(params.items())], PARAMS_A_CALL))
    metric_batches = list(_batches(metrics, METRICS_A_CALL))
    run_tags = [RunTag(key, value) for key, value in sorted(tags.items())]
    for index in range(max(len(param_batches), len(metric_batches), 1 if run_tags else 0)):
        store.client.log_batch(
            run_id,
            metrics=metric_batches[index] if index < len(metric_batches) else (),
            params=param_batches[index] if index < len(param_batches) else (),
            tags=run_tags if index == 0 else (),
        )


def _batches(items: list[Item], size: int) -> Iterator[list[Item]]:
    for first in range(0, len(items), size):
        yield items[first : first + size]


def _missing_points(store: Store, run: Run, description: RunDescription) -> list[Metric]:
    from mlflow.entities import Metric

    shown = _shown_points(store, run)
    missing: list[Point] = [point for point in description.points if (point.key, point.step) not in shown]
    return [Metric(point.key, point.value, point.timestamp, point.step) for point in missing]


def _changed_metrics(run: Run, description: RunDescription) -> list[Metric]:
    """Final metrics that are new (at the trial's end) or different (now: MLflow shows the latest)."""
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    shown = run.data.metrics
    changed = {key: value for key, value in description.metrics.items() if not _same(shown.get(key), value)}
    ended = description.ended or now
    return [Metric(key, value, now if key in shown else ended, 0) for key, value in sorted(changed.items())]


def _shown_points(store: Store, run: Run) -> dict[tuple[str, int], float]:
    keys = [key for key in run.data.metrics if key.startswith(CURVE)]
    histories = {key: store.client.get_metric_history(run.info.run_id, key) for key in keys}
    return {(key, point.step): point.value for key, history in histories.items() for point in history}


def _stale_tags(run: Run, tags: Mapping[str, str]) -> list[str]:
    """Tags of ours that the files no longer give; a person's own tags are not called kiyas.…"""
    kept = {*tags, CHECKOUT, CONTENT}
    return sorted(key for key in run.data.tags if key.startswith(OURS) and key not in kept)


def _inputs_shown(run: Run) -> set[tuple[str, str]]:
    inputs = run.inputs.dataset_inputs if run.inputs else []
    return {(data.dataset.name, data.dataset.digest) for data in inputs}


def _log_inputs(store: Store, run: Run, description: RunDescription) -> None:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    shown = _inputs_shown(run)
    missing = [data for data in description.inputs if (data.name, data.digest) not in shown]
    if not missing:
        return
    datasets = [
        DatasetInput(
            Dataset(data.name, data.digest, "local", data.source, data.schema, data.profile),
            [InputTag("mlflow.data.context", data.context)],
        )
        for data in missing
    ]
    store.client.log_inputs(run.info.run_id, datasets)


def _artifact_names(store: Store, run: Run, folder: str) -> set[str]:
    return {file.path for file in store.client.list_artifacts(run.info.run_id, folder or None)}


def _top_names(description: RunDescription) -> set[str]:
    return {folder or path.name for path, folder in description.artifacts.items()} | set(description.texts)


def _figure_names(description: RunDescription) -> set[str]:
    folders = [path for path, folder in description.artifacts.items() if folder == FIGURES]
    return {f"{FIGURES}/{file.name}" for folder in folders for file in folder.iterdir()}


def _same(shown: float | None, wanted: float | None) -> bool:
    """Equal up to what a database or a text of a float may lose."""
    return shown is not None and wanted is not None and math.isclose(shown, wanted, rel_tol=1e-9, abs_tol=1e-12)
