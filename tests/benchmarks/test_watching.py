"""What was measured of scores that are estimated without labels says where they hold, and where they cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.record import recorded_rows
from benchmarks.watched_worlds import SHIFTS
from benchmarks.watching import rows

PUBLISHED = Path(__file__).parents[2] / "benchmarks/results/watching.json"


@pytest.fixture(scope="module")
def published() -> list[dict[str, Any]]:
    return list(recorded_rows(PUBLISHED))


def test_every_shift_model_and_score_has_its_row(published: list[dict[str, Any]]) -> None:
    asked = [(shift.name, model, score.name) for shift, model, score in rows()]
    assert [(row["shift"], row["model"], row["score"]) for row in published] == asked


def test_estimates_hold_wherever_equal_inputs_have_their_labels(published: list[dict[str, Any]]) -> None:
    made_for_it = [row for row in published if row["world"] == SHIFTS[0].world]
    for row in made_for_it:
        if not row["concept"]:
            assert row["coverage"] >= 0.9, row
        if not row["concept"] and row["score"] == "accuracy":
            assert abs(row["told"] - row["true"]) < 0.015, row
    harmless = [row for row in made_for_it if row["shift"] == SHIFTS[0].name]
    assert all(row["worse"] <= 0.05 and row["drift"] <= 0.03 for row in harmless), "hardly ever a false alarm"


def test_neither_photos_of_another_kind_nor_other_shares_of_unlike_classes_keep_the_estimate(
    published: list[dict[str, Any]],
) -> None:
    elsewhere = {row["shift"]: row for row in published if row["world"] != SHIFTS[0].world}
    for shift in ("moved by one pixel", "bright and dark exchanged", "the rare class is half of all"):
        row = elsewhere[shift]
        assert row["told"] > row["true"] + 0.15 and row["coverage"] < 0.1, row
    assert elsewhere["moved by one pixel"]["labels"] == 1, "that something is wrong is seen"
    quiet = [row for row in published if row["world"] != SHIFTS[0].world and row["shift"] == "none"]
    assert len(quiet) == 2 and all(row["coverage"] >= 0.9 and row["labels"] <= 0.06 for row in quiet)


def test_what_labels_mean_cannot_be_seen_without_them(published: list[dict[str, Any]]) -> None:
    blind = [row for row in published if row["shift"] == SHIFTS[-1].name]
    assert len(blind) == 2
    for row in blind:
        assert row["true"] < row["told"] - 0.1 and row["coverage"] < 0.1 and row["labels"] <= 0.05
