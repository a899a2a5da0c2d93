"""Rows of one patient stay on one side of every split, and nothing is learned from whose they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.tables.grouping import number_groups
from pipeline.datasets.tables.ready_rows import Rows
from pipeline.datasets.tables.rows import prepare_rows
from pipeline.params.data import Data


def visits() -> pd.DataFrame:
    """Four visits of each of 30 patients."""
    random = np.random.default_rng(2)
    patients = [f"p{row // 4}" for row in range(120)]
    return pd.DataFrame({"patient": patients, "x": random.normal(size=120), "y": ["no", "yes", "no", "no"] * 30})


def rows_of(frame: pd.DataFrame, **changed: Any) -> Rows:
    given = {"fetch": [], "path": "own.csv", "image_size": 96, "test_fraction": 0.25, "limit": None, "seed": 0}
    return prepare_rows(frame, Path("own.csv"), Data(**(given | {"target": "y", "group": "patient"} | changed)))


def patients_on(rows: Rows, frame: pd.DataFrame, split: str) -> set[str]:
    return set(frame["patient"].iloc[rows.splits[split]])


def test_rows_of_one_group_are_on_one_side_and_the_column_is_not_learned_from() -> None:
    frame = visits()
    rows = rows_of(frame)
    development, test = patients_on(rows, frame, "development"), patients_on(rows, frame, "test")
    assert not development & test and len(development | test) == 30 and len(test) in range(5, 11)
    assert [column.name for column in rows.columns] == ["x"]


def test_without_a_group_patients_are_divided() -> None:
    frame = visits()
    rows = rows_of(frame, group=None)
    assert patients_on(rows, frame, "development") & patients_on(rows, frame, "test")


def test_a_dropped_column_still_holds_rows_together() -> None:
    frame = visits()
    rows = rows_of(frame, drop=["patient"])
    assert not patients_on(rows, frame, "development") & patients_on(rows, frame, "test")


def test_two_patients_with_the_same_measurements_are_not_one_row_twice() -> None:
    frame = visits()
    frame["x"] = frame["x"].to_numpy()[np.arange(120) % 60]
    assert len(rows_of(frame).ids) == 120
    assert len(rows_of(frame, group=None, drop=["patient"]).ids) == 60


def test_a_number_is_predicted_with_groups_whole() -> None:
    frame = visits().assign(y=np.random.default_rng(0).normal(size=120))
    rows = rows_of(frame, task="regression")
    assert not patients_on(rows, frame, "development") & patients_on(rows, frame, "test")


def test_rows_without_a_group_are_each_on_their_own() -> None:
    groups = number_groups(pd.Series(["a", None, "a", None]), None)
    assert groups is not None and groups[0] == groups[2] and len(set(groups.tolist())) == 3


def test_rows_that_are_alike_join_their_groups() -> None:
    groups = number_groups(pd.Series(["a", "a", "b", "c"]), np.array([0, 1, 1, 2]))
    assert groups is not None and len(set(groups[:3].tolist())) == 1 and groups[3] != groups[0]


def test_one_group_alone_is_refused() -> None:
    with pytest.raises(TableError, match=r"own.csv: data.group = 'patient': all 120 rows are of one group"):
        rows_of(visits().assign(patient="p"))


def test_two_groups_are_too_few() -> None:
    with pytest.raises(TableError, match=r"there are 2 groups, and groups are not divided: .* takes at least 3"):
        rows_of(visits().assign(patient=["a", "b"] * 60))


def test_a_test_split_that_leaves_one_group_is_refused() -> None:
    with pytest.raises(TableError, match=r"a single group is left to learn from, and none to validate on; lower data"):
        rows_of(visits().assign(patient=["a", "b", "c"] * 40), test_fraction=0.6)


def test_classes_of_a_single_group_each_are_told_so() -> None:
    frame = visits().assign(y=["no", "yes", "perhaps"] * 40, patient=["a", "b", "c"] * 40)
    with pytest.raises(TableError, match=r"no group can be set aside as test, since each class stands in a single"):
        rows_of(frame)


def test_classes_that_are_left_with_a_single_group_each_are_told_so() -> None:
    frame = visits().assign(y=["no", "yes", "yes"] * 40, patient=["a", "b", "c"] * 40)
    with pytest.raises(TableError, match=r"of what is left to learn from each class stands in a single group"):
        rows_of(frame)


@pytest.mark.parametrize(("word", "missing"), [("NA", None), ("unknown", ["unknown"])])
def test_a_word_for_a_missing_group_is_no_group(word: str, missing: list[str] | None) -> None:
    frame = visits()
    frame.loc[:35, "patient"] = word
    rows = rows_of(frame, missing=missing)
    assert rows.groups is not None and len(np.unique(rows.groups)) == 36 + 21


def test_a_group_that_is_not_there_is_refused() -> None:
    with pytest.raises(TableError, match=r"data.group = 'person': there is no such column; columns: patient, x, y"):
        rows_of(visits(), group="person")
