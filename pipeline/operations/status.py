"""Say how far a run has come, from another terminal, whoever started it; or what is due where none goes on.

python -m pipeline status

It takes no lock and writes nothing, so that it cannot disturb a run.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import chdir
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline.champions.log import LOCK
from pipeline.configuration.loading import load_params
from pipeline.configuration.whole import Params
from pipeline.dvc_command import VersioningError
from pipeline.ground.files import read_json
from pipeline.ground.locks import living_owner
from pipeline.ground.paths import DATASET, REPORT, VERDICT, WEIGHTS
from pipeline.ground.system_faults import tell_failure
from pipeline.operations.following.answer import PRELIMINARY
from pipeline.operations.following.display import heading, standing
from pipeline.operations.following.note import NOTE, Followed, followed
from pipeline.operations.following.progress import RunProgress
from pipeline.operations.following.running import Run, RunningStage, process_of_run, running_stages, what_runs
from pipeline.operations.planning.expansion import Stage, stages_of
from pipeline.operations.planning.forecast import forecast_stages
from pipeline.operations.planning.plan import Plan, PlannedStage, make_plan
from pipeline.operations.planning.words import due_stages, duration, duration_range
from pipeline.operations.scaling.watching import STATE, Standing, standing_of
from pipeline.operations.workspace import WORKSPACES
from pipeline.params.compare import soup_of
from pipeline.params.data import FETCHED
from pipeline.params.schema.reading import ParamsError
from pipeline.stages.backbone import IDENTITIES
from pipeline.stages.folders import FOLDERS, MARK, README, VIEWS
from pipeline.trials import evaluation_folder, results_folder

REFUSED = 2  # the exit status


def run(as_json: bool = False) -> int:
    """
    Returns:
        The exit status: 2 where one sentence says what was wrong.
    """
    try:
        params = load_params()
        running, between = running_stages(Path()), None
        standing = standing_of(Path())
        if standing and not (
            standing.is_elsewhere and (running or process_of_run(Path()))
        ):  # what runs here goes before
            _print_standing(standing, as_json)
            if as_json or not standing.is_elsewhere:
                return 0
        noted = followed(stages_of(params))
        if noted and not (noted.host and (running or process_of_run(Path()))):
            _print_followed(noted, running, as_json)
            return 0
        plan = make_plan(params, running[0].run.targets if running else ())
        if not running:
            between = process_of_run(Path())
    except (ParamsError, VersioningError) as error:
        tell_failure("status", error)
        return REFUSED
    if running:
        progress = _progress(running[0], plan, params)
        if as_json:
            print(json.dumps(_as_data(progress), indent=2))
        else:
            _print_run(running[0], progress)
    elif as_json:
        told = {"running": None, "at_work": what_runs(Path()) is not None, "process": between}
        print(json.dumps({**told, "due": plan.due_names, "seconds": round(plan.total.seconds, 1)}, indent=2))
    else:
        _print_rest(plan, between)
    return 0


def _progress(running: RunningStage, plan: Plan, params: Params) -> RunProgress:
    """The run as if its lines had been read: each ended stage took the time since the one before it."""
    since = running.run.since
    done = [one for one in forecast_stages(params) if _ended_since(since, one.stage) and one.stage.name != running.name]
    done.sort(key=lambda one: _ended_at(one.stage))
    names = {forecast.stage.name for forecast in done}
    due = [stage for stage in plan.due if stage.name not in names]
    restored = {one.stage.name for one in done if not _was_written_since(since, one.stage)}
    planned = [PlannedStage(one, "cached" if one.stage.name in restored else "changed") for one in done]
    progress = RunProgress(Plan([*planned, *due], plan.unchanged), since)
    progress.restored = sorted(restored)
    before = since
    for stage in (one.stage for one in done):
        if stage.name not in restored:
            progress.ended[stage.name] = _ended_at(stage) - before
        before = _ended_at(stage)
    progress.running = (running.name, running.since)
    return progress


def _ended_since(since: float, stage: Stage) -> bool:
    """Whether a stage's files came into their place since then; one that runs has none."""
    file = _written_last(stage)
    return file is not None and file.exists() and file.stat().st_ctime >= since


def _ended_at(stage: Stage) -> float:
    """When its files came into their place, in seconds since 1970."""
    file = _written_last(stage)
    return file.stat().st_ctime if file is not None and file.exists() else 0.0


def _was_written_since(since: float, stage: Stage) -> bool:
    """Whether the stage itself wrote them. What DVC restores is a link to what an earlier run wrote."""
    file = _written_last(stage)
    return file is not None and file.stat().st_mtime >= since


