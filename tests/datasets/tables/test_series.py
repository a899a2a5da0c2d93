"""A series is cut into windows in the order of time, and what comes last is the test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.store.prepared import Prepared
from pipeline.datasets.store.splits import last_stretch, split_development
from pipeline.datasets.tables.ready_rows import Rows
from pipeline.datasets.tables.rows import prepare_rows
from pipeline.datasets.tables.series import ACROSS_GAP
from pipeline.params.data import Data

FILE = Path("own.csv")


def rows_of(frame: pd.DataFrame, **changed: Any) -> Rows:
    given = {"fetch": [], "path": "own.csv", "image_size": 96, "test_fraction": 0.25, "limit": None, "seed": 0}
    given |= {"target": "v", "time": "t", "window": 3, "task": "regression"}
    return prepare_rows(frame, FILE, Data(**(given | changed)))


def series(count: int = 43) -> pd.DataFrame:
    return pd.DataFrame({"t": np.arange(1900.0, 1900 + count), "v": np.arange(count) * 10.0})


def test_each_row_holds_the_values_before_its_target_oldest_first() -> None:
    rows = rows_of(series())
    assert [column.name for column in rows.columns] == ["lag 3", "lag 2", "lag 1"]
    assert rows.table.iloc[0].tolist() == [0, 10, 20] and rows.targets[0] == 30
    assert len(rows.targets) == 40 and rows.ids[0] == "01 at 1903"


def test_the_order_of_the_file_does_not_matter() -> None:
    shuffled = series().sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(rows_of(shuffled).table, rows_of(series()).table)


def test_dates_order_a_series_too() -> None:
    dates = pd.date_range("2024-01-01", periods=43).strftime("%Y-%m-%d")
    rows = rows_of(series().assign(t=dates).sample(frac=1, random_state=3))
    assert rows.targets[0] == 30 and rows.ids[0] == "01 at 2024-01-04"


def test_the_test_split_is_the_last_stretch() -> None:
    rows = rows_of(series())
    assert rows.splits["test"].tolist() == list(range(30, 40)) and rows.splits["development"].tolist() == list(
        range(30)
    )


def test_every_seed_is_validated_on_the_last_stretch_of_the_rest_and_a_share_is_the_latest() -> None:
    data = Prepared(np.zeros((30, 3)), np.zeros(30), np.arange(30), "series", "regression", [], None, [], None, "x")
    for seed in (0, 1):
        train, val = split_development(data, 0.2, seed)
        assert (train.tolist(), val.tolist()) == (list(range(24)), list(range(24, 30)))
    assert split_development(data, 0.2, 0, share=0.25)[0].tolist() == list(range(18, 24))
    assert [len(side) for side in last_stretch(3, 0.01)] == [2, 1]


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (series().assign(t=1900.0), "1900 stands twice"),
        (series().assign(t=[None, *range(42)]), "is missing in 1 rows"),
        (series().assign(t=["soon"] * 43), "'soon' is neither a number nor a date"),
        (series().assign(v="x"), "'x' is no number; a series is of numbers"),
        (series(3), "3 rows are no more than data.window = 3"),
    ],
)
def test_what_is_no_series_is_refused(frame: pd.DataFrame, says: str) -> None:
    with pytest.raises(TableError) as refusal:
        rows_of(frame)
    assert says in str(refusal.value)


def test_a_gap_in_the_series_is_missing_in_its_windows_and_no_target() -> None:
    frame = series()
    frame.loc[10, "v"] = np.nan
    rows = rows_of(frame)
    assert [row.reason for row in rows.quarantined] == ["has no target"]
    assert rows.table.isna().sum().tolist() == [1, 1, 1]


def test_no_window_reaches_across_a_gap_in_time_and_that_is_told() -> None:
    frame = series(60).drop(index=[20, 21])
    rows = rows_of(frame)
    assert rows.ids[16:19].tolist() == ["17 at 1919", "18 at 1925", "19 at 1926"]
    across = [row.example for row in rows.quarantined if row.reason == ACROSS_GAP]
    assert across == ["at 1922", "at 1923", "at 1924"]
    assert (rows.table.diff(axis=1).iloc[:, 1:] == 10).all().all()
    assert "its step is 1, and there are 1 gaps, the first between 1919 and 1922" in rows.notes.doubts[0]


def test_a_series_with_gaps_nearly_everywhere_is_refused_with_the_remedy() -> None:
    with pytest.raises(TableError, match="add the missing times, with an empty cell where there is no value, or lower"):
        rows_of(series(60).drop(index=range(2, 60, 4)), window=4)


def test_times_keep_all_their_digits() -> None:
    start = 1711843200000000000
    rows = rows_of(series().assign(t=[str(start + number) for number in range(43)]))
    assert rows.ids[0] == f"01 at {start + 3}" and len(rows.ids) == 40


def test_a_series_of_a_semicolon_file_may_write_its_numbers_with_commas(prepared: Callable[..., Rows]) -> None:
    text = "day;v\n" + "\n".join(
        f"{day:%d.%m.%Y};1.{number:03d},5" for number, day in enumerate(pd.date_range("2024-01-01", periods=43))
    )
    rows = prepared(text, target="v", time="day", window=3, task="regression")
    assert rows.targets[0] == 1003.5 and rows.ids[0] == "01 at 04.01.2024"


def test_times_may_be_written_with_commas_where_the_values_show_none(prepared: Callable[..., Rows]) -> None:
    lines = "\n".join(f"{row // 2},{5 * (row % 2)};{row % 7}" for row in range(60))
    found = prepared(f"t;y\n{lines}\n", task="regression", time="t", window=3)
    assert found.ids[0].endswith(" at 1.5") and not found.quarantined
