"""Run what is due, show how far it has come, and end with the answer.

python -m pipeline repro                          # all of it
python -m pipeline repro finetune@resnet50-full   # a stage, and what it needs

Underneath it is plain `dvc repro`, whose messages come through; a bare `dvc repro` does the same work.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from rich.console import Console

from pipeline.configuration.loading import load_params
from pipeline.dvc_command import KILLED, OUT_OF_MEMORY, VersioningError, dvc_environment
from pipeline.forking.run import fork_server
from pipeline.ground.locks import living_owner
from pipeline.ground.system_faults import tell_failure
from pipeline.operations.following.answer import PRELIMINARY, print_answer
from pipeline.operations.following.child import run_repro
from pipeline.operations.following.display import shown
from pipeline.operations.following.note import forget, noted
from pipeline.operations.following.progress import RunProgress
from pipeline.operations.following.running import FANOUT_LOCK, run_before_this, running_stages
from pipeline.operations.planning.due import GraphState, graph_state
from pipeline.operations.planning.expansion import Stage
from pipeline.operations.planning.forecast import forecast_stages
from pipeline.operations.planning.plan import Plan, first_pass, join_plan
from pipeline.operations.planning.prepared import refuse_unfit_score_of_run
from pipeline.operations.planning.words import due_stages, duration, duration_range, size
from pipeline.params.schema.reading import ParamsError
from pipeline.scores.score_for_task import ScoreError

REFUSED = 2  # the exit status
LOCKED = "Unable to acquire lock"


def run(targets: Sequence[str] = ()) -> int:
    """
    Args:
        targets: stages as `dvc repro` takes them; none: the whole graph.

    Returns:
        DVC's exit status; 2 where one sentence says why nothing was run.
    """
    try:
        _refuse_second_run()
        forget()
        graph = _graph(targets)
        if not graph.due:
            return _nothing_due(graph, targets)
        params = load_params()
        refuse_unfit_score_of_run(params, graph)
        plan = join_plan(graph, forecast_stages(params))
    except (ParamsError, ScoreError, VersioningError) as error:
        tell_failure("repro", error)
        return REFUSED
    _announce(plan)
    progress = RunProgress(plan, time.monotonic())
    running = [stage.forecast.stage for stage in plan.due if stage.state != "cached"]
    with_keras = _names(stage for stage in running if stage.uses_keras)
    with noted(progress) as note, fork_server(dvc_environment(), _names(running), with_keras) as environment:
        for some in _passes(first_pass(plan, params, graph.inputs), targets):
            if status := _follow(some, progress, note, environment):
                return status
    progress.finish(time.monotonic())
    _end(targets)
    return 0


def _names(stages: Iterable[Stage]) -> list[str]:
    return [stage.name for stage in stages]


def _graph(targets: Sequence[str]) -> GraphState:
    """What is due; where DVC cannot read the project because of params.yaml, our own sentence says why."""
    try:
        return graph_state(targets)
    except VersioningError:
        load_params()
        raise


def _nothing_due(graph: GraphState, targets: Sequence[str]) -> int:
    """DVC's own comparison has found nothing, so it need not be started to find that again."""
    print(f"Nothing is due: all {len(graph.stages)} stages are as they were.")
    _end(targets)
    return 0


def _end(targets: Sequence[str]) -> None:
    if not targets or "compare" in targets:
        PRELIMINARY.unlink(missing_ok=True)  # left where DVC restored the comparison, whose code then did not run
        print_answer()


def _refuse_second_run() -> None:
    if owner := living_owner(FANOUT_LOCK, other_than=os.getpid()):  # whose end this may be
        raise VersioningError(f"{owner} goes on for this checkout, on nodes; a run here has to wait for its end")
    stages = running_stages(Path())
    name, process = (stages[0].name, stages[0].process) if stages else ("a `repro`", run_before_this(Path()))
    if process is not None:
        raise VersioningError(
            f"{name} runs in this checkout already (process {process}); `python -m pipeline status` follows it, and a "
            "second run has to wait for its end"
        )


def _announce(plan: Plan) -> None:
    run_total = plan.total
    print(
        f"{due_stages(len(plan.due))}: about {duration(run_total.seconds)} "
        f"({duration_range(run_total.low, run_total.high)}), up to {size(run_total.memory)} of memory and "
        f"{size(run_total.disk)} of disk",
        flush=True,
    )


def _passes(first: Sequence[str], targets: Sequence[str]) -> list[Sequence[str]]:
    """What each `dvc repro` is asked for, one after the other.

    Of several targets DVC would run what they need in an order of its own, in which the floor may come last.

    Args:
        first: stages that go before all others, in the order in which they are to run.
    """
    return [["--single-item", *first], ()] if first and not targets else [targets]


def _follow(
    targets: Sequence[str], progress: RunProgress, note: Callable[[], None], environment: dict[str, str]
) -> int:
    """One `dvc repro`, shown on the way, and noted for `status`."""
    locked = killed = False
    with shown(progress, Console()) as display:

        def take(line: str) -> None:
            nonlocal locked, killed
            locked, killed = locked or LOCKED in line, killed or bool(KILLED.search(line))
            stage = progress.read(line, time.monotonic())
            display.line(line)
            if stage:
                note()
                display.stage(stage)

        status = run_repro(targets, take, environment)
    if status and locked:
        print(
            "kiyas repro: another DVC command holds this checkout's lock (.dvc/tmp/lock says which process); wait for "
            "its end and run this again",
            file=sys.stderr,
        )
    elif status and killed:
        print(f"kiyas repro: {OUT_OF_MEMORY}", file=sys.stderr)
    return status
