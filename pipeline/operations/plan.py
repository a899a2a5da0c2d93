"""Say what is due and how long it takes on this machine, without running it.

python -m pipeline plan                          # all of it
python -m pipeline plan finetune@resnet50-full   # a stage, and what it needs
python -m pipeline plan --json                   # for programs
python -m pipeline plan --minutes 30             # what of params.yaml fits into so many minutes, and what does not
python -m pipeline plan --minutes 30 --write     # and params.yaml is cut to it
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from pipeline.configuration.loading import load_params
from pipeline.configuration.whole import Params
from pipeline.dvc_command import VersioningError
from pipeline.ground.system_faults import tell_failure
from pipeline.operations.planning.measuring import measure_speeds
from pipeline.operations.planning.plan import Plan, PlannedStage, make_plan
from pipeline.operations.planning.words import due_stages, duration, duration_range, size
from pipeline.operations.starting.output import tell_nothing_to_change, tell_proposal, tell_written
from pipeline.operations.starting.params_file import refuse_edits, refuse_running, write_params_file
from pipeline.operations.starting.proposal import check_proposal, cut_to_fit
from pipeline.operations.starting.seeing.start_options import StartError
from pipeline.params.schema.reading import PARAMS_FILE, ParamsError, read_yaml

WIDTH = 80
SOURCES = {"ran": "as they ran here", "measured": "by this machine's measured speed", "usual": "as on another machine"}
MARKS = {"changed": "", "follows": " *", "cached": " (kept)"}


def run(
    targets: Sequence[str] = (),
    as_json: bool = False,
    no_measuring: bool = False,
    minutes: float | None = None,
    write: bool = False,
) -> int:
    """Print a row for each stage that is due, then what the whole run takes; or what fits into some minutes.

    Args:
        targets: stages as `dvc repro` takes them; none: the whole graph.
        no_measuring: forecast from what is known; else networks whose speed is not known here are timed first,
            mostly for half a minute each.
        minutes: say what of params.yaml fits into so many, from nothing.
        write: and cut params.yaml to that.

    Returns:
        The exit status: 2 where one sentence says what was wrong.
    """
    try:
        _refuse_contradictions(targets, as_json, minutes, write)
        if minutes is not None:
            _fit(minutes, write, measured=not no_measuring)
        else:
            plan = _planned(load_params(), targets, measured=not no_measuring)
            print(json.dumps(_as_data(plan), indent=2)) if as_json else _print(plan)
    except (ParamsError, VersioningError, StartError) as error:
        tell_failure("plan", error)
        return 2
    return 0


def _refuse_contradictions(targets: Sequence[str], as_json: bool, minutes: float | None, write: bool) -> None:
    """
    Raises:
        StartError: an option would be without effect beside the others.
    """
    if minutes is None:
        if write:
            raise StartError(
                f"--write cuts {PARAMS_FILE} to what fits into some minutes: say how many, such as --minutes 30"
            )
        return
    if targets:
        raise StartError(
            f"{targets[0]} --minutes {minutes:g}: minutes are for all that {PARAMS_FILE} names; leave out either the "
            "stage or --minutes"
        )
    if as_json:
        raise StartError(
            "--json prints what is due, and --minutes says in sentences what fits; leave out one of the two"
        )


def _planned(params: Params, targets: Sequence[str], measured: bool) -> Plan:
    plan = make_plan(params, targets)
    if measured and any(_is_unmeasured(stage) for stage in plan.due):
        plan = make_plan(params, targets, measure_speeds(params))
    return plan


def _fit(minutes: float, write: bool, measured: bool) -> None:
    if write:
        refuse_running()
        refuse_edits()
    params = load_params()
    if measured:
        measure_speeds(params, budget_minutes=minutes)
    proposal = cut_to_fit(read_yaml(PARAMS_FILE), minutes)
    check_proposal(proposal)
    tell_proposal(proposal)
    if write and proposal.changes:
        tell_written(proposal, write_params_file(proposal.overlay))
    elif not proposal.changes:
        tell_nothing_to_change()


def _is_unmeasured(stage: PlannedStage) -> bool:
    candidate = stage.forecast.stage.candidate
    network = candidate is not None and (candidate.backbone is not None or candidate.family != "classical")
    return network and stage.forecast.source == "usual" and stage.state != "cached"


def _print(plan: Plan) -> None:
    if not plan.due:
        print(
            f"Nothing is due: all {len(plan.unchanged)} stages are as they were. `python -m pipeline repro` shows the "
            "answer."
        )
        return
    Console(width=WIDTH, highlight=False).print(_table(plan))
    run = plan.total
    unchanged = f"; {len(plan.unchanged)} more are as they were" if plan.unchanged else ""
    print(f"\n{due_stages(len(plan.due))}{unchanged}")
    print(f"time    about {duration(run.seconds)}, {duration_range(run.low, run.high)}")
    print(f"memory  up to {size(run.memory)}, disk {size(run.disk)} more beside what `keep` allows")
    if known := _known_from(plan):
        print(f"stages  {known}")
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    if load > cores / 2:
        print(f"load    other work asks for {load:.1f} processors, and there are {cores}; meanwhile all takes longer")
    if any(stage.state == "follows" for stage in plan.due):
        print("*       only if what it follows comes out otherwise than before")
    if any(stage.state == "cached" for stage in plan.due):
        print("(kept)  DVC has the outcome from an earlier run and restores it")


def _table(plan: Plan) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("stage", overflow="fold")
    for heading in ("time", "memory", "disk"):
        table.add_column(heading, justify="right", no_wrap=True)
    for stage in plan.due:
        needs = (size(stage.forecast.memory), size(stage.forecast.disk)) if stage.state != "cached" else ("", "")
        table.add_row(stage.name + MARKS[stage.state], duration(stage.seconds), *needs)
    return table


def _known_from(plan: Plan) -> str:
    """Where the times come from."""
    counts: Counter[str] = Counter(stage.forecast.source for stage in plan.due if stage.state != "cached")
    return ", ".join(f"{SOURCES[source]} {counts[source]}" for source in SOURCES if counts[source])


def _as_data(plan: Plan) -> dict[str, Any]:
    run = plan.total
    return {
        "stages": [
            {
                "stage": stage.name,
                "part": stage.forecast.stage.part,
                "candidate": stage.forecast.stage.candidate.name if stage.forecast.stage.candidate else None,
                "state": stage.state,
                "seconds": round(stage.seconds, 1),
                "low": round(stage.low, 1),
                "high": round(stage.high, 1),
                "memory_bytes": round(stage.forecast.memory),
                "disk_bytes": round(stage.forecast.disk),
                "source": stage.forecast.source,
            }
            for stage in plan.due
        ],
        "unchanged": plan.unchanged,
        "total": {
            "seconds": round(run.seconds, 1),
            "low": round(run.low, 1),
            "high": round(run.high, 1),
            "memory_bytes": round(run.memory),
            "disk_bytes": round(run.disk),
        },
    }
