"""The calibration of ensembles: every world has its row, and what was measured keeps what is aimed at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.ensembles import SEEDS, mixed, truth_of, worlds
from benchmarks.record import recorded_rows

PUBLISHED = Path("benchmarks/results/ensembles.json")
HOW_TO = Path("docs/how-to/ensembles.md")


def test_every_world_has_a_row_for_each_number_of_seeds() -> None:
    rows = [(row["world"], row["seeds"]) for row in recorded_rows(PUBLISHED)]
    assert rows == [(world.name, seeds) for world in worlds() for seeds in SEEDS]


@pytest.mark.parametrize("key", ["coverage", "single", "greedy", "difference", "picked", "greedy_difference"])
def test_intervals_hold_as_often_as_they_say(key: str) -> None:
    """To within two standard errors of a hundred comparisons."""
    assert all(row[key] >= 0.91 for row in recorded_rows(PUBLISHED)), key


def test_every_kept_run_has_its_ensembles() -> None:
    rows = recorded_rows(PUBLISHED.with_name("ensembles_on_runs.json"))
    assert {row["run"] for row in rows} == {path.stem for path in Path("benchmarks/results/runs").glob("*.json")}


def test_to_leave_an_ensembles_seeds_out_would_cover_less() -> None:
    assert all(row["as_one_model"] < row["coverage"] for row in recorded_rows(PUBLISHED))


def test_averaging_truly_helps_in_these_worlds() -> None:
    world = worlds()[0]
    truth = truth_of(world, 2, np.random.default_rng(0), draws=6)
    assert (truth.ensemble > truth.single).all()
    answers = world.answers(np.random.default_rng(1), np.ones((2, 3)), 50)
    assert mixed(answers, np.array([1.0, 0.0]), axis=0).predicted == pytest.approx(answers.predicted[0])


def test_what_the_how_to_says_of_intervals_stands_in_the_rows() -> None:
    text, rows = HOW_TO.read_text(encoding="utf-8"), recorded_rows(PUBLISHED)
    for key in ("coverage", "single", "greedy", "difference", "greedy_difference", "picked"):
        ends = sorted({f"{end([row[key] for row in rows]):.3f}" for end in (min, max)})
        assert f"| {' to '.join(ends)} |" in text, key
    ratios = [row["told"] / row["true"] for row in rows]
    assert f"{min(ratios):.2f} to {max(ratios):.2f} times as large" in text
