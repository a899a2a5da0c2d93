"""Files → MLflow: after `sync`, the experiment shows exactly what is on disk, and a second call writes nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.params import Params
from pipeline.tracking.decisions import describe_decisions
from pipeline.tracking.described import DescribedRun, Identity, identity
from pipeline.tracking.enrolment import register_winner
from pipeline.tracking.fields import CHECKOUT, CONTENT, KIND, SUPERSEDED
from pipeline.tracking.files import describe_candidate, describe_comparison, describe_point, is_complete
from pipeline.tracking.registry import sync_registry
from pipeline.tracking.store import Store, TrackingError, checkout_id, open_store, reason_of
from pipeline.tracking.writing import add, can_become, complete, shows

if TYPE_CHECKING:
    from mlflow.entities import Run

log = logging.getLogger("kiyas")

KINDS = {"trial", "candidate", "comparison"}
DECISION = "decision"
RUNS_A_PAGE = 1000


@dataclass
class Summary:
    """How many runs a sync added, updated, found as they should be, and marked as superseded."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    superseded: int = 0


def sync(params: Params) -> Summary:
    """Make the experiment of the parameters show the candidates of the parameters that are on disk, and the registry
    show champions/, which first takes in the winner of an accepted comparison.

    Nothing is ever deleted: a run of this checkout that the files do not (or no longer) hold gets
    `kiyas.superseded` = "true", and loses it again when its files come back. Where no candidate is on disk at all (a
    fresh clone before `dvc pull`) nothing is touched.

    Raises:
        TrackingError: the store cannot be opened, or fails in between; calling again goes on from there.
    """
    register_winner()
    described, decisions = describe_all(params), describe_decisions()
    if not described and not decisions:
        return Summary()
    store = open_store(params.tracking.experiment)
    try:
        summary = _match(store, [*described, *decisions], {*(KINDS if described else ()), DECISION})
        sync_registry(store)
        return summary
    except Exception as error:
        message = f"MLflow failed while runs were written ({reason_of(error)}); run `python -m pipeline track` again"
        raise TrackingError(message) from error


def sync_if_possible(params: Params) -> None:
    """`sync` for the end of a stage: nothing when tracking is off; any failure costs a warning, never the stage."""
    if not params.tracking.enabled:
        return
    try:
        sync(params)
    except Exception as error:
        log.warning(
            "MLflow does not show all of this yet (%s). `python -m pipeline track` adds what is missing.", error
        )


def describe_all(params: Params) -> list[DescribedRun]:
    """Every run that the files of the parameters' candidates hold; the comparison last."""
    described: list[DescribedRun] = []
    for candidate in params.candidates():
        if is_complete(candidate.name):
            described += describe_candidate(candidate.name)
    for point in params.studied():
        if is_complete(point.name):
            described += describe_point(point.name)
    comparison = describe_comparison(max((run.ended for run in described if run.ended), default=None))
    return [*described, comparison] if described and comparison else described


def _match(store: Store, described: list[DescribedRun], kinds: set[str]) -> Summary:
    found = [run for run in _all_runs(store) if run.data.tags.get(KIND) in kinds]
    contents, name = {one.content for one in described}, checkout_id()
    # What another checkout wrote is shown if it says the same, else left alone.
    ours = {run.info.run_id for run in found if run.data.tags.get(CHECKOUT, name) == name}
    runs = [run for run in found if run.info.run_id in ours or run.data.tags.get(CONTENT) in contents]
    summary = Summary()
    kept = {_show(store, one, _claimants(runs, one), summary) for one in described}
    on_disk = {_place(one.identity) for one in described}
    for run in runs:
        if run.info.run_id in ours and run.info.run_id not in kept:
            summary.superseded += _supersede(store, run, _place(identity(run.data.tags)) in on_disk)
    return summary


def _all_runs(store: Store) -> Iterable[Run]:
    token = None
    while True:
        page = store.client.search_runs([store.experiment_id], max_results=RUNS_A_PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _claimants(runs: list[Run], described: DescribedRun) -> list[Run]:
    """Runs that could be the described one, best first: already right, then finished ones, then the newest."""
    same = [run for run in runs if identity(run.data.tags) == described.identity]
    content = described.content

    def merit(run: Run) -> tuple[bool, bool, int, str]:
        right = run.data.tags.get(CONTENT) == content
        return right, run.info.status == "FINISHED", run.info.start_time or 0, run.info.run_id

    return sorted(same, key=merit, reverse=True)


def _show(store: Store, described: DescribedRun, claimants: list[Run], summary: Summary) -> str | None:
    """Find or make the run; returns the id of the one that was kept, None where a new one was made."""
    for run in claimants:
        if shows(store, run, described):
            summary.unchanged += 1
            return str(run.info.run_id)
        if can_become(store, run, described):
            complete(store, run, described)
            summary.updated += 1
            return str(run.info.run_id)
    add(store, described)
    summary.added += 1
    return None


def _place(key: Identity) -> Identity:
    """Kind, candidate and seed: what only one run at a time can stand for."""
    return key[:3]


def _supersede(store: Store, run: Run, replaced: bool) -> bool:
    """Mark a run that the files do not hold; one that still runs and has no files yet is somebody's training."""
    running: bool = run.info.status == "RUNNING"
    if running and not replaced:
        return False
    marked = run.data.tags.get(SUPERSEDED) == "true"
    if running:
        store.client.set_terminated(run.info.run_id, "KILLED")
    if not marked:
        store.client.set_tag(run.info.run_id, SUPERSEDED, "true")
    return running or not marked
