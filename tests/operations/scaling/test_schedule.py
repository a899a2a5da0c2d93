"""Which stage goes where and when, and what that adds up to: decided without starting anything."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.operations.planning.due import Inputs
from pipeline.operations.scaling.schedule import Rests, Schedule
from pipeline.operations.scaling.simulation import alike, simulated_seconds
from pipeline.operations.scaling.tasks import Resources, Task

ONE = Resources(1.0)


def task(name: str, seconds: float, *needs: str, shares: str | None = None, resources: Resources = ONE) -> Task:
    return Task(name, seconds, resources, Inputs(needs), shares)


def placed(schedule: Schedule, nodes: dict[str, Resources]) -> dict[str, str]:
    return {assignment.task.name: assignment.node for assignment in schedule.next_assignments(nodes)}


def test_the_longest_chain_begins_first() -> None:
    tasks = [task("alone", 50), task("first", 30), task("then", 40, "first"), task("short", 10)]
    schedule = Schedule(tasks)
    assert placed(schedule, alike(1, ONE)) == {"first": "node-1"}  # 70 seconds hang on it
    schedule.finish("first")
    assert placed(schedule, alike(1, ONE)) == {"alone": "node-1"}


def test_stages_of_one_backbone_go_to_one_node_while_others_have_work() -> None:
    tasks = [
        task(f"{backbone}-{number}", 100 - number, shares=backbone)
        for backbone in ("vgg16", "resnet50")
        for number in range(4)
    ]
    schedule, nodes = Schedule(tasks), alike(2, Resources(2.0))
    homes: dict[str, set[str]] = {"vgg16": set(), "resnet50": set()}
    while not schedule.is_over:
        for name, node in placed(schedule, nodes).items():
            homes[name.partition("-")[0]].add(node)
        for name in list(schedule.running):
            schedule.finish(name)
    assert sorted(map(sorted, homes.values())) == [["node-1"], ["node-2"]]


def test_a_node_that_would_idle_takes_a_stage_from_its_home() -> None:
    schedule = Schedule([task(f"vgg16-{number}", 10, shares="vgg16") for number in range(3)])
    assert set(placed(schedule, alike(2, ONE)).values()) == {"node-1", "node-2"}


def test_a_lost_stage_starts_again_on_another_node_and_on_the_same_one_only_where_there_is_no_other() -> None:
    schedule, nodes = Schedule([task("train", 10, shares="vgg16")]), alike(2, ONE)
    (first,) = placed(schedule, nodes).values()
    schedule.lose("train")
    (second,) = placed(schedule, nodes).values()
    assert second != first
    schedule.lose("train")
    assert set(placed(schedule, nodes)) == {"train"}


def test_a_node_rests_after_a_loss_and_longer_after_each_one_in_a_row() -> None:
    rests, nodes, now = Rests(), alike(2, ONE), 100.0
    for seconds in (5, 10, 20, 40, 80, 160, 300, 300):
        rests.lose("node-1", now)
        assert set(rests.awake(nodes, now + seconds - 0.1)) == {"node-2"}
        assert set(rests.awake(nodes, now + seconds)) == {"node-1", "node-2"}
    rests.finish("node-1")
    rests.lose("node-1", now)
    assert set(rests.awake(nodes, now + 5)) == {"node-1", "node-2"}


def test_a_failed_stage_keeps_back_those_that_need_it_and_no_others() -> None:
    tasks = [task("train", 1), task("evaluate", 1, "train"), task("last", 1, "evaluate"), task("other", 1)]
    schedule = Schedule(tasks)
    placed(schedule, alike(1, Resources(2.0)))
    assert schedule.fail("train") == ["evaluate", "last"]
    schedule.finish("other")
    assert schedule.is_over
    assert (schedule.done, schedule.failed, schedule.skipped) == (["other"], ["train"], ["evaluate", "last"])


def test_what_is_set_aside_is_not_given_twice() -> None:
    half = Resources(1.0, 0.5, 4.0)
    schedule = Schedule([task(f"train-{number}", 1, resources=half) for number in range(5)])
    node = {"node": Resources(8.0, 1.0, 100.0)}
    assert len(placed(schedule, node)) == 2  # two halves of a card
    schedule.finish("train-0")
    assert len(placed(schedule, node)) == 1


def test_a_stage_that_no_node_could_hold_is_found() -> None:
    large = task("large", 1, resources=Resources(1.0, 0.0, 64e9))
    schedule = Schedule([large, task("small", 1)])
    assert schedule.unfit([Resources(4.0, 0.0, 16e9)]) == [large]
    assert schedule.unfit([Resources(4.0, 0.0, 16e9), Resources(1.0, 0.0, 64e9)]) == []
    with pytest.raises(ValueError, match="no node has room for large"):
        simulated_seconds([large], alike(4, Resources(4.0, 0.0, 16e9)))


def test_a_grid_takes_less_on_more_nodes_until_its_longest_chain_is_all_that_is_left() -> None:
    tasks = [
        part
        for number in range(12)
        for part in (task(f"train-{number}", 60), task(f"evaluate-{number}", 20, f"train-{number}"))
    ]
    seconds = [simulated_seconds(tasks, alike(nodes, ONE)) for nodes in (1, 2, 4, 8, 16)]
    assert seconds == [960, 480, 240, 140, 80]


@st.composite
def graphs(draw: st.DrawFn) -> list[Task]:
    tasks: list[Task] = []
    for number in range(draw(st.integers(1, 12))):
        names = [known.name for known in tasks]
        needs = draw(st.lists(st.sampled_from(names), max_size=2, unique=True)) if names else []
        shares = draw(st.sampled_from([None, "vgg16", "resnet50"]))
        tasks.append(task(str(number), draw(st.integers(1, 50)), *needs, shares=shares))
    return tasks


@settings(max_examples=60, deadline=None)
@given(graphs(), st.integers(1, 5))
def test_no_schedule_beats_its_bounds_or_leaves_nodes_idle_for_long(tasks: list[Task], nodes: int) -> None:
    work, chain = sum(one.seconds for one in tasks), longest_chain(tasks)
    seconds = simulated_seconds(tasks, alike(nodes, ONE))
    assert max(work / nodes, chain) <= seconds + 1e-9
    assert seconds <= work / nodes + chain  # Graham's bound of any schedule that never idles without need


def longest_chain(tasks: Iterable[Task]) -> float:
    ends: dict[str, float] = {}
    for one in tasks:
        ends[one.name] = one.seconds + max((ends[name] for name in one.inputs.stages), default=0.0)
    return max(ends.values())
