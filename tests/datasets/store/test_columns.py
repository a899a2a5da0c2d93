"""Rows become numbers without learning anything; what describes nothing is left out with its reason."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline.datasets.store.columns import Column, encode, recode
from pipeline.datasets.tables.descriptions import describe_columns

TABLE = pd.DataFrame(
    {
        "size": [1.0, np.nan, 3.0],
        "kind": ["b", "a", None],
        "always": ["x", "x", "x"],
        "never": [np.nan, np.nan, np.nan],
    }
)


def test_a_column_without_values_or_with_one_alone_is_left_out() -> None:
    columns, left_out = describe_columns(TABLE, {}, None)
    assert columns == [Column("size"), Column("kind", ["a", "b"])]
    assert left_out == {"always": "has the same value in every row", "never": "has no value in any row"}


def test_a_name_for_each_row_is_left_out_and_a_number_for_each_row_is_not() -> None:
    table = pd.DataFrame({"id": [f"N{number}" for number in range(50)], "measure": np.arange(50.0)})
    columns, left_out = describe_columns(table, {}, None)
    assert columns == [Column("measure")] and left_out == {"id": "is text that differs in nearly every row"}


def test_a_category_is_its_place_and_what_is_missing_or_unknown_is_nan() -> None:
    columns, _ = describe_columns(TABLE, {}, None)
    rows = encode(pd.DataFrame({"kind": ["a", "new", None, "b"], "size": [7, 8, np.nan, 9]}), columns)
    np.testing.assert_array_equal(rows, [[7, 0], [8, np.nan], [np.nan, np.nan], [9, 1]])


def test_a_table_that_lacks_a_column_is_refused_by_its_name() -> None:
    with pytest.raises(KeyError, match="no column 'size'; it has kind"):
        encode(pd.DataFrame({"kind": ["a"]}), [Column("size")])


def test_rows_of_today_are_recoded_to_the_columns_that_a_model_learned() -> None:
    """Other places of the same categories, fewer of them, and the columns in another order."""
    today = [Column("size"), Column("kind", ["a", "b", "c"]), Column("new")]
    rows = encode(pd.DataFrame({"kind": ["c", "b", None, "a"], "size": [7, 8, np.nan, 9], "new": 0}), today)
    learned = [Column("kind", ["c", "a"]), Column("size")]
    np.testing.assert_array_equal(recode(rows, today, learned), [[0, 7], [np.nan, 8], [np.nan, np.nan], [1, 9]])
    with pytest.raises(KeyError, match="weight"):
        recode(rows, today, [Column("weight")])
    with pytest.raises(KeyError, match="size"):
        recode(rows, today, [Column("size", ["small", "large"])])
