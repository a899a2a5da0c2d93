"""What comes later is read as the study is, and neither crosses the sealed seam nor changes what was known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.datasets.accepted import ACCEPTED
from pipeline.datasets.arrivals.new_rows import read_new_rows
from pipeline.datasets.arrivals.new_steps import _with_own_rows, read_new_steps, series_so_far, windows_with
from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.tables.accepted_rows import BOTH_SIDES, EXAMPLE
from pipeline.datasets.tables.preparing import rows_so_far
from pipeline.datasets.tables.ready_rows import Rows
from pipeline.datasets.tables.rows import REPEATED
from pipeline.params.data import Data

GIVEN = {"fetch": [], "path": "own.csv", "image_size": 96, "test_fraction": 0.25, "limit": None, "seed": 0}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def patients(count: int = 80, seed: int = 1) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    table = pd.DataFrame({"x": random.normal(size=count).round(4), "y": random.choice(["no", "yes"], count)})
    return table.assign(
        patient=[f"P{number // 2}" for number in range(count)], visit=range(seed * 1000, seed * 1000 + count)
    )


def rows_of(**changed: Any) -> Rows:
    return rows_so_far(Path("own.csv"), Data(**(GIVEN | {"target": "y"} | changed)))


def accept(table: pd.DataFrame, side: str) -> None:
    place = ACCEPTED / "2026-01-05-aa" / "rows" / f"{side}.parquet"
    place.parent.mkdir(parents=True, exist_ok=True)
    stored = table.astype({"patient": object, "visit": str}).set_index(
        pd.Index([f"n row {n}" for n in table.index], name=EXAMPLE)
    )
    stored.to_parquet(place)


def sides(rows: Rows) -> dict[str, set[str]]:
    return {split: set(rows.names["patient"].iloc[chosen]) for split, chosen in rows.splits.items()}


def test_accepted_rows_of_a_group_that_the_own_table_has_on_the_other_side_by_now_are_left_out() -> None:
    """As after another data.seed, or a row that was added to the own table."""
    patients().to_csv("own.csv", index=False)
    before = rows_of(group="patient", key="visit")
    learning = sorted(sides(before)["development"])
    later = patients(20, seed=2).assign(patient=[learning[number] for number in range(20)])
    accept(later, "train")
    same = rows_of(group="patient", key="visit")
    assert len(same.ids) == len(before.ids) + 20 and not sides(same)["development"] & sides(same)["test"]
    redrawn = rows_of(group="patient", key="visit", seed=3)
    assert not sides(redrawn)["development"] & sides(redrawn)["test"]
    gone = [row for row in redrawn.quarantined if row.reason == BOTH_SIDES]
    assert gone and len(redrawn.ids) == len(same.ids) - len(gone)


@pytest.mark.parametrize("key", ["visit", None])
def test_accepted_rows_that_the_own_table_has_too_by_now_are_left_out(key: str | None) -> None:
    own = patients()
    own.to_csv("own.csv", index=False)
    accept(pd.concat([own.head(5), patients(10, seed=2)]), "test")
    names = {"key": key} if key else {"drop": ["visit", "patient"]}
    rows = rows_of(**names)
    assert [row.reason for row in rows.quarantined] == [REPEATED] * 5 and len(rows.ids) == 90


def test_numbers_of_patients_with_a_float_ending_and_numbers_for_missing_are_read_as_the_study_reads_them() -> None:
    own = patients().assign(patient=[number // 2 for number in range(80)])
    own.to_csv("own.csv", index=False)
    settings = Data(**(GIVEN | {"target": "y", "group": "patient", "key": "visit", "missing": ["-999"]}))
    known = rows_so_far(Path("own.csv"), settings)
    later = own.head(4).astype({"patient": float, "visit": float})
    later.loc[1, "x"] = -999.0
    for name, write in (("new.csv", later.to_csv), ("new.parquet", later.to_parquet)):
        write(name, index=False)
        rows = read_new_rows(Path(name), known, list(own.columns), settings)
        assert rows.table["visit"].tolist() == ["1000", "1001", "1002", "1003"]
        assert rows.table["patient"].tolist() == ["0", "0", "1", "1"]
    assert rows.table["x"].isna().tolist() == [False, True, False, False], (
        "the number of the Parquet file, as -999 in a CSV"
    )


@pytest.mark.parametrize("gaps", [True, False])
def test_a_category_of_whole_numbers_is_the_same_where_gaps_made_floats_of_them(gaps: bool) -> None:
    """In the study's own table or in what comes later; a new one is written as the others are."""
    own = patients().drop(columns=["patient", "visit"]).assign(ward=[number % 3 for number in range(80)])
    floats = own.assign(ward=own["ward"].astype(float).where(own.index != 5))
    settings = Data(**(GIVEN | {"target": "y", "columns": {"ward": "category"}}))
    (floats if gaps else own).to_csv("own.csv", index=False)
    known = rows_so_far(Path("own.csv"), settings)
    later = patients(4, seed=2).drop(columns=["patient", "visit"]).assign(ward=[0, 1, 2, 7])
    (later if gaps else later.astype({"ward": float})).to_csv("new.csv", index=False)
    rows = read_new_rows(Path("new.csv"), known, list(own.columns), settings)
    assert rows.table["ward"].tolist() == ["0", "1", "2", "7"]


