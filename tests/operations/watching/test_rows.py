"""Rows without targets: what is said where the prepared data are away, or hold the same rows."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from pipeline.datasets.store.columns import Column
from pipeline.operations.retraining.contenders import ReigningChampion
from pipeline.operations.watching import rows
from pipeline.operations.watching.answers import Asked

COLUMNS = [Column("age"), Column("size")]


def asked_of(inputs: np.ndarray) -> Asked:
    champion = cast(ReigningChampion, SimpleNamespace(asked=lambda inputs, columns: inputs))
    answers = Asked("row", np.full((len(inputs), 2), 0.5))
    return rows._beside_prepared(answers, inputs, np.zeros(inputs.shape, bool), champion, COLUMNS)


def test_without_prepared_data_columns_are_not_compared_and_the_rest_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = asked_of(np.zeros((20, 2)))
    assert asked.columns == {}
    (said,) = asked.remarks
    assert said.startswith("Columns are not compared, since the prepared data cannot be read: data/prepared/")
    assert said.endswith("A retraining that runs may be writing them.")


def test_rows_that_the_champion_knows_are_counted_and_missing_values_are_like_one_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = np.array([[1.0, np.nan], [1.0, np.nan], [2.0, 3.0]])
    split = SimpleNamespace(inputs=known, labels=np.zeros(3), groups=None, columns=COLUMNS)
    monkeypatch.setattr(rows, "load_prepared", lambda _: split)
    asked = asked_of(np.array([[1.0, np.nan], [2.0, 3.5], [1.0, np.nan], [2.0, np.nan]]))
    (said,) = asked.remarks
    assert said.startswith("2 rows of these are like one that is known") and set(asked.columns) == {"age", "size"}


@pytest.mark.parametrize(("share", "drifts"), [(0.2, False), (0.0, True)])
def test_a_category_that_the_data_got_after_the_champion_is_compared_with_its_share_there(
    share: float, drifts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fifth of the new rows have a category that the champion never saw."""
    count = 200
    strange = np.arange(count) < share * count
    prepared = np.where(strange, 2.0, np.arange(count) % 2)[:, None]  # of a, b and x
    today = [Column("kind", categories=["a", "b", "x"])]
    split = SimpleNamespace(inputs=prepared, labels=np.zeros(count), groups=None, columns=today)
    monkeypatch.setattr(rows, "load_prepared", lambda _: split)
    champion = cast(
        ReigningChampion, SimpleNamespace(asked=lambda inputs, columns: np.where(inputs == 2, np.nan, inputs))
    )
    new = np.where(np.arange(count) < 0.2 * count, np.nan, np.arange(count) % 2)[:, None]
    answers = Asked("row", np.full((count, 2), 0.5))
    asked = rows._beside_prepared(answers, new, np.isnan(new), champion, [Column("kind", categories=["a", "b"])])
    assert (asked.columns["kind"].p_value < 0.01) == drifts
