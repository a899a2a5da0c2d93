"""Making MLflow's run equal to a described one: in batches, writing only what is missing or different."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar

from pipeline.tracking.described import DescribedRun, Point
from pipeline.tracking.fields import CHECKOUT, CONTENT, CURVES, OURS, metrics_of_tags, metrics_tags
from pipeline.tracking.files import FIGURES
from pipeline.tracking.store import Store, checkout_id

if TYPE_CHECKING:
    from mlflow.entities import Metric, Run

Item = TypeVar("Item")

METRICS_A_CALL = 800  # MLflow takes 1,000 entities a call, of which 100 params and 100 tags
PARAMS_A_CALL = 100


def shows(store: Store, run: Run, described: DescribedRun) -> bool:
    """Whether a run is what the files say, judged by what a search returns and by its list of artifacts."""
    tags, metrics = run.data.tags, run.data.metrics
    return (
        tags.get(CONTENT) == described.content
        and run.info.status == "FINISHED"
        and all(tags.get(key) == value for key, value in described.tags.items())
        and all(_same(metrics.get(key), value) for key, value in described.metrics.items())
        and _artifact_names(store, run, "") >= _top_names(described)
        and _inputs_shown(run) >= {(one.name, one.digest) for one in described.inputs}
    )


def can_become(store: Store, run: Run, described: DescribedRun) -> bool:
    """Whether completing a run is enough. MLflow can neither change a param or a point of a curve, nor take away one of
    these, a metric, an artifact or a data set.

    What a person added (other params, metrics, tags, artifacts) is no obstacle.
    """
    changed = any(run.data.params.get(key, value) != value for key, value in described.params.items())
    if changed or metrics_of_tags(run.data.tags) - set(described.metrics):
        return False
    wanted = {(point.key, point.step): point.value for point in described.points}
    shown = _shown_points(store, run)
    if any(not _same(wanted.get(place), value) for place, value in shown.items()):
        return False
    if _inputs_shown(run) - {(one.name, one.digest) for one in described.inputs}:
        return False
    return _artifact_names(store, run, FIGURES) <= _figure_names(described)


def add(store: Store, described: DescribedRun) -> str:
    """A new run with the trial's own times; returns its id."""
    run = store.client.create_run(
        store.experiment_id,
        start_time=described.started,
        tags={**described.tags, **described.first_tags, CHECKOUT: checkout_id()},
        run_name=described.name,
    )
    complete(store, run, described)
    return str(run.info.run_id)


def complete(store: Store, run: Run, described: DescribedRun) -> None:
    """Write what a run lacks. The content tag comes last: a run that was left half-written is taken up again."""
    run_id = run.info.run_id
    params = {key: value for key, value in described.params.items() if key not in run.data.params}
    metrics = [*_missing_points(store, run, described), *_changed_metrics(run, described)]
    tags = {**described.tags, **metrics_tags(described.metrics)}
    changed = {key: value for key, value in tags.items() if run.data.tags.get(key) != value}
    _log(store, run_id, params, metrics, changed)
    for tag in _stale_tags(run, tags):
        store.client.delete_tag(run_id, tag)
    _log_inputs(store, run, described)
    for name, text in described.texts.items():
        store.client.log_text(run_id, text, name)
    for path, folder in described.artifacts.items():
        log_one = store.client.log_artifacts if path.is_dir() else store.client.log_artifact
        log_one(run_id, str(path), folder or None)
    if run.info.status != "FINISHED" or run.info.end_time != described.ended:
        store.client.set_terminated(run_id, "FINISHED", described.ended)
    store.client.set_tag(run_id, CONTENT, described.content)


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


def _missing_points(store: Store, run: Run, described: DescribedRun) -> list[Metric]:
    from mlflow.entities import Metric

    shown = _shown_points(store, run)
    missing: list[Point] = [point for point in described.points if (point.key, point.step) not in shown]
    return [Metric(point.key, point.value, point.timestamp, point.step) for point in missing]


def _changed_metrics(run: Run, described: DescribedRun) -> list[Metric]:
    """Final metrics that are new (at the trial's end) or different (now: MLflow shows the latest)."""
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    shown = run.data.metrics
    changed = {key: value for key, value in described.metrics.items() if not _same(shown.get(key), value)}
    return [
        Metric(key, value, now if key in shown else described.ended or now, 0) for key, value in sorted(changed.items())
    ]


def _shown_points(store: Store, run: Run) -> dict[tuple[str, int], float]:
    keys = [key for key in CURVES if key in run.data.metrics]
    histories = {key: store.client.get_metric_history(run.info.run_id, key) for key in keys}
    return {(key, point.step): point.value for key, history in histories.items() for point in history}


def _stale_tags(run: Run, tags: Mapping[str, str]) -> list[str]:
    """What our tags once said and the files no longer do; a person's own tags are not called kiyas.…"""
    kept = {*tags, CHECKOUT, CONTENT}
    return sorted(key for key in run.data.tags if key.startswith(OURS) and key not in kept)


def _inputs_shown(run: Run) -> set[tuple[str, str]]:
    inputs = run.inputs.dataset_inputs if run.inputs else []
    return {(one.dataset.name, one.dataset.digest) for one in inputs}


def _log_inputs(store: Store, run: Run, described: DescribedRun) -> None:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    shown = _inputs_shown(run)
    missing = [one for one in described.inputs if (one.name, one.digest) not in shown]
    if not missing:
        return
    datasets = [
        DatasetInput(
            Dataset(one.name, one.digest, "local", one.source, one.schema, one.profile),
            [InputTag("mlflow.data.context", one.context)],
        )
        for one in missing
    ]
    store.client.log_inputs(run.info.run_id, datasets)


def _artifact_names(store: Store, run: Run, folder: str) -> set[str]:
    return {file.path for file in store.client.list_artifacts(run.info.run_id, folder or None)}


def _top_names(described: DescribedRun) -> set[str]:
    return {folder or path.name for path, folder in described.artifacts.items()} | set(described.texts)


def _figure_names(described: DescribedRun) -> set[str]:
    folders = [path for path, folder in described.artifacts.items() if folder == FIGURES]
    return {f"{FIGURES}/{file.name}" for folder in folders for file in folder.iterdir()}


def _same(shown: float | None, wanted: float | None) -> bool:
    """Equal up to what a database or a text of a float may lose."""
    return shown is not None and wanted is not None and math.isclose(shown, wanted, rel_tol=1e-9, abs_tol=1e-12)
