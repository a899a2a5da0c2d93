"""Files of a series are read as the study's was, by what its description says, and put in the order of time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.champions.answering import Served
from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.store.columns import Column
from pipeline.datasets.tables.preparing import describe, rows_so_far
from pipeline.operations.predicting.rows import answer_tables
from pipeline.params.data import Data

WINDOW = 4


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def the_last_value(series: dict[str, Any]) -> Served:
    lags = [Column(f"lag {back}") for back in range(WINDOW, 0, -1)]
    return Served(lambda rows: rows[:, -1:], [], None, lags, series=series)


def test_a_file_of_no_more_than_the_window_is_asked_for_gaps_too() -> None:
    served = the_last_value({"time": "t", "target": "v"})
    steps = pd.DataFrame({"t": [3, 4, 5, 6], "v": [1.0, 2.0, 3.0, 4.0]})
    steps.to_csv("whole.csv", index=False)
    (answer,) = answer_tables(served, [Path("whole.csv")]).to_dict("records")
    assert (answer["after"], answer["predicted"]) == ("6", 4.0)
    steps.assign(t=[2, 3, 5, 6]).to_csv("gap.csv", index=False)
    with pytest.raises(TableError, match="between 3 and 5 some are not there"):
        answer_tables(served, [Path("gap.csv")])


def asked_of(known: list[str], asked: list[str]) -> str:
    """The time after which a value is said, by a study of these times, described as `prepare` does it."""
    own = pd.DataFrame({"t": known, "v": np.arange(len(known)) % 7 + 0.5})
    own.to_csv("own.csv", index=False)
    given: dict[str, Any] = {"fetch": [], "path": "own.csv", "image_size": 96, "test_fraction": 0.25, "limit": None}
    given |= {"seed": 0, "target": "v", "time": "t", "window": WINDOW, "task": "regression"}
    described = describe(rows_so_far(Path("own.csv"), Data(**given)), Data(**given), {})["series"]
    pd.DataFrame({"t": asked, "v": np.arange(len(asked)) + 0.25}).to_csv("ask.csv", index=False)
    (answer,) = answer_tables(the_last_value(described), [Path("ask.csv")]).to_dict("records")
    return str(answer["after"])


WORKING = pd.bdate_range("2024-01-01", periods=60)
DAYS = pd.date_range("2024-01-01", periods=90)


def test_a_weekend_is_no_gap_in_a_few_working_days_either() -> None:
    asked = pd.bdate_range("2024-03-28", periods=WINDOW + 1)  # Thursday to Wednesday; the study ended on 22 March
    assert asked_of([*WORKING.strftime("%Y-%m-%d")], [*asked.strftime("%Y-%m-%d")]) == "2024-04-03"
    with pytest.raises(TableError, match="between 2024-03-28 and 2024-04-05 some are not there"):
        asked_of([*WORKING.strftime("%Y-%m-%d")], ["2024-03-27", "2024-03-28", "2024-04-05", "2024-04-08"])


def test_day_and_month_are_told_apart_by_the_study_where_a_few_days_leave_it_open() -> None:
    asked = pd.date_range("2024-05-03", periods=7)
    assert asked_of([*DAYS.strftime("%d/%m/%Y")], [*asked.strftime("%d/%m/%Y")]) == "09/05/2024"


def test_steps_are_as_long_as_the_studys_though_those_asked_about_are_alike() -> None:
    third = pd.date_range("2024-05-01", periods=6, freq="3D")
    with pytest.raises(TableError, match="its step is one day, and between 2024-05-13 and 2024-05-16 some are not"):
        asked_of([*DAYS.strftime("%Y-%m-%d")], [*third.strftime("%Y-%m-%d")])
    with pytest.raises(TableError, match="some are not there"):
        asked_of([*DAYS.strftime("%Y-%m-%d")], [*DAYS[60:90:3].strftime("%Y-%m-%d")])
    assert asked_of([*DAYS.strftime("%Y-%m-%d")], [*DAYS[70:80].strftime("%Y-%m-%d")]) == "2024-03-20"


def test_a_wrong_time_is_named_by_its_row_in_the_file() -> None:
    with pytest.raises(TableError, match=r"ask\.csv: column 't': row 2: 'soon' is neither a number nor a date"):
        asked_of([*DAYS.strftime("%Y-%m-%d")], ["2024-05-01", "soon", "2024-05-03", "2024-05-04"])


@pytest.mark.parametrize(
    ("times", "columns", "says"),
    [
        ([f"{number:02d}.01" for number in range(1, 32)], {"t": "number"}, {"time_is_number": True}),
        (
            [f"{number / 10:.1f}".replace(".", ",") for number in range(60)],
            {},
            {"time_format": {"decimal": ",", "thousands": ""}},
        ),
    ],
    ids=["01.02 is a number", "decimal commas"],
)
def test_times_are_read_as_the_study_read_them(times: list[str], columns: dict[str, str], says: dict[str, Any]) -> None:
    last, point = len(times) - 1, "." if "." in times[0] else ","
    own = pd.DataFrame({"t": times, "v": [f"{step}{point}5" for step in range(len(times))]})
    own.to_csv("own.csv", index=False, sep=";")
    given: dict[str, Any] = {"fetch": [], "path": "own.csv", "image_size": 96, "test_fraction": 0.25, "limit": None}
    given |= {"seed": 0, "target": "v", "time": "t", "window": WINDOW, "task": "regression", "columns": columns}
    rows = rows_so_far(Path("own.csv"), Data(**given))
    described = describe(rows, Data(**given), {})["series"]
    assert {key: value for key, value in described.items() if key.startswith("time_")} == says
    own.iloc[np.r_[last - 4 : last + 1, last - 9 : last - 4]].to_csv("ask.csv", index=False, sep=";")
    (answer,) = answer_tables(the_last_value(described), [Path("ask.csv")]).to_dict("records")
    assert (answer["row"], answer["after"], answer["predicted"]) == (5, times[-1], last + 0.5)
