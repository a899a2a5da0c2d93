"""The benchmark of soups: networks that learn, and rows that are made of comparisons."""

from __future__ import annotations

import numpy as np

from benchmarks.soups import Lab, hits, judge, losses, worlds


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
