"""Named tables come from packages that are there, and are what their hash says."""

from __future__ import annotations

import io
from dataclasses import replace

import pandas as pd
import pytest

from pipeline.datasets.sources import tables as table_sources
from pipeline.datasets.sources.tables import TABLE_SOURCES, TARGETS, ChangedSourceError, csv_of

SIZES = {
    "iris": (150, 5),
    "breast_cancer": (569, 31),
    "wine": (178, 14),
    "diabetes": (442, 11),
    "randhie": (20190, 10),
    "sunspots": (309, 2),
}


@pytest.mark.parametrize("name", SIZES)
def test_a_named_table_is_whole_and_has_its_target(name: str) -> None:
    table = pd.read_csv(io.BytesIO(csv_of(name)))
    assert table.shape == SIZES[name] and TARGETS[name] in table


def test_every_named_table_has_a_target_and_a_size_here() -> None:
    assert set(TABLE_SOURCES) == set(TARGETS) == set(SIZES)


def test_a_table_that_has_changed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = replace(TABLE_SOURCES["iris"], sha256="0" * 64)
    monkeypatch.setitem(table_sources.TABLE_SOURCES, "iris", changed)
    with pytest.raises(ChangedSourceError, match="scikit-learn: its iris has changed"):
        csv_of("iris")
