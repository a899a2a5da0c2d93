"""Numbers that stand for missing are suspected, counted and told with the key; they stay what they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from pipeline.datasets.tables.column_types import TypedTable, type_columns
from pipeline.datasets.tables.sentinels import find_sentinels
from pipeline.params.data import Data

Typed = Callable[..., TypedTable]


@pytest.mark.parametrize(
    ("texts", "suspected"),
    [
        ("1.5 2 -999 7", ["-999"]),
        ("-20 3.5 -9999.0 -9999 40", ["-9999.0", "-9999"]),
        ("0 1 99999 -99", ["99999", "-99"]),
        ("0 12 35 -99", ["-99"]),  # the only one below zero
        ("1200 56000 -999", ["-999"]),
        ("900 999 1200", []),  # one of many
        ("1 99 50", []),
        ("-150 -99 20", []),
        ("-999 -999.0", []),
        ("990 1001 998 9990", []),
        ("nothing", []),
    ],
)
def test_nines_far_from_every_other_value_are_suspected(texts: str, suspected: list[str]) -> None:
    numbers = {text: float(text) for text in texts.split() if text != "nothing"}
    assert find_sentinels(numbers) == suspected


def test_they_are_counted_told_with_the_key_and_left_as_they_are(typed: Typed) -> None:
    found = typed("a,b\n1,x\n-999,y\n3,x\n-999,y\n2,x\n")
    assert found.table["a"].tolist() == [1, -999, 3, -999, 2]
    assert [doubt.partition("own.csv: ")[2] for doubt in found.notes.doubts] == [
        "column 'a': '-999' (2) lies far from all other values, as a number that stands for missing does, and is read "
        "as a number; with '-999' among the words of data.missing it counts as missing"
    ]
    known = typed("a,b\n1,x\n-999,y\n3,x\n-999,y\n2,x\n", missing=["-999", "NA"])
    assert known.table["a"].isna().sum() == 2 and not known.notes.doubts


def test_a_column_that_is_stored_as_numbers_is_looked_at_too() -> None:
    cells = pd.DataFrame({"a": [1.0, -9999.0, 3.0, 2.0]})
    settings = Data(fetch=[], path="own.parquet", image_size=96, test_fraction=0.25, limit=None, seed=0)
    found = type_columns(cells, Path("own.parquet"), settings)
    assert found.table["a"].tolist() == [1, -9999, 3, 2] and "'-9999' (1)" in found.notes.doubts[0]
    known = type_columns(cells, Path("own.parquet"), settings.model_copy(update={"missing": ["-9999"]}))
    assert known.table["a"].isna().sum() == 1 and not known.notes.doubts
