"""The calibration of scores has a row for every score, and its worlds are what it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.record import recorded_rows
from benchmarks.score_calibration import SKILLS, judge, worlds
from pipeline.scores.score_for_task import OF_CLASSES, OF_NUMBERS

PUBLISHED = Path("benchmarks/results/score_calibration.json")


def test_every_score_has_a_world_and_a_published_row() -> None:
    judged = [(world.score.name, world.classes) for world in worlds()]
    assert {name for name, _ in judged} == {*OF_CLASSES, *OF_NUMBERS}
    assert [(row["score"], row["classes"]) for row in recorded_rows(PUBLISHED)] == judged


def test_intervals_hold_as_often_as_they_say() -> None:
    """95 % intervals of differences, and of the candidates' own scores, of which less cancels."""
    rows = recorded_rows(PUBLISHED)
    assert all(row["coverage"] >= 0.93 for row in rows)
    assert all(row["own"] >= 0.91 for row in rows)


def test_a_row_says_how_often_intervals_hold() -> None:
    world = next(world for world in worlds() if world.score.name == "mae")
    row = judge(world, 4)
    assert row["repeats"] == 4 and 0.6 < float(row["coverage"]) <= 1 and 0.6 < float(row["own"]) <= 1
    truth = world.truth(np.random.default_rng(0))
    assert truth[0] == truth[1] < truth[2] == truth[3] < truth[4], "the better a candidate, the smaller its error"
    assert len(truth) == len(SKILLS)
