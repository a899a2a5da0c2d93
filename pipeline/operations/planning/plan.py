"""The plan of a run: the stages that are due, in the order in which they are run, each with its forecast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.configuration.whole import Params
from pipeline.operations.planning.due import GraphState, State, graph_state
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
        due: in the order in which they are run.
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
    """Of the checkout that is the current directory.

    Args:
        targets: stages as `dvc repro` takes them; none: the whole graph.

    Raises:
        VersioningError: a target is no stage, or DVC cannot read the project.
    """
    return join_plan(graph_state(targets, mends=False), forecast_stages(params, speeds=speeds))


def join_plan(graph: GraphState, forecasts: Sequence[StageForecast]) -> Plan:
    by_name = {forecast.stage.name: forecast for forecast in forecasts}
    due = [PlannedStage(by_name[name], graph.stages[name]) for name in graph.due if name in by_name]
    return Plan(due, [name for name, state in graph.stages.items() if state == "unchanged"])
