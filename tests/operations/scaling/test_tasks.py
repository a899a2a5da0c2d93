"""What of a plan is spread over nodes, what stays here, what a stage asks for; and what `--dry-run` says of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.configuration.loading import load_params
from pipeline.operations.planning.due import GraphState, Inputs
from pipeline.operations.planning.forecast import forecast_stages
from pipeline.operations.planning.plan import join_plan
from pipeline.operations.scaling.forecast import dry_run_lines
from pipeline.operations.scaling.orders import Trial
from pipeline.operations.scaling.simulation import alike, simulated_seconds
from pipeline.operations.scaling.tasks import OVERHEAD, Division, Resources, Task, divide
from pipeline.params.upkeep.scale import Needs, Scale

INPUTS = {
    "finetune@vgg16-full": Inputs(("prepare", "weights@vgg16"), ("data/prepared/development",)),
    "evaluate-finetune@vgg16-full": Inputs(("finetune@vgg16-full", "prepare"), ("results/finetune-vgg16-full/models",)),
}
SCALE = Scale(families={"finetune": Needs(cpus=4, gpus=0.5), "classical": Needs(memory_gb=3.0)})


@pytest.fixture
def division(checkout: Path) -> Division:
    forecasts = forecast_stages(load_params())
    states = {forecast.stage.name: "unchanged" for forecast in forecasts}
    due = ("prepare", "finetune@vgg16-full", "evaluate-finetune@vgg16-full", "baseline@svm_hog", "compare")
    graph = GraphState(states | dict.fromkeys(due, "changed"))  # type: ignore[arg-type]
    return divide(join_plan(graph, forecasts), INPUTS, SCALE)


def test_data_are_prepared_and_candidates_compared_here_and_the_rest_is_spread(division: Division) -> None:
    assert division.before == ["prepare"]
    assert division.after == ["compare"]
    assert {task.name for task in division.tasks} == {
        "finetune@vgg16-full",
        "evaluate-finetune@vgg16-full",
        "baseline@svm_hog",
    }
    assert division.given == ["prepare", "weights@vgg16"]


def test_a_stage_is_given_what_scale_says_of_its_family_and_else_what_the_plan_expects(division: Division) -> None:
    tasks = {task.name: task for task in division.tasks}
    deep = tasks["finetune@vgg16-full"]
    assert (deep.resources.cpus, deep.resources.gpus) == (4, 0.5)
    assert deep.resources.memory > 1.5e9  # 15 million weights with their moments, TensorFlow, a batch
    assert tasks["baseline@svm_hog"].resources == Resources(2, 0.0, 3e9)
    assert deep.shares == tasks["evaluate-finetune@vgg16-full"].shares == "vgg16"


def test_seeds_of_a_network_that_take_long_are_tasks_and_its_stage_joins_them(checkout: Path) -> None:
    forecasts = forecast_stages(load_params())
    due = ("finetune@vgg16-full", "evaluate-finetune@vgg16-full", "baseline@svm_hog")
    graph = GraphState(dict.fromkeys(due, "changed"))  # type: ignore[arg-type]
    (deep,) = (one for one in forecasts if one.stage.name == "finetune@vgg16-full")
    seconds = deep.alone - deep.start
    assert 0 < deep.start < deep.alone < deep.seconds

    def tasks_with(trial_seconds: float | None, seeds: list[int]) -> dict[str, Task]:
        scale = SCALE.model_copy(update={"trial_seconds": trial_seconds})
        return {task.name: task for task in divide(join_plan(graph, forecasts), INPUTS, scale, seeds).tasks}

    for trial_seconds, seeds in ((seconds + 1, [0, 1]), (None, [0, 1]), (seconds - 1, [0]), (seconds - 1, [])):
        assert set(tasks_with(trial_seconds, seeds)) == set(due)
    tasks = tasks_with(seconds - 1, [0, 1])
    names = [f"finetune@vgg16-full:seed-{seed}" for seed in (0, 1)]
    assert set(tasks) == {*due, *names}  # not of classical models, whose seeds are not kept one by one
    first, joined = tasks[names[0]], tasks["finetune@vgg16-full"]
    assert first.trial == Trial("finetune@vgg16-full", "finetune-vgg16-full", 0)
    assert (first.inputs, first.resources, first.shares) == (joined.inputs, joined.resources, "vgg16")
    assert joined.waits_for == ("prepare", "weights@vgg16", *names) and joined.trial is None
    assert (first.seconds, joined.seconds) == (deep.alone + OVERHEAD, deep.start + OVERHEAD)
    division = Division([], [*tasks.values()], [], 0.0, 0.0)
    assert division.given == ["prepare", "weights@vgg16"]
    assert division.stages_in({names[0]: {}, "finetune@vgg16-full": {}}) == ["finetune@vgg16-full"]
    alone, two = (simulated_seconds([*tasks.values()], alike(number, Resources(4.0, 0.5, 16e9))) for number in (1, 2))
    assert two < 0.7 * alone


def test_the_plan_is_printed_with_its_time_on_more_and_more_nodes(division: Division) -> None:
    lines = list(dry_run_lines(division, None, Resources(4.0, 0.5, 16e9)))
    assert lines[0].startswith("here, before: prepare (")
    assert any(line.startswith("on a node: finetune@vgg16-full (") and "0.5 cards" in line for line in lines)
    assert [line.split()[0] for line in lines if " about " in line] == ["1", "2", "4", "8", "16"]


def test_a_number_of_places_is_that_of_all_nodes_together(division: Division) -> None:
    *_, time, note = dry_run_lines(division, 8, Resources(2.0, 0.0, 1e9))
    assert time.startswith("8 stages at a time  about ") and "node" not in time + note


def test_points_of_the_data_size_study_stay_here(checkout: Path) -> None:
    text = (checkout / "params.yaml").read_text(encoding="utf-8")
    text = text.replace("  candidates: []  ", "  candidates: [finetune-vgg16-full]  ")
    (checkout / "params.yaml").write_text(text.replace("  fractions: []  ", "  fractions: [0.5]  "), encoding="utf-8")
    forecasts = forecast_stages(load_params())
    growth = [forecast.stage.name for forecast in forecasts if "growth@" in forecast.stage.name]
    everything = GraphState({forecast.stage.name: "changed" for forecast in forecasts})
    division = divide(join_plan(everything, forecasts), {}, SCALE)
    assert growth and set(growth) <= {*division.after}
    assert "finetune@vgg16-full" in {task.name for task in division.tasks}


def test_a_node_that_is_too_small_is_said_instead_of_a_time(division: Division) -> None:
    *_, last = dry_run_lines(division, None, Resources(2.0, 0.5, 16e9))
    assert last == (
        "no node has room for finetune@vgg16-full: a node like this one has 2 processors and 16.0 GB of memory"
    )
