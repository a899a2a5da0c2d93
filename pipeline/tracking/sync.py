"""Files → MLflow: after `sync`, the experiment shows exactly what is on disk, and a second call writes nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.configuration.loading import load_params
from pipeline.configuration.whole import Params
from pipeline.tracking.address import checkout_id, reason_of
from pipeline.tracking.descriptions.candidate_files import is_complete
from pipeline.tracking.descriptions.candidates import describe_candidate, describe_point
from pipeline.tracking.descriptions.comparison import contenders, describe_comparison, ranked_by
from pipeline.tracking.descriptions.decisions import VERSION, describe_decisions
from pipeline.tracking.descriptions.ensembles import describe_ensembles
from pipeline.tracking.descriptions.run import Identity, RunDescription, identity
from pipeline.tracking.live.liveness import is_living
from pipeline.tracking.logged_models import show_models
from pipeline.tracking.ranking_page import describe_experiment, share_ranking
from pipeline.tracking.registry import sync_registry
from pipeline.tracking.run_fields import CANDIDATE, CHECKOUT, CONTENT, KIND, LIVE, PARENT, SUPERSEDED
from pipeline.tracking.run_writing import add, can_become, complete, matches
from pipeline.tracking.store import Store, TrackingError, how_to_go_on, is_there, one_at_a_time, open_store

if TYPE_CHECKING:
    from mlflow.entities import Run

log = logging.getLogger("kiyas")

KINDS = {"trial", "candidate", "comparison"}
DECISION = "decision"
RUNS_A_PAGE = 1000
COMPARED = 10  # runs that the page of a comparison still shows legibly


@dataclass
class Summary:
    """What a sync did.

    Attributes:
        added: runs that were new.
        updated: runs that were completed or corrected.
        unchanged: runs that were right already.
        superseded: runs that were newly tagged as superseded.
        models: models that were logged.
        link: to the ranking in MLflow's pages.
    """

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    superseded: int = 0
    models: int = 0
    link: str = field(default="", compare=False)


def sync(params: Params) -> Summary:
    """Make the experiment show the candidates of the parameters that are on disk, and the registry show champions/.

    Runs that are no longer on disk are tagged superseded, and untagged when their files return; nothing is ever
    deleted. A run whose process was killed ends. Runs of other checkouts are left alone, and so is every run but the
    decisions where no candidate is on disk at all (a fresh clone before `dvc pull`).

    Raises:
        TrackingError: the store cannot be opened, or fails in between; calling again goes on from there.
    """
    if not is_there() and not describe_all(params) and not describe_decisions():
        return Summary()
    store = open_store(params.tracking.experiment)
    try:
        with one_at_a_time():
            return _sync(params, store)
    except Exception as error:
        message = f"MLflow failed while runs were written ({reason_of(error)}); {how_to_go_on(error)}"
        raise TrackingError(message) from error


def _sync(params: Params, store: Store) -> Summary:
    """The files are read here, since another process may have synced newer ones while this one waited."""
    descriptions, decisions = describe_all(params), describe_decisions()
    summary, shown = _match(store, [*descriptions, *decisions], {*(KINDS if descriptions else ()), DECISION})
    runs = {str(key[1]): run_id for key, run_id in shown.items() if key[0] == "candidate"}
    _nest_trials(store, shown, runs)
    trained = {candidate.name for candidate in params.candidates()}
    logged = {name: run_id for name, run_id in runs.items() if name in trained}
    summary.models = show_models(store, params.tracking, logged)
    summary.link = share_ranking(store, ranked_by())
    comparison = next((run_id for key, run_id in shown.items() if key[0] == "comparison"), None)
    if runs:
        describe_experiment(store, [runs[name] for name in contenders() if name in runs][:COMPARED], comparison)
    decided: dict[int, str] = {}
    for decision in decisions:
        if VERSION in decision.tags:
            decided.setdefault(int(decision.tags[VERSION]), shown[decision.identity])
    sync_registry(store, runs, decided)
    return summary


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


def describe_all(params: Params) -> list[RunDescription]:
    """Every run that the files of the parameters' candidates hold, and ensembles; the comparison last."""
    descriptions: list[RunDescription] = []
    for candidate in params.candidates():
        if is_complete(candidate.name):
            descriptions += describe_candidate(candidate.name)
    for point in params.studied():
        if is_complete(point.name):
            descriptions += describe_point(point.name)
    ended = max((run.ended for run in descriptions if run.ended), default=None)
    comparison = describe_comparison(ended)
    if not (descriptions and comparison):
        return descriptions
    return [*descriptions, *describe_ensembles(ended), comparison]


