"""What of a plan is done on this machine, and what is spread over nodes."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipeline.operations.planning.due import Inputs
from pipeline.operations.planning.plan import Plan, PlannedStage
from pipeline.operations.scaling.on_nodes.shard_stages import Shard
from pipeline.operations.scaling.orders import Trial
from pipeline.params.training.candidates import CLASSICAL, Candidate
from pipeline.params.upkeep.scale import Needs, Scale

GB = 1e9
NOTHING = Inputs()
SPREAD = ("train", "evaluate", "soup")  # all other stages read what is only here, need a network, or take seconds
OVERHEAD = 4.0  # seconds of a stage on a node beside its work: a commit checked out, inputs pulled, outs pushed


@dataclass(frozen=True)
class Resources:
    """Of a node, or set aside for a stage: processors, graphics cards, bytes of memory."""

    cpus: float
    gpus: float = 0.0
    memory: float = 0.0

    def holds(self, other: Resources) -> bool:
        room = 1e-9  # shares of a card add up only nearly
        return self.cpus >= other.cpus and self.gpus + room >= other.gpus and self.memory >= other.memory

    def less(self, other: Resources) -> Resources:
        return Resources(self.cpus - other.cpus, self.gpus - other.gpus, self.memory - other.memory)


@dataclass(frozen=True)
class Task:
    """One stage for one node, one of its trials, or one shard of the photos that `prepare` reads.

    Attributes:
        name: of the stage, as `dvc repro` takes it; of a trial, that and its seed; of a shard, that and its photos.
        seconds: that it is expected to take.
        resources: that it is given.
        inputs: what it reads that other stages write.
        shares: what stages have in common whose work on one node is done once: a backbone, or else the candidate.
        trial: what is trained, where it is not a whole stage.
        trials: those that are tasks of their own, of a stage that needs only join them: {name of the task: trial}.
        shard: what is read, where it is not a whole stage.
    """

    name: str
    seconds: float
    resources: Resources
    inputs: Inputs = NOTHING
    shares: str | None = None
    trial: Trial | None = None
    trials: Mapping[str, Trial] = field(default_factory=dict)
    shard: Shard | None = None

    @property
    def waits_for(self) -> tuple[str, ...]:
        """Names of the tasks, and of stages that are done already, whose files it reads."""
        return (*self.inputs.stages, *self.trials)


@dataclass(frozen=True)
class Division:
    """A plan divided: what is done here before, then the tasks, then what is done here after them.

    Attributes:
        before: names of due stages that get and prepare the data, or that DVC's cache here has, in their order.
        tasks: in the order of the plan.
        after: names of due stages that bring everything together, and of points of the data-size study.
        seconds_before, seconds_after: that they are expected to take.
    """

    before: list[str]
    tasks: list[Task]
    after: list[str]
    seconds_before: float
    seconds_after: float

    @property
    def given(self) -> list[str]:
        """Names of the stages whose outs tasks read and that are no tasks themselves."""
        tasks = {task.name for task in self.tasks}
        return sorted({name for task in self.tasks for name in task.inputs.stages} - tasks)

    def stages_in(self, names: Container[str]) -> list[str]:
        """Those of its tasks among these names that are stages, and not trials of one."""
        return [task.name for task in self.tasks if task.trial is None and task.name in names]


def divide(plan: Plan, inputs: Mapping[str, Inputs], scale: Scale, seeds: Sequence[int] = ()) -> Division:
    """
    Args:
        inputs: of each stage, by name.
        seeds: that every candidate is trained with, where they may be trained apart.
    """
    spread = [stage for stage in plan.due if _is_spread(stage)]
    after = [stage for stage in plan.due if stage.forecast.stage.part == "compare" or _is_of_study(stage)]
    before = [stage for stage in plan.due if stage not in spread and stage not in after]
    tasks = [task for stage in spread for task in _tasks(stage, inputs.get(stage.name, Inputs()), scale, seeds)]
    return Division(
        [stage.name for stage in before],
        tasks,
        [stage.name for stage in after],
        sum(stage.seconds for stage in before),
        sum(stage.seconds for stage in after),
    )


def _is_spread(stage: PlannedStage) -> bool:
    return stage.forecast.stage.part in SPREAD and stage.state != "cached" and not _is_of_study(stage)


def _is_of_study(stage: PlannedStage) -> bool:
    """Whether it is a point of the data-size study: it reads more than DVC knows of, so that it runs here."""
    candidate = stage.forecast.stage.candidate
    return candidate is not None and candidate.training_share < 1


def _tasks(stage: PlannedStage, inputs: Inputs, scale: Scale, seeds: Sequence[int]) -> Iterator[Task]:
    """The stage as one task, or a task for each of its trials and one that joins them."""
    whole = _task(stage, inputs, scale)
    if not _is_apart(stage, scale, seeds):
        yield whole
        return
    candidate = stage.forecast.stage.candidate
    assert candidate is not None
    trials = {f"{stage.name}:seed-{seed}": Trial(stage.name, candidate.name, seed) for seed in seeds}
    for name, trial in trials.items():
        yield replace(whole, name=name, seconds=stage.forecast.alone + OVERHEAD, trial=trial)
    yield replace(whole, seconds=stage.forecast.start + OVERHEAD, trials=trials)


def _is_apart(stage: PlannedStage, scale: Scale, seeds: Sequence[int]) -> bool:
    """Whether seeds are tasks of their own: only trials of networks are kept one by one, and found by the stage."""
    candidate, forecast = stage.forecast.stage.candidate, stage.forecast
    if scale.trial_seconds is None or len(seeds) < 2 or forecast.stage.part != "train":
        return False
    has_trials = candidate is not None and candidate.family != CLASSICAL
    return has_trials and forecast.alone - forecast.start >= scale.trial_seconds


def _task(stage: PlannedStage, inputs: Inputs, scale: Scale) -> Task:
    candidate = stage.forecast.stage.candidate
    needs = scale.needs_of(candidate.family) if candidate else Needs()
    memory = needs.memory_gb * GB if needs.memory_gb else stage.forecast.memory
    resources = Resources(needs.cpus, needs.gpus, memory)
    return Task(stage.name, stage.seconds + OVERHEAD, resources, inputs, _shared(candidate))


def _shared(candidate: Candidate | None) -> str | None:
    return (candidate.backbone or candidate.name) if candidate else None