def days(first: str, count: int, frequency: str = "D") -> pd.DataFrame:
    moments = pd.date_range(first, periods=count, freq=frequency).strftime("%Y%m%d")
    return pd.DataFrame({"day": moments, "sold": np.arange(count) % 7 + 0.5})


def steps_of(new: pd.DataFrame) -> Any:
    settings = Data(**(GIVEN | {"target": "sold", "task": "regression", "time": "day", "window": 5}))
    new.to_csv("new.csv", index=False)
    known = series_so_far(settings)
    steps = read_new_steps([Path("new.csv")], known, settings)
    return steps, lambda: windows_with(known, steps.table[steps.faults == ""], settings)


def test_a_date_that_there_is_not_does_not_make_numbers_of_all_dates() -> None:
    days("2024-01-01", 182).to_csv("own.csv", index=False)
    steps, _ = steps_of(pd.DataFrame({"day": ["20240701", "20240631"], "sold": [1.0, 2.0]}))
    assert steps.faults.tolist() == [
        "",
        "column 'day': '20240631' is no time as the series has them, such as '20240630'; write it so",
    ]


def test_steps_with_which_the_series_would_have_other_gaps_are_refused() -> None:
    """A Saturday behind working days makes a gap of every weekend."""
    days("2024-01-01", 120, "B").to_csv("own.csv", index=False)
    _, monday = steps_of(days("2024-06-17", 3, "B"))
    windows, is_new = monday()
    assert is_new.sum() == 3 and (windows.table["lag 1"].to_numpy()[is_new] > 0).all()
    _, saturday = steps_of(pd.DataFrame({"day": ["20240615"], "sold": [1.0]}))
    with pytest.raises(TableError, match="gaps"):
        saturday()


def test_a_window_across_the_gap_before_the_new_steps_is_none() -> None:
    days("2024-01-01", 60).to_csv("own.csv", index=False)
    _, after_a_gap = steps_of(days("2024-03-10", 8))
    _, is_new = after_a_gap()
    assert is_new.sum() == 3, "of eight steps the first five have no five values right before them"


def test_times_that_only_together_leave_open_how_they_are_read_are_refused_by_their_own_row() -> None:
    """The day stands first, as the order of the file shows, until rows come that are in no order."""
    moments = pd.date_range("2024-01-01", "2024-03-01")
    moments = moments[moments.day <= 12]
    pd.DataFrame({"day": moments.strftime("%d/%m/%Y"), "sold": np.arange(25) + 0.5}).to_csv("own.csv", index=False)
    with pytest.raises(TableError, match="may have the day or the month first") as refusal:
        steps_of(pd.DataFrame({"day": ["04/03/2024", "02/03/2024"], "sold": [1.0, 2.0]}))
    assert str(refusal.value).startswith("data/incoming: data.time = 'day': row 2 of own.csv and what came since: ")
    later = pd.DataFrame({"day": ["13/03/2024", "14/03/2024"], "sold": [1.0, 2.0]})
    assert steps_of(later)[0].faults.tolist() == ["", ""]


def test_a_refused_row_among_new_ones_is_called_by_its_file() -> None:
    message = "data/incoming: data.time = 'day': row 14: '?' is neither a number nor a date; 3 in row 2"
    own = _with_own_rows(message, 12, ["new.csv row 5", "other.csv row 1"], Data(**(GIVEN | {"target": "sold"})))
    assert own == "data/incoming: data.time = 'day': other.csv row 1: '?' is neither a number nor a date; 3 in row 2"
