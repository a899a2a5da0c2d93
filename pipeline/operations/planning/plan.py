"""The plan of a run: the stages that are due, in the order in which they are run, each with its forecast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.configuration.whole import Params
from pipeline.operations.planning.due import GraphState, Inputs, State, graph_state
from pipeline.operations.planning.expansion import trains_blocks
from pipeline.operations.planning.forecast import StageForecast, Total, forecast_stages, total
from pipeline.operations.planning.speeds import Speeds

RESTORED = 2.0  # seconds to bring a stage's outs back from DVC's cache
SKIPPED = 0.05  # seconds for DVC to see that a stage is unchanged


@dataclass(frozen=True)
class PlannedStage:
    """
    Attributes:
        forecast: as if it ran.
        state: why it is due.
        seconds, low, high: of the forecast; those of bringing it back where DVC has its outcome in the cache.
    """

    forecast: StageForecast
    state: State

    @property
    def name(self) -> str:
        return self.forecast.stage.name

    @property
    def seconds(self) -> float:
        return RESTORED if self.state == "cached" else self.forecast.seconds

    @property
    def low(self) -> float:
        return RESTORED / 2 if self.state == "cached" else self.forecast.low

    @property
    def high(self) -> float:
        return 2 * RESTORED if self.state == "cached" else self.forecast.high


@dataclass(frozen=True)
class Plan:
    """
    Attributes:
        due: in DVC's order of running them; of `make_plan` in that of `python -m pipeline repro`.
        unchanged: names of the stages that are as they were.
    """

    due: list[PlannedStage]
    unchanged: list[str]

    @property
    def due_names(self) -> list[str]:
        return [stage.name for stage in self.due]

    @property
    def total(self) -> Total:
        """What all that is due takes and needs."""
        needs = total(stage.forecast for stage in self.due if stage.state != "cached")
        sums = [sum(getattr(stage, bound) for stage in self.due) for bound in ("seconds", "low", "high")]
        return Total(sums[0], sums[1], sums[2], needs.memory, needs.disk)


def make_plan(params: Params, targets: Sequence[str] = (), speeds: Speeds | None = None) -> Plan:
    """Of the checkout that is the current directory, in the order in which `python -m pipeline repro` runs it.

    Args:
        targets: stages as `dvc repro` takes them; none: the whole graph.

    Raises:
        VersioningError: a target is no stage, or DVC cannot read the project.
    """
    graph = graph_state(targets, mends=False)
    plan = join_plan(graph, forecast_stages(params, speeds=speeds))
    first = [] if targets else first_pass(plan, params, graph.inputs)
    return replace(plan, due=sorted(plan.due, key=lambda stage: stage.name not in first))


def first_pass(plan: Plan, params: Params, inputs: Mapping[str, Inputs]) -> list[str]:
    """Stages to run before everything else, so that a preliminary ranking has all cheap candidates early.

    DVC takes a matrix in its own order: all techniques of one backbone, then the next. A first `dvc repro` of these
    stages brings the cheap candidates of every backbone forward.

    Args:
        plan: of the whole graph.
        inputs: of each stage.

    Returns:
        Evaluations of the candidates that train no block of a backbone, behind all that they need, in the plan's order.
        Nothing where no candidate that trains blocks is due, so that there is none to wait for.
    """
    expensive = {candidate.name for candidate in params.candidates() if trains_blocks(candidate, params)}
    due = [stage.forecast.stage for stage in plan.due]
    if not any(stage.part == "train" and stage.candidate and stage.candidate.name in expensive for stage in due):
        return []
    waiting = [
        stage.candidate.evaluation_stage
        for stage in due
        if stage.candidate and stage.candidate.training_share == 1 and stage.candidate.name not in expensive
    ]
    needed: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += inputs.get(name, Inputs()).stages
    return [stage.name for stage in due if stage.name in needed]


def join_plan(graph: GraphState, forecasts: Sequence[StageForecast]) -> Plan:
    by_name = {forecast.stage.name: forecast for forecast in forecasts}
    due = [PlannedStage(by_name[name], graph.stages[name]) for name in graph.due if name in by_name]
    return Plan(due, [name for name, state in graph.stages.items() if state == "unchanged"])
