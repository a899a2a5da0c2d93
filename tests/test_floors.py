"""Floors: what each says, and which one a task has."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.floors import FLOORS, LAST_VALUE, MAJORITY, MEAN, Floor, floor_of
from pipeline.params.schema.rows import row_names


@pytest.mark.parametrize(
    ("task", "kind", "floor"),
    [
        ("multiclass", "images", MAJORITY),
        ("binary", "table", MAJORITY),
        ("regression", "table", MEAN),
        ("regression", "series", LAST_VALUE),
    ],
)
def test_each_kind_of_task_has_a_floor_of_its_own(task: str, kind: str, floor: Floor) -> None:
    assert floor_of(task, kind) is floor


def test_a_floor_says_what_the_targets_to_learn_from_suggest() -> None:
    assert MAJORITY.answer(np.array([0, 2, 2, 1])) == 2
    assert MEAN.answer(np.array([1.0, 2.0, 6.0])) == 3.0


def test_every_floor_can_compete() -> None:
    assert {floor.model for floor in FLOORS} <= set(row_names("classical.yaml"))
    assert MAJORITY.candidate == "classical-majority"