def _written_last(stage: Stage) -> Path | None:
    """What a stage has put in its place when it is done; None where nobody has said what that is."""
    if stage.candidate is not None:
        name = soup_of(stage.candidate.name).name if stage.part == "soup" else stage.candidate.name
        trained = stage.part == "train"
        return (results_folder(name) if trained else evaluation_folder(name)) / "cost.json"  # never the same twice
    if stage.backbone is not None:
        return WEIGHTS / f"{stage.backbone}.weights.h5"
    if stage.part == "folders":
        return FOLDERS[0] / MARK if stage.name == "folders" else VIEWS / README
    if stage.part == "backbone":
        return IDENTITIES / stage.name.partition("@")[2]
    return {"fetch": Path(FETCHED), "prepare": DATASET, "compare": VERDICT}.get(stage.part)


def _print_run(running: RunningStage, progress: RunProgress) -> None:
    now = time.time()
    print(
        f"{heading(progress, running.name)}; it has run for {duration(now - running.since)} (process {running.process})"
    )
    print(standing(progress, now))
    if PRELIMINARY.is_file():
        print(f"so far: {PRELIMINARY}")


def _print_followed(noted: Followed, running: Sequence[RunningStage], as_json: bool) -> None:
    """Of a `python -m pipeline repro`, which has noted how far it is."""
    progress = noted.progress
    if noted.host and not as_json:
        _print_elsewhere(noted.host, noted.process, noted.noted, NOTE)
    if as_json:
        print(json.dumps(_as_data(progress) | ({"host": noted.host} if noted.host else {}), indent=2))
    elif progress.running:
        name, since = progress.running
        process = next((stage.process for stage in running if stage.name == name), noted.process)
        _print_run(RunningStage(name, process, since, Run(progress.begun)), progress)
    else:
        print(f"A run goes on (process {noted.process}), and DVC looks at the graph.")
        print(standing(progress, time.time()))


def _print_standing(standing: Standing, as_json: bool) -> None:
    """Of a run on several machines."""
    now = time.time()
    if as_json:
        print(json.dumps({**asdict(standing), "elapsed": round(now - standing.since, 1)}, indent=2))
        return
    if standing.is_elsewhere:
        noted = STATE.stat().st_mtime if STATE.is_file() else now  # its driver removes it at its end
        _print_elsewhere(standing.host, standing.process, noted, STATE)
    print("\n".join(standing.lines(now)))


def _print_elsewhere(host: str, process: int, noted: float, file: Path) -> None:
    """Of a run on another machine that shares this folder: whether its process lives cannot be seen from here."""
    ago = duration(time.time() - noted)
    print(f"As a run on {host} (process {process}) noted it {ago} ago; whether it goes on shows there ({file}).")


def _print_rest(plan: Plan, between: int | None = None) -> None:
    """
    Args:
        between: the process of a run that is between two stages; None where no run goes on.
    """
    if between is None:
        owner = living_owner(LOCK)
        print(f"{owner} goes on, between two stages." if owner else "No run goes on in this checkout.")
    else:
        print(f"A run goes on (process {between}), and DVC is between two stages: ask again in a few seconds.")
    if plan.due:
        total = plan.total
        print(
            f"{due_stages(len(plan.due))}: about {duration(total.seconds)} "
            f"({duration_range(total.low, total.high)}); `python -m pipeline plan` lists them"
        )
        if PRELIMINARY.is_file():
            print(f"so far: {PRELIMINARY}")
    elif VERDICT.is_file():
        print(f"Nothing is due. {read_json(VERDICT)['answer']}\n{REPORT}")
    if between is None:
        _print_workspaces()


def _print_workspaces() -> None:
    """What this command says in each workspace in which a study's run goes on."""
    for folder in sorted([*WORKSPACES.glob("*"), *WORKSPACES.glob("*/[0-9]*")]):  # of photo sizes, one a size
        if running_stages(folder):
            print(f"\nA study's run in {folder}:", flush=True)
            with chdir(folder):
                run()


def _as_data(progress: RunProgress) -> dict[str, Any]:
    now, name = time.time(), progress.running[0] if progress.running else None
    seconds, low, high = progress.remaining(now)
    times = {"elapsed": progress.elapsed(now), "remaining": seconds, "remaining_low": low, "remaining_high": high}
    return {
        "running": name,
        "at_work": True,  # between two stages, too
        "position": progress.position,
        "of": progress.total,
        **{key: round(value, 1) for key, value in times.items()},
    }
