"""What numbers the rows or tells the answer is left out, told, and kept where the user names it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from pipeline.datasets.tables.ready_rows import Rows

Prepared = Callable[..., Rows]
COUNT = 150


def table(**columns: object) -> pd.DataFrame:
    """Sorted by class, with a measure that tells little of it."""
    random = np.random.default_rng(3)
    classes = np.repeat(["a", "b", "c"], COUNT // 3)
    measure = random.normal(size=COUNT) + (classes == "b")
    return pd.DataFrame({"x": measure.round(3), **columns, "y": classes})


def text(frame: pd.DataFrame) -> str:
    return frame.to_csv(index=False)


def test_a_counter_of_rows_is_left_out_and_told_with_the_key_that_keeps_it(prepared: Prepared) -> None:
    frame = table(Id=np.arange(1, COUNT + 1))
    rows = prepared(text(frame))
    assert [column.name for column in rows.columns] == ["x"]
    assert rows.columns_left_out == {"Id": "numbers the rows"}
    assert any(
        "column 'Id' numbers the rows, and is left out; data.columns: {Id: number} keeps it" in doubt
        for doubt in rows.notes.doubts
    )
    kept = prepared(text(frame), columns={"Id": "number"})
    assert [column.name for column in kept.columns] == ["x", "Id"]


@pytest.mark.parametrize(
    "numbers",
    [
        np.arange(COUNT),
        np.arange(COUNT)[::-1],
        1000 + np.random.default_rng(0).permutation(COUNT),
        np.flatnonzero(np.random.default_rng(0).random(2 * COUNT) < 0.7)[:COUNT],
    ],
)
def test_counters_start_anywhere_run_backwards_and_may_lack_some(prepared: Prepared, numbers: np.ndarray) -> None:
    assert prepared(text(table(n=numbers))).columns_left_out == {"n": "numbers the rows"}


@pytest.mark.parametrize(
    "numbers",
    [
        np.random.default_rng(0).integers(0, 10**6, COUNT),
        np.sort(np.random.default_rng(0).integers(0, 10**6, COUNT)),
        np.arange(COUNT) / 7,
        np.arange(COUNT) // 2,
    ],
)
def test_other_numbers_stay(prepared: Prepared, numbers: np.ndarray) -> None:
    random = np.random.default_rng(1).permutation(COUNT)
    frame = table(n=numbers).assign(y=table()["y"].to_numpy()[random])
    assert not prepared(text(frame)).columns_left_out


def test_dates_of_a_file_in_their_order_are_left_out(prepared: Prepared) -> None:
    days = pd.date_range("2024-01-01", periods=COUNT // 3).repeat(3)
    for pattern in ("%Y-%m-%d", "%d.%m.%Y"):
        rows = prepared(text(table(day=days.strftime(pattern))))
        assert rows.columns_left_out == {"day": "dates the rows, and the file is in their order"}
    mixed = table(day=np.random.default_rng(0).permutation(days.strftime("%Y-%m-%d")))
    assert not prepared(text(mixed)).columns_left_out


def test_a_column_that_says_the_answer_in_other_words_is_left_out(prepared: Prepared) -> None:
    classes = table()["y"].to_numpy()
    random = np.random.default_rng(0)
    word = pd.Series(classes).map({"a": "low", "b": "middle", "c": "high"}).to_numpy()
    score = pd.Series(classes).map({"a": 1, "b": 5, "c": 9}).to_numpy() + random.normal(0, 0.2, COUNT)
    paid = np.where(classes == "b", 12.5, np.nan)
    hint = np.where(random.random(COUNT) < 0.8, classes, "a")
    rows = prepared(text(table(word=word, score=score.round(4), paid=paid, hint=hint)))
    assert set(rows.columns_left_out) == {"word", "score"}
    assert "alone predicts nearly everything" in rows.columns_left_out["word"]
    assert any("data.columns: {word: category} keeps it" in doubt for doubt in rows.notes.doubts)
    kept = prepared(text(table(word=word)), columns={"word": "category"})
    assert not kept.columns_left_out


def test_a_column_that_is_the_number_in_other_units_is_left_out(prepared: Prepared) -> None:
    random = np.random.default_rng(0)
    euros = random.lognormal(3, 1, COUNT)
    frame = pd.DataFrame({"x": euros * random.normal(1, 0.2, COUNT), "dollars": euros * 1.08, "y": euros})
    rows = prepared(text(frame), task="regression")
    assert set(rows.columns_left_out) == {"dollars"}


def test_a_column_with_next_to_no_values_gives_nothing_away(prepared: Prepared) -> None:
    random = np.random.default_rng(0)
    area = random.lognormal(3, 1, COUNT)
    pools = {
        f"pool {row}": np.where(np.arange(COUNT) == row, 30.0, np.nan) for row in range(12)
    }  # either half has none
    frame = pd.DataFrame({"area": area, **pools, "y": area * random.normal(1, 0.5, COUNT)})
    assert not prepared(text(frame), task="regression").columns_left_out


def test_a_column_that_is_all_there_is_stays_and_is_told(prepared: Prepared) -> None:
    classes = table()["y"].to_numpy()
    rows = prepared(text(pd.DataFrame({"word": "is " + pd.Series(classes), "y": classes})), duplicates="keep")
    assert [column.name for column in rows.columns] == ["word"] and not rows.columns_left_out
    assert "no other column would be left" in rows.notes.doubts[-1]


def test_the_test_split_is_not_looked_at(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.datasets.tables import rows as module

    seen: list[int] = []
    monkeypatch.setattr(module, "find_predictors", lambda table, target, classes: seen.extend(table.index) or {})
    rows = prepared(text(table()))
    assert sorted(seen) == rows.splits["development"].tolist()


def test_few_rows_tell_nothing(prepared: Prepared) -> None:
    frame = table(n=np.arange(COUNT)).iloc[::6]
    assert len(frame) == 25 and not prepared(text(frame)).columns_left_out


def test_flowers_keep_their_four_measures() -> None:
    import io

    from pipeline.datasets.sources.tables import csv_of
    from pipeline.datasets.tables.giveaways import find_predictors

    frame = pd.read_csv(io.BytesIO(csv_of("iris")))
    assert not find_predictors(frame.drop(columns="species"), pd.factorize(frame["species"])[0], classes=True)


@pytest.mark.parametrize("unit", [1, 1000])
def test_a_clock_that_runs_through_the_file_is_left_out(prepared: Prepared, unit: int) -> None:
    clock = 1_600_000_000 + np.cumsum(np.random.default_rng(0).integers(1, 5000, COUNT))
    rows = prepared(text(table(recorded=clock * unit)))
    assert rows.columns_left_out == {"recorded": "dates the rows, and the file is in their order"}
    assert any("data.columns: {recorded: number} keeps it" in doubt for doubt in rows.notes.doubts)
    mixed = np.random.default_rng(1).permutation(clock)
    assert not prepared(text(table(recorded=mixed * unit))).columns_left_out
