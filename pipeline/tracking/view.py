"""Files → MLflow: after `sync`, the experiment shows exactly what is on disk, and a second call writes nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.configuration.loading import load_params
from pipeline.configuration.whole import Params
from pipeline.tracking.alive import is_living
from pipeline.tracking.decisions import describe_decisions
from pipeline.tracking.described import DescribedRun, identity
from pipeline.tracking.enrolment import register_winner
from pipeline.tracking.fields import CHECKOUT, CONTENT, KIND, LIVE, SUPERSEDED
from pipeline.tracking.files import describe_candidate, describe_comparison, describe_point, is_complete, ranked_by
from pipeline.tracking.logged import show_models
from pipeline.tracking.pages import share_ranking
from pipeline.tracking.registry import sync_registry
from pipeline.tracking.store import Store, TrackingError, checkout_id, is_there, one_at_a_time, open_store, reason_of
from pipeline.tracking.writing import add, can_become, complete, shows

if TYPE_CHECKING:
    from mlflow.entities import Run

log = logging.getLogger("kiyas")

KINDS = {"trial", "candidate", "comparison"}
DECISION = "decision"
RUNS_A_PAGE = 1000


@dataclass
class Summary:
    """How many runs a sync added, updated, found as they should be, and marked as superseded; and models it logged."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    superseded: int = 0
    models: int = 0
    link: str = field(default="", compare=False)  # to the ranking in MLflow's pages


def sync(params: Params) -> Summary:
    """Make the experiment of the parameters show the candidates of the parameters that are on disk, and the registry
    show champions/, which first takes in the winner of an accepted comparison.

    Nothing is ever deleted: a run of this checkout that the files do not (or no longer) hold gets
    `kiyas.superseded` = "true", and loses it again when its files come back; one whose process was killed ends. Where
    no candidate is on disk at all (a fresh clone before `dvc pull`) no other run is touched.

    Raises:
        TrackingError: the store cannot be opened, or fails in between; calling again goes on from there.
    """
    register_winner()
    described, decisions = describe_all(params), describe_decisions()
    if not described and not decisions and not is_there():
        return Summary()
    store = open_store(params.tracking.experiment)
    try:
        with one_at_a_time():
            summary, runs = _match(store, [*described, *decisions], {*(KINDS if described else ()), DECISION})
            summary.models = show_models(store, params.tracking, runs)
            summary.link = share_ranking(store, ranked_by())
        sync_registry(store)
        return summary
    except Exception as error:
        message = f"MLflow failed while runs were written ({reason_of(error)}); run `python -m pipeline track` again"
        raise TrackingError(message) from error


def sync_if_possible(params: Params | None = None) -> None:
    """`sync` for the end of a stage: nothing when tracking is off; any failure costs a warning, never the stage.

    Args:
        params: None: read here, since a stage knows only the sections that its result depends on.
    """
    params = load_params() if params is None else params
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


def _match(store: Store, described: list[DescribedRun], kinds: set[str]) -> tuple[Summary, dict[str, str]]:
    """Make the runs of these kinds equal to the described ones; gives the summary runs' ids by candidate, too."""
    found = [run for run in _all_runs(store) if run.data.tags.get(KIND) in {*KINDS, DECISION}]
    contents, name = {one.content for one in described}, checkout_id()
    # What another checkout wrote is shown if it says the same, else left alone. So is what is being trained now.
    is_ours = {run.info.run_id: run.data.tags.get(CHECKOUT, name) == name for run in found}
    free = [run for run in found if is_ours[run.info.run_id] and not _is_trained_now(run)]
    theirs = [run for run in found if not is_ours[run.info.run_id] and run.data.tags.get(CONTENT) in contents]
    summary = Summary()
    shown = {one.identity: _show(store, one, _claimants([*free, *theirs], one), summary) for one in described}
    for run in free:
        of_these = run.data.tags[KIND] in kinds or run.info.status == "RUNNING"
        if of_these and run.info.run_id not in shown.values():
            summary.superseded += _supersede(store, run)
    return summary, {str(key[1]): run_id for key, run_id in shown.items() if key[0] == "candidate"}


def _is_trained_now(run: Run) -> bool:
    return run.info.status == "RUNNING" and is_living(run.data.tags.get(LIVE))


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


def _show(store: Store, described: DescribedRun, claimants: list[Run], summary: Summary) -> str:
    """Find or make the run; returns its id."""
    for run in claimants:
        if shows(store, run, described):
            summary.unchanged += 1
            return str(run.info.run_id)
        if can_become(store, run, described):
            complete(store, run, described)
            summary.updated += 1
            return str(run.info.run_id)
    summary.added += 1
    return add(store, described)


def _supersede(store: Store, run: Run) -> bool:
    """Mark a run that the files do not hold; one that seems to run has lost its process."""
    running: bool = run.info.status == "RUNNING"
    marked = run.data.tags.get(SUPERSEDED) == "true"
    if running:
        store.client.set_terminated(run.info.run_id, "KILLED")
    if not marked:
        store.client.set_tag(run.info.run_id, SUPERSEDED, "true")
    return running or not marked
