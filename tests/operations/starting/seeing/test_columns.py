"""What a column is taken for, by its name and its values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.operations.starting.seeing.columns import (
    looks_like_group,
    looks_like_splits,
    looks_like_time,
    name_for_target,
    tells_classes,
)
from pipeline.operations.starting.seeing.photo_size import propose_size

HERE = Path("t.csv")
FEATURES = ["age_group", "blood_group", "income group", "n_sessions", "persons", "num_device", "number_of_customer"]


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        (["yes", "no"] * 20, True),
        (["1.5", "2.25", "3"] * 20, False),
        ([0.0, 1.0, 1.0, 0.0] * 10, True),
        (["0", "1", None, "1"] * 10, True),
        ([str(number) for number in range(40)], False),
        ([str(number % 20) for number in range(100)], None),  # 20 different ones: either
        (["1"] * 30 + ["2"] * 2, None),  # so seldom: either
        ([*(f"{number},5" for number in range(40)), "n/a"], False),
        ([f"1.{number}" for number in range(400, 440)], False),  # a thousand or about one, but a number
        (["1.2.3", "1.2.4"] * 20, True),
    ],
)
def test_words_are_classes_decimals_are_numbers_and_few_whole_numbers_are_classes(
    values: list[object], classes: bool | None
) -> None:
    assert tells_classes(pd.Series(values, dtype=object)) is classes


@pytest.mark.parametrize(
    ("name", "values", "group"),
    [
        ("patient_id", [f"p{row // 3}" for row in range(30)], True),
        ("Patient", [f"p{row}" for row in range(30)], False),  # each has one photo
        ("hospital", ["a", "b"] * 15, False),  # too few to divide
        ("patience", [f"p{row // 3}" for row in range(30)], False),
        ("colour", [f"p{row // 3}" for row in range(30)], False),
        ("group", [f"p{row // 3}" for row in range(30)], True),
        ("GroupID", [f"p{row // 3}" for row in range(30)], True),
        *((name, [f"p{row // 3}" for row in range(30)], False) for name in FEATURES),
    ],
)
def test_a_column_of_persons_has_their_name_and_several_rows_each(name: str, values: list[str], group: bool) -> None:
    assert looks_like_group(name, pd.Series(values)) is group


def test_dates_at_one_step_order_a_series_and_so_do_numbers_called_year() -> None:
    months = pd.Series([f"{2010 + month // 12}-{month % 12 + 1:02d}-01" for month in range(36)])
    assert looks_like_time("when", months, HERE) == "one month"
    assert looks_like_time("when", months.sample(frac=1, random_state=0), HERE) == "one month"
    assert looks_like_time("when", pd.concat([months, months]), HERE) is None
    years = pd.Series([str(year) for year in range(1900, 1950)])
    assert looks_like_time("year", years, HERE) == "1"
    assert looks_like_time("id", years, HERE) is None
    scattered = np.cumsum([1, 1, *range(2, 40)])  # a day is the commonest step, and most others leave days out
    days = pd.Series((pd.Timestamp("2001-01-01") + pd.to_timedelta(scattered, unit="D")).strftime("%Y-%m-%d"))
    assert looks_like_time("day", days, HERE) is None


def test_a_split_says_train_and_something_else() -> None:
    assert looks_like_splits(pd.Series(["train", "Test", "val"]))
    assert looks_like_splits(pd.Series(["train", "valid", "test"]))
    assert not looks_like_splits(pd.Series(["train", "train"]))
    assert not looks_like_splits(pd.Series(["train", "bus"]))


def test_only_one_column_can_be_the_target_by_its_name() -> None:
    assert name_for_target(["x", "Label"]) == "Label"
    assert name_for_target(["class", "label"]) is None


@pytest.mark.parametrize(
    ("sides", "wanted", "size", "dearer"),
    [
        ([400, 500, 300], None, 96, "128 would cost about 1.8 times the time and disk, and keeps finer detail"),
        ([70, 70, 500], None, 64, "96 would cost about 2.2 times the time and disk, and only enlarges"),
        ([20, 20], None, 32, "48 would cost"),
        ([400], 160, 160, "224 would cost about 2.0 times"),
        ([400], 224, 224, None),
    ],
)
def test_photos_are_reduced_to_the_usual_size_and_not_enlarged(
    sides: list[int], wanted: int | None, size: int, dearer: str | None
) -> None:
    proposed, lines = propose_size(sides, 96, wanted)
    assert proposed == size
    assert f"photo size {size}" in lines[0]
    assert lines[1].startswith(dearer) if dearer else len(lines) == 1
