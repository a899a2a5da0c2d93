"""What is proposed for what was seen: the keys of params.yaml to change, in the time that there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.configuration.ensemble_faults import possible_ensembles
from pipeline.configuration.faults import cross_faults
from pipeline.configuration.whole import Params, params_class
from pipeline.operations.checking.dvc_limits import refuse_what_dvc_cannot_take
from pipeline.operations.planning.forecast import Total, forecast_stages, total
from pipeline.operations.planning.measuring import measure_speeds
from pipeline.operations.planning.sizes import Sizes
from pipeline.operations.planning.speeds import known_speeds
from pipeline.operations.starting.budget import (
    SEARCH,
    SEEDS,
    SIZE,
    Choice,
    choose_within,
    lists_of_candidates,
    names_networks,
)
from pipeline.operations.starting.lists import USUAL_SEARCH, USUAL_SEEDS, own_size, propose_competitors
from pipeline.operations.starting.params_file import changes, laid_over, value_at
from pipeline.operations.starting.seeing.photo_size import next_size
from pipeline.operations.starting.seeing.seen_data import SeenData
from pipeline.operations.starting.seeing.start_options import StartOptions
from pipeline.params.compare import Compare
from pipeline.params.data import Data
from pipeline.params.schema.reading import PARAMS_FILE, ParamsError, parse
from pipeline.scores.classes import BALANCED_ACCURACY
from pipeline.scores.faults import faults_of_classes
from pipeline.scores.score_for_task import unfit_score

ENSEMBLES = "compare.ensembles"
LEFT_OUT = "study.left_out"
NO_STUDY: Mapping[str, Any] = {"study.candidates": [], "study.fractions": []}
# The keys of `compare` that speak of one task's classes or numbers alone, and what they are where nothing is said.
OF_ONE_TASK: Mapping[str, Any] = {"compare.score": None, "compare.costs": {}, "compare.quantile": None}


@dataclass(frozen=True)
class Proposal:
    """
    Attributes:
        overlay: {key of params.yaml: value}.
        changes: {key: (before, after)} of those that differ.
        params: the whole, as it will be read.
        run: what all of it takes on this machine, from nothing.
        choice: what fits into the minutes, and what does not; None where nobody named any.
        lines: what is not proposed for other reasons.
        tuning_seconds: of `run`, that trying settings of the networks takes.
        larger: the next larger size of photos, and what all of it takes with it; None for tables, where there is none,
            and where minutes are named (`choice` says it then).
    """

    overlay: dict[str, Any]
    changes: dict[str, tuple[Any, Any]]
    params: Params
    run: Total
    choice: Choice | None = None
    lines: Sequence[str] = field(default_factory=list)
    tuning_seconds: float = 0.0
    larger: tuple[int, Total] | None = None


def parse_earlier(content: Mapping[str, Any]) -> Params:
    """params.yaml as it is, before anything of it is used.

    Raises:
        ParamsError: a key is missing or does not fit, as `check` says it; `tuning.search` may be missing, which `start`
            adds to a file from before it.
    """
    tuning = content.get("tuning")
    added = {"tuning": {"search": None, **tuning}} if isinstance(tuning, Mapping) else {}
    return parse(params_class(), {**content, **added}, str(PARAMS_FILE))


def propose(content: Mapping[str, Any], seen_data: SeenData, options: StartOptions) -> Proposal:
    """The usual candidates for what was seen, and what else params.yaml names that fits it; cut to fit the minutes.

    Args:
        content: params.yaml as it is.

    Raises:
        StartError: not even the floor fits into the minutes.
    """
    competitors = propose_competitors(
        content, parse(Data, seen_data.data, str(PARAMS_FILE), ("data",)), seen_data.examples
    )
    full = {
        **{f"data.{key}": value for key, value in seen_data.data.items()},
        **competitors.lists,
        SEEDS: sorted({*USUAL_SEEDS, *content[SEEDS]}),
        SEARCH: _search(content, seen_data, competitors.lists),
        **_of_other_candidates(content, competitors.lists),
        **_score(content, seen_data),
        **({"compare.prefer": options.prefer} if options.prefer else {}),
    }
    if options.minutes is not None and options.measuring:
        measure_speeds(_params(content, full), budget_minutes=options.minutes)
    one_size = any(own_size(name) is not None for name in competitors.lists["finetune.backbones"])
    largest_size = None if one_size else seen_data.largest_size
    return _fitted(content, full, options.minutes, seen_data.sizes, largest_size, competitors.lines)


def cut_to_fit(content: Mapping[str, Any], minutes: float, known: Sizes | None = None) -> Proposal:
    """What params.yaml names, cut to what fits into the minutes by the rule of `choose_within`; nothing is added.

    Args:
        content: params.yaml as it is.
        known: how many photos or rows there are, where that is known better than from data/prepared.

    Raises:
        StartError: not even the floor fits.
    """
    full = {key: value_at(content, key) for key in (*lists_of_candidates(), SEARCH, SEEDS, SIZE)}
    earlier = value_at(content, LEFT_OUT) or []
    return _fitted(content, full | _of_other_candidates(content, full), minutes, known, earlier=earlier)


def check_proposal(proposal: Proposal) -> None:
    """
    Raises:
        ParamsError: `check` would refuse it; one line for each fault.
    """
    if faults := list(cross_faults(proposal.params, PARAMS_FILE)):
        raise ParamsError("\n".join(faults))
    data = proposal.params.data
    if not data.fetch:
        refuse_what_dvc_cannot_take(Path(data.path))


def _fitted(
    content: Mapping[str, Any],
    full: Mapping[str, Any],
    minutes: float | None,
    known: Sizes | None,
    largest_size: int | None = None,
    lines: Sequence[str] = (),
    earlier: Sequence[str] = (),
) -> Proposal:
    """
    Args:
        earlier: what was left out of `full` before, and stays left out.
    """
    speeds = known_speeds(_params(content, full))

    def run_of(overlay: Mapping[str, Any]) -> Total:
        params = _params(content, _without_idle_study(content, overlay))
        return total(forecast_stages(params, known=known, speeds=speeds))

    choice = None
    if minutes is not None:
        choice = choose_within(minutes, full, lambda overlay: run_of(overlay).seconds / 60, largest_size)
    overlay = _without_idle_study(content, choice.overlay if choice else full)
    params = _params(content, overlay)
    if choice:
        names = [candidate.name for candidate in _params(content, full).candidates()]
        earlier = list(dict.fromkeys([*earlier, *names, *choice.settings_left_out]))
    overlay |= _left_out(content, params, earlier)
    params = _params(content, overlay)
    run = run_of(overlay)
    tuning = run.seconds - run_of({**overlay, SEARCH: None}).seconds
    size = next_size(params.data.image_size) if params.data.kind == "images" and minutes is None else None
    larger = (size, run_of({**overlay, SIZE: size})) if size else None
    return Proposal(overlay, changes(content, overlay), params, run, choice, lines, tuning, larger)


def _left_out(content: Mapping[str, Any], params: Params, names: Sequence[str]) -> dict[str, Any]:
    """What the report says was left out for lack of time: of these names, those that do not compete."""
    study = params.study.model_copy(update={"left_out": list(names)})
    competing, searches = [candidate.name for candidate in params.candidates()], params.tuning.search is not None
    absent = study.still_left_out(competing, params.seeds, params.data.image_size, searches)
    return {LEFT_OUT: absent} if absent or value_at(content, LEFT_OUT) else {}


def _search(content: Mapping[str, Any], seen_data: SeenData, lists: Mapping[str, Any]) -> Any:
    """Recipes were made for photos of fruit: on own data networks try other settings, too."""
    if seen_data.data.get("fetch", content["data"]["fetch"]):
        return value_at(content, SEARCH)
    return (value_at(content, SEARCH) or USUAL_SEARCH) if names_networks(lists) else None


def _params(content: Mapping[str, Any], overlay: Mapping[str, Any]) -> Params:
    return parse(params_class(), laid_over(content, overlay), str(PARAMS_FILE))


def _score(content: Mapping[str, Any], seen_data: SeenData) -> dict[str, Any]:
    """All classes count alike where they are unbalanced. What was named for another task goes, and costs go that were
    named for other data: the same classes may cost something else there.
    """
    has_classes, compare = seen_data.data.get("task", "classification") == "classification", content["compare"]
    wanted = parse(Compare, compare, str(PARAMS_FILE), ("compare",))
    earlier = content["data"]
    is_same = all(seen_data.data.get(key, earlier.get(key)) == earlier.get(key) for key in ("fetch", "path", "target"))
    fits = has_classes and is_same and not any(faults_of_classes(wanted, list(seen_data.counts)))
    keeps_costs = not wanted.costs or fits
    if wanted.score and keeps_costs and unfit_score(wanted.score, has_classes) is None:
        return {}
    score = BALANCED_ACCURACY.name if seen_data.unbalanced and has_classes else None
    overlay = {**OF_ONE_TASK, "compare.score": score}
    if keeps_costs:
        del overlay["compare.costs"]
    return {key: value for key, value in overlay.items() if key.partition(".")[2] in compare}


def _without_idle_study(content: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """The overlay, without what is asked of candidates that do not compete by it: the data-size study is switched off,
    and ensembles of them are not made."""
    laid = laid_over(content, overlay)
    studied = value_at(laid, "study.candidates")
    params = _params(content, overlay)
    idle = NO_STUDY if set(studied or []) - {candidate.name for candidate in params.candidates()} else {}
    possible = {f"{ENSEMBLES}.{key}": value for key, value in possible_ensembles(params).items()}
    return {**overlay, **idle, **_with_soups(laid), **possible}


def _with_soups(laid: Mapping[str, Any]) -> dict[str, Any]:
    """An older file lacks the list of soups, which dvc.yaml reads whether there are any or not."""
    if value_at(laid, ENSEMBLES) is None:
        return {ENSEMBLES: {"soups": []}}
    return {} if "soups" in value_at(laid, ENSEMBLES) else {f"{ENSEMBLES}.soups": []}


def _of_other_candidates(content: Mapping[str, Any], lists: Mapping[str, Any]) -> dict[str, Any]:
    """A data-size study is of candidates that may no longer compete: it is switched off."""
    if not content["study"]["candidates"] or all(value_at(content, key) == names for key, names in lists.items()):
        return {}
    return dict(NO_STUDY)
