"""Drift of rows: found where it is, told by its column, and not found where rows are like those before."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import numpy as np
import pandas as pd
import pytest

from pipeline.datasets.store.columns import Column, encode, with_categories_of
from pipeline.datasets.store.prepared import Prepared
from pipeline.operations.retraining.contenders import ReigningChampion
from pipeline.operations.retraining.row_drift import (
    Performance,
    RowDrift,
    RowSample,
    Shift,
    _performance,
    _visible_chance,
    category_shift,
    column_shift,
    number_shift,
)

FINE = Performance(60, 300, 0.9, 0.9, 0.5, of_classes=True)


def test_columns_of_the_same_kind_are_called_drifted_as_rarely_as_promised() -> None:
    random = np.random.default_rng(0)
    alarms = 0
    for _ in range(200):
        columns = {f"x{k}": number_shift(random.normal(size=40), random.normal(size=200)) for k in range(6)}
        columns["town"] = category_shift(random.integers(0, 4, 40), random.integers(0, 4, 200), 4)
        alarms += bool(RowDrift("rows", 40, 200, FINE, columns).alarms(0.15))
    assert alarms <= 20  # 10 expected at most, since the level is shared with target and errors


def test_a_column_that_moved_and_one_with_other_shares_are_told_with_their_size_the_largest_first() -> None:
    random = np.random.default_rng(1)
    columns = {
        "age": number_shift(random.normal(1, 1, 80), random.normal(0, 1, 300)),
        "town": category_shift(random.choice(3, 80, p=(0.8, 0.1, 0.1)), random.choice(3, 300), 3),
        "height": number_shift(random.normal(0, 1, 80), random.normal(0, 1, 300)),
    }
    (told,) = RowDrift("rows", 80, 300, FINE, columns).alarms(0.01)
    assert told.startswith("Columns are distributed otherwise in the new rows: 'age' (distance 0.")
    assert "'town' (Cramér's V 0." in told and "'height'" not in told


def test_errors_are_counted_before_those_that_depend_on_one_another_are_left_out_of_the_test() -> None:
    random = np.random.default_rng(9)
    new, before = (RowSample(random.normal(size=(count, 1)), np.zeros(count)) for count in (60, 200))
    champion = cast(ReigningChampion, SimpleNamespace(said=lambda inputs, test: inputs[:, 0]))
    test = cast(Prepared, SimpleNamespace(class_names=[]))
    measured, _ = _performance(new, before, champion, test, 7)
    assert (measured.new, measured.reference, measured.tested) == (60, 200, (9, 29))
    assert measured.value == pytest.approx(np.sqrt(np.square(new.inputs).mean())), "of all of them"
    assert "on 60 new steps" in RowDrift("steps", 60, 200, measured).performance()


def test_a_shift_that_only_a_large_table_can_show_raises_no_alarm() -> None:
    random = np.random.default_rng(2)
    shift = number_shift(random.normal(0.05, 1, 40_000), random.normal(0, 1, 40_000))
    assert shift.p_value < 1e-6 and shift.size < 0.1
    assert RowDrift("rows", 40_000, 40_000, FINE, {"age": shift}).alarms(0.01) == []


def test_more_missing_values_and_unseen_categories_are_drift_too() -> None:
    random = np.random.default_rng(3)
    known, new = random.normal(size=300), random.normal(size=80)
    new[:40] = np.nan
    assert column_shift(new, known, Column("age")).p_value < 1e-6
    town = Column("town", ["north", "south"])
    assert column_shift(np.full(40, np.nan), random.integers(0, 2, 300).astype(float), town).p_value < 1e-3
    assert column_shift(np.full(9, np.nan), np.full(30, np.nan), Column("empty")).p_value == 1.0


def test_a_category_that_was_never_seen_is_not_taken_for_a_missing_value() -> None:
    """As many towns are missing before as are unseen now."""
    town = Column("town", ["north", "south"])
    before = pd.DataFrame({"town": np.array(["north", "south", np.nan], dtype=object)[np.arange(300) % 3]})
    now = pd.DataFrame({"town": np.array(["north", "south", "west"], dtype=object)[np.arange(90) % 3]})
    (grown,) = with_categories_of(now, [town])
    assert grown.categories == ["north", "south", "west"]
    new, known = (encode(table, [grown])[:, 0] for table in (now, before))
    assert np.array_equal(known, encode(before, [town])[:, 0], equal_nan=True), "what is known keeps its number"
    assert column_shift(new, known, grown).p_value < 1e-6
    assert column_shift(encode(now, [town])[:, 0], known, town).p_value == 1.0


def test_a_column_of_very_many_categories_takes_little_memory() -> None:
    """Of 4,000 categories relabellings alone would take 9,999 times 4,000 counts: 320 MB."""
    random = np.random.default_rng(5)
    tracemalloc.start()
    shift = category_shift(random.integers(0, 4000, 200), random.integers(0, 4000, 5000), 4000)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 100 * 2**20 and shift.p_value > 0.001


def test_few_examples_of_a_category_are_relabelled_instead_of_counted_on() -> None:
    """The chi-squared distribution would call one example of a category that was never seen p < 0.001."""
    new, known = np.array([0] * 9 + [1]), np.zeros(200, np.int64)
    assert category_shift(new, known, 2).p_value == pytest.approx(10 / 210, abs=0.01)
    never_seen = category_shift(np.ones(20, np.int64), np.zeros(2000, np.int64), 2)
    assert never_seen.p_value < 1e-6, "relabellings alone would end at 1e-4, above the level of one of many columns"


def test_targets_inform_and_only_columns_and_errors_raise_an_alarm() -> None:
    worse = Performance(60, 300, 0.6, 0.9, 1e-6, of_classes=True)
    drift = RowDrift("rows", 60, 300, worse, {}, Shift(0.5, 1e-6, of_categories=True))
    assert drift.loses_accuracy(0.01)
    assert drift.alarms(0.01) == [
        "The champion is right on 60.0 % of 60 new rows, on 90.0 % of 300 before (p < 0.001)."
    ]
    assert drift.sentences(0.01)[0] == "Classes come in other shares than before (Cramér's V 0.50, p < 0.001)."
    numbers = replace(drift, champion=Performance(60, 300, 5.0, 3.0, 1e-6, of_classes=False))
    assert (
        "is off by 5" in numbers.alarms(0.01)[0] and "The target is distributed otherwise" in numbers.sentences(0.01)[0]
    )


def test_how_much_larger_errors_would_have_to_be_is_what_the_test_shows_so_often() -> None:
    from scipy.stats import mannwhitneyu

    chance = _visible_chance(40, 200, 0.01 / 3)
    assert 0.6 < chance < 0.8
    assert _visible_chance(2, 200, 0.01 / 3) > 1
    random = np.random.default_rng(4)
    shift = 1.0
    for _ in range(40):  # a shift of normal errors with that chance of being larger
        larger = (random.normal(shift, 1, 4000) > random.normal(0, 1, 4000)).mean()
        shift += 2 * (chance - larger)
    found = [
        mannwhitneyu(random.normal(shift, 1, 40), random.normal(0, 1, 200), alternative="greater").pvalue < 0.01 / 3
        for _ in range(300)
    ]
    assert np.mean(found) == pytest.approx(0.8, abs=0.08)
