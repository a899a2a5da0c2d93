"""Data of which little can be said: each gives a verdict whose sentences are true."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from pipeline.comparison.tables.measurements import read_measurements
from pipeline.comparison.verdict.verdict import decide
from pipeline.params.compare import Compare
from pipeline.params.training.candidates import Candidate
from pipeline.trials import evaluation_folder

SETTINGS = Compare(confidence=0.95, margin=0.01, resamples=300)
NAMES = ["classical-majority", "classical-svm_hog", "finetune-resnet50-full"]
Change = Callable[[pd.DataFrame], pd.DataFrame]


@pytest.fixture
def verdict_of(workplace: Path, simulation: SimpleNamespace) -> Callable[..., dict[str, Any]]:
    """The verdict on candidates by their names, after their predictions have been changed."""

    def judge(names: list[str], change: Change, settings: Compare = SETTINGS) -> dict[str, Any]:
        truths = [truth for truth in simulation.default_truths() if truth.candidate.name in names]
        candidates = simulation.write(truths, seeds=(0, 1), test=120, development=200)
        for candidate in candidates:
            rewrite(candidate, change)
        verdict = decide(simulation.facts_of(read_measurements(candidates), settings))
        json.dumps(verdict, allow_nan=False)
        return verdict

    return judge


def rewrite(candidate: Candidate, change: Change) -> None:
    path = evaluation_folder(candidate.name) / "predictions.parquet"
    change(pd.read_parquet(path)).to_parquet(path, index=False)


def in_groups(of: Callable[[pd.DataFrame], Any]) -> Change:
    """Test examples in the groups given, development examples each on its own."""

    def change(rows: pd.DataFrame) -> pd.DataFrame:
        numbers = 1000 + rows["example"].map({name: n for n, name in enumerate(sorted(rows["example"].unique()))})
        return rows.assign(group=numbers.where(rows["split"] != "test", of(rows)).astype(int))

    return change


def answering(right: Callable[[pd.DataFrame], pd.Series]) -> Change:
    """Test examples answered rightly where `right` says, and as the next class elsewhere."""

    def change(rows: pd.DataFrame) -> pd.DataFrame:
        answer = rows["label"].where(right(rows), (rows["label"] + 1) % 14)
        return rows.assign(predicted=rows["predicted"].where(rows["split"] != "test", answer))

    return change


def test_test_examples_of_one_group_say_nothing_of_others(verdict_of: Callable[..., dict[str, Any]]) -> None:
    verdict = verdict_of(NAMES, in_groups(lambda rows: 0))
    reasons = " ".join(verdict["confidence"]["reasons"])
    assert "All test examples are of one group, so nothing is shown of other groups: add ten groups or more." in reasons
    assert f"of {len(NAMES) - 1} others: none worse than" in verdict["shown"]
    assert verdict["confidence"]["word"] == "low" and verdict["provisional"]


def test_groups_of_one_class_each_are_named_with_the_class_that_has_fewest(
    verdict_of: Callable[..., dict[str, Any]],
) -> None:
    verdict = verdict_of(NAMES, in_groups(lambda rows: rows["label"]))
    reasons = " ".join(verdict["confidence"]["reasons"])
    assert "The intervals rest on 14 groups of test examples" in reasons
    assert "so a class is judged by its own groups alone: Apple has 1 group, the fewest." in reasons


def test_a_single_candidate_is_advised_where_it_beats_guessing(verdict_of: Callable[..., dict[str, Any]]) -> None:
    verdict = verdict_of(["finetune-resnet50-full"], lambda rows: rows)
    assert verdict["recommended"] == "finetune-resnet50-full" and verdict["alternative"] is None
    assert verdict["answer"].endswith("It is the only candidate, so there is nothing to choose from.")
    assert verdict["shown"] == "A single candidate competes, so nothing is shown of any other."
    assert (verdict["p_best"], verdict["expected_regret"], verdict["at_most_behind"]) == (1, 0, 0)
    assert verdict["confidence"]["finds"] == "A single candidate competes, so there is no lead to find."
    assert verdict["confidence"]["power"] == []


def test_candidates_that_answer_alike_are_told_apart_by_cost_alone(verdict_of: Callable[..., dict[str, Any]]) -> None:
    half = answering(lambda rows: rows["example"].map(lambda name: sum(map(ord, name)) % 2 == 0))
    verdict = verdict_of(NAMES[1:], half)
    assert verdict["shown"] == ("All 2 candidates score the same on these test examples, so cost decides between them.")
    assert verdict["recommended"] == "classical-svm_hog"
    assert verdict["expected_regret"] < 0.01


def test_candidates_that_are_always_right_are_told_to_be_tested_harder(
    verdict_of: Callable[..., dict[str, Any]],
) -> None:
    verdict = verdict_of(NAMES[1:], answering(lambda rows: rows["label"] >= 0))
    assert verdict["recommended"] == "classical-svm_hog"
    assert verdict["shown"].startswith("All 2 candidates are right on every test example")
    assert "Harder or more test examples would show a difference" in verdict["shown"]
    assert "right on 100.0 %" in verdict["answer"]
    assert verdict["at_most_behind"] > 0, "a few examples without a mistake prove no equality"
