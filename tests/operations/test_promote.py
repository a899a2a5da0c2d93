"""Promoting by hand: what the comparison shows against a candidate is said."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from pipeline.ground.paths import RANKING
from pipeline.operations.promote import shown_worse


@pytest.fixture
def ranking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    RANKING.parent.mkdir()
    rows = [("cnn-lecture", 0.9, "best"), ("classical-svm_hog", 0.85, "indistinguishable"), ("mlp-wide", 0.5, "worse")]
    pd.DataFrame(rows, columns=["candidate", "test_accuracy", "relation_to_best"]).to_csv(RANKING, index=False)


def test_a_candidate_that_is_shown_to_be_worse_is_told_so(ranking: None) -> None:
    assert shown_worse("mlp-wide") == [
        "It is shown to be worse than cnn-lecture: test accuracy 0.500 against 0.900; `rollback` takes it back."
    ]


@pytest.mark.parametrize("candidate", ["cnn-lecture", "classical-svm_hog", "2", "of-an-earlier-comparison"])
def test_of_others_nothing_is_said(ranking: None, candidate: str) -> None:
    assert shown_worse(candidate) == []


def test_without_a_comparison_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert shown_worse("mlp-wide") == []
