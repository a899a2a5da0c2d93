"""Which columns are learned from, and what they are, as the rows of development show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from pipeline.datasets.store.columns import Column
from pipeline.datasets.tables.column_types import Reading

IDENTIFIER = 0.95  # a column of text whose values differ in this share of its rows names rows, and describes nothing


def describe_columns(
    table: pd.DataFrame, readings: Mapping[str, Reading], missing: Sequence[str] | None
) -> tuple[list[Column], dict[str, str]]:
    """The columns to learn from; and {name: why it is left out} of the others.

    Args:
        table: (N, columns) of development, float64 or text.
        readings: how the cells of each column are read; those that are not in it are plain numbers or words.
        missing: data.missing.
    """
    kept, left_out = [], {}
    for name in table.columns:
        present = table[name].dropna()
        distinct = present.nunique()
        text = not pd.api.types.is_numeric_dtype(table[name])
        if distinct == 0:
            left_out[str(name)] = "has no value in any row"
        elif distinct == 1 and len(present) == len(table):
            left_out[str(name)] = "has the same value in every row"
        elif text and distinct > IDENTIFIER * len(present) and len(present) > 20:
            left_out[str(name)] = "is text that differs in nearly every row"
        else:
            categories = sorted(map(str, present.unique())) if text else None
            kept.append(_column(str(name), categories, readings.get(str(name), Reading()), missing))
    return kept, left_out


def _column(name: str, categories: list[str] | None, reading: Reading, missing: Sequence[str] | None) -> Column:
    words = None if missing is None else list(missing)
    if categories is not None:
        return Column(name, categories, missing=words)
    return Column(name, None, reading.format.decimal, reading.format.thousands, reading.pattern, words)