def _nest_trials(store: Store, shown: Mapping[Identity, str], candidates: Mapping[str, str]) -> None:
    """Make every trial a child of its candidate's run. The filters of the pages go by tags, which need no nesting."""
    for run in _all_runs(store):
        tags = run.data.tags
        parent = candidates.get(tags.get(CANDIDATE, "")) if tags.get(KIND) == "trial" else None
        is_shown = shown.get(identity(tags)) == run.info.run_id
        if parent and is_shown and tags.get(PARENT) != parent:
            store.client.set_tag(run.info.run_id, PARENT, parent)


def _match(store: Store, descriptions: list[RunDescription], kinds: set[str]) -> tuple[Summary, dict[Identity, str]]:
    """Make the runs of these kinds equal to their descriptions.

    What another checkout wrote is shown if it says the same, and left alone otherwise; so is what is being trained now.

    Returns:
        What was done, and the id of the run that shows each description.
    """
    known = [run for run in _all_runs(store) if run.data.tags.get(KIND) in {*KINDS, DECISION}]
    contents, name = {description.content for description in descriptions}, checkout_id()
    is_ours = {run.info.run_id: run.data.tags.get(CHECKOUT, name) == name for run in known}
    free = [run for run in known if is_ours[run.info.run_id] and not _is_trained_now(run)]
    theirs = [run for run in known if not is_ours[run.info.run_id] and run.data.tags.get(CONTENT) in contents]
    summary = Summary()
    shown = {
        description.identity: _show(store, description, _claimants([*free, *theirs], description), summary)
        for description in descriptions
    }
    for run in free:
        of_these = run.data.tags[KIND] in kinds or run.info.status == "RUNNING"
        if of_these and run.info.run_id not in shown.values():
            summary.superseded += _supersede(store, run)
    return summary, shown


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


def _claimants(runs: list[Run], description: RunDescription) -> list[Run]:
    """Runs that could be the described one, best first: already right, then finished ones, then the newest."""
    same = [run for run in runs if identity(run.data.tags) == description.identity]
    content = description.content

    def merit(run: Run) -> tuple[bool, bool, int, str]:
        right = run.data.tags.get(CONTENT) == content
        return right, run.info.status == "FINISHED", run.info.start_time or 0, run.info.run_id

    return sorted(same, key=merit, reverse=True)


def _show(store: Store, description: RunDescription, claimants: list[Run], summary: Summary) -> str:
    """Find or make the run; returns its id."""
    for run in claimants:
        if matches(store, run, description):
            summary.unchanged += 1
            return str(run.info.run_id)
        if can_become(store, run, description):
            complete(store, run, description)
            summary.updated += 1
            return str(run.info.run_id)
    summary.added += 1
    return add(store, description)


def _supersede(store: Store, run: Run) -> bool:
    """Tag a run that is not on disk, and end one that seems to run, whose process is dead; False where both were so."""
    running: bool = run.info.status == "RUNNING"
    tagged = run.data.tags.get(SUPERSEDED) == "true"
    if running:
        store.client.set_terminated(run.info.run_id, "KILLED")
    if not tagged:
        store.client.set_tag(run.info.run_id, SUPERSEDED, "true")
    return running or not tagged
