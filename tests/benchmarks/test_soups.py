"""The benchmark of soups: every world has its row, and what decides that a soup competes is no flattery."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.soups import SEEDS, Lab, hits, judge, losses, worlds
from pipeline.ground.files import read_json

PUBLISHED = Path("benchmarks/results/soups.json")


def rows_of(world: str) -> list[dict[str, float]]:
    return [row for row in read_json(PUBLISHED) if row["world"] == world]


def test_every_world_has_a_row_for_each_number_of_seeds() -> None:
    rows = [(row["world"], row["seeds"]) for row in read_json(PUBLISHED)]
    assert rows == [(world.name, seeds) for world in worlds() for seeds in SEEDS]


@pytest.mark.parametrize("world", [world.name for world in worlds()])
def test_shared_validation_tells_what_is_true_of_two_and_validation_known_by_heart_does_not(world: str) -> None:
    for row in rows_of(world):
        off = abs(row["told"] - row["true_of_two"])
        assert off <= 0.1 * max(1.0, abs(row["true_of_two"])), row


def test_soups_of_networks_that_begin_apart_do_not_compete() -> None:
    assert all(row["kept"] <= 0.1 and row["gain"] < 0 for row in rows_of("apart"))
    assert all(row["kept"] >= 0.8 for row in rows_of("together"))


def test_networks_learn_and_a_soup_of_one_is_that_network() -> None:
    world = next(world for world in worlds() if world.name == "together")
    lab = Lab(world, np.random.default_rng(1))
    networks, validated = lab.trained(3)
    inputs, labels = lab.examples(500)
    assert hits(networks, inputs, labels).mean() > 0.4 and set(validated.sum(axis=1)) == {40}
    one = networks.of(np.array([1]))
    np.testing.assert_allclose(losses(one.soup(), inputs, labels), losses(one, inputs, labels))


def test_a_row_is_made_of_comparisons() -> None:
    row = judge(worlds()[0], seeds=2, repeats=2)
    assert row["repeats"] == 2 and 0 <= float(row["kept"]) <= 1 and 0 <= float(row["coverage"]) <= 1
