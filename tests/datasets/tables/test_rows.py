"""A table is split without leaks, and refused where nothing can be learned from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.tables.ready_rows import Rows
from pipeline.datasets.tables.rows import REPEATED, prepare_rows
from pipeline.datasets.tables.targets import NO_TARGET
from pipeline.params.data import Data

FILE = Path("own.csv")


def settings(**changed: Any) -> Data:
    given = {"fetch": [], "path": "own.csv", "image_size": 96, "test_fraction": 0.25, "limit": None, "seed": 0}
    return Data(**(given | {"target": "y"} | changed))


def table(count: int = 80) -> pd.DataFrame:
    random = np.random.default_rng(1)
    return pd.DataFrame({"x": random.normal(size=count), "y": ["no", "yes", "no", "no"] * (count // 4)})


def rows_of(frame: pd.DataFrame, **changed: Any) -> Rows:
    return prepare_rows(frame, FILE, settings(**changed))


def test_classes_are_stratified_and_rows_are_on_one_side_each() -> None:
    rows = rows_of(table())
    assert rows.class_names == ["no", "yes"]
    assert rows.counts("test") == {"no": 15, "yes": 5} and rows.counts("development") == {"no": 45, "yes": 15}
    together = np.concatenate(list(rows.splits.values()))
    assert sorted(together) == list(range(80))


def test_a_row_without_target_is_quarantined() -> None:
    frame = table()
    frame.loc[[3, 10], "y"] = None
    rows = rows_of(frame)
    assert [(row.example, row.reason) for row in rows.quarantined] == [("row 04", NO_TARGET), ("row 11", NO_TARGET)]
    assert len(rows.ids) == 78 and "row 04" not in rows.ids


def test_of_rows_that_repeat_each_other_one_stays() -> None:
    frame = pd.concat([table(), table().head(3)], ignore_index=True)
    rows = rows_of(frame)
    assert [(row.example, row.reason, row.duplicate_of) for row in rows.quarantined] == [
        ("row 81", REPEATED, "row 01"),
        ("row 82", REPEATED, "row 02"),
        ("row 83", REPEATED, "row 03"),
    ]
    assert len(rows.ids) == 80


def test_repeated_rows_are_an_error_where_that_is_asked_for() -> None:
    frame = pd.concat([table(), table().head(1)], ignore_index=True)
    with pytest.raises(TableError, match="1 rows repeat another, such as row 81, which repeats row 01; remove them"):
        rows_of(frame, duplicates="fail")
    assert len(rows_of(frame, duplicates="keep").ids) == 81


def test_rows_alike_in_all_but_the_target_stay_on_one_side() -> None:
    frame = pd.DataFrame({"x": np.repeat(np.arange(40.0), 5), "y": np.tile(["no", "yes", "no", "yes", "no"], 40)})
    rows = rows_of(frame, duplicates="together")
    assert rows.groups is not None and len(rows.ids) == 200 and not rows.quarantined
    sides = [set(rows.groups[chosen].tolist()) for chosen in rows.splits.values()]
    assert not sides[0] & sides[1] and len(sides[0] | sides[1]) == 40


def test_columns_are_described_by_the_rows_to_learn_from_alone() -> None:
    frame = table().assign(kind="common")
    seen = rows_of(frame.assign(kind=[f"k{number % 2}" for number in range(80)]))
    rare = int(seen.splits["test"][0])
    kinds = [f"k{number % 2}" for number in range(80)]
    kinds[rare] = "only in test"
    rows = rows_of(frame.assign(kind=kinds))
    assert next(column.categories for column in rows.columns if column.name == "kind") == ["k0", "k1"]


def test_a_limit_takes_a_stratified_part_of_each_split() -> None:
    rows = rows_of(table(400), limit=40)
    assert [len(chosen) for chosen in rows.splits.values()] == [40, 40]


def test_numbers_as_classes_are_named_as_people_write_them() -> None:
    frame = table().assign(y=[0.0, 10.0, 2.0, 10.0] * 20)
    assert rows_of(frame).class_names == ["0", "2", "10"]


@pytest.mark.parametrize(
    ("changed", "frame", "says"),
    [
        ({"target": "z"}, {}, "data.target = 'z': there is no such column; columns: x, y"),
        ({"drop": ["gone"]}, {}, "data.drop = 'gone': there is no such column"),
        ({}, {"y": "same"}, "is always 'same', so there is nothing to predict"),
        ({"task": "regression"}, {}, "'no' is no number, and data.task = 'regression' predicts numbers"),
        (
            {},
            {"y": np.arange(80.0)},
            "has 80 different numbers in 80 rows, hardly classes; set data.task to regression",
        ),
        ({}, {"y": ["no"] * 77 + ["rare"] * 3}, "too few rows to learn from: rare has 2"),
        ({"drop": ["x"]}, {}, "no column is left to learn from"),
    ],
)
def test_what_cannot_be_learned_is_refused_by_key_and_remedy(
    changed: dict[str, Any], frame: dict[str, Any], says: str
) -> None:
    with pytest.raises(TableError) as refusal:
        rows_of(table().assign(**frame), **changed)
    assert says in str(refusal.value) and str(refusal.value).startswith("own.csv")


def test_a_regression_keeps_its_numbers() -> None:
    frame = table().assign(y=np.arange(80.0))
    rows = rows_of(frame, task="regression")
    assert rows.class_names == [] and rows.targets.dtype == np.float64
    assert sorted(rows.targets) == list(range(80))
