"""Totals are composed of what was timed: start-up once or for each seed, epochs as planned, activations once a kind."""

from __future__ import annotations

import pytest

from benchmarks.against_keras_guide import Way, _composed, _planned
from pipeline.params.training.strategies import Phase, Strategy


def strategy(**epochs: int) -> Strategy:
    phases = [Phase(train=train.replace("_", " "), epochs=count, learning_rate=1e-3) for train, count in epochs.items()]
    return Strategy(phases=phases)


PLAIN = Way(build=1, start_up={"head": 2, "top 1": 3}, epoch={"head": 10, "top 1": 20}, reads={"head": 0, "top 1": 0})
OURS = Way(
    build=1,
    start_up={"head": 2, "top 1": 3},
    epoch={"head": 0.1, "top 1": 5},
    around={"head": 0.5, "top 1": 0.25},
    activations={"head": 8, "top 1": 6},
    reads={"head": 5, "top 1": 4},
)
PLANNED = {"probe": strategy(head=60), "frozen": strategy(head=60, top_1=4)}


def test_the_plain_way_pays_everything_for_each_seed_and_ours_once() -> None:
    composed = _composed({"one": (PLAIN, OURS)}, PLANNED, seeds=3, start=7)
    assert composed["probe"]["plain"] == pytest.approx(3 * (1 + 2 + 600) + 7)
    assert composed["probe"]["ours"] == pytest.approx(1 + 2 + 8 + 3 * (0.5 + 6) + 7)
    assert composed["frozen"]["plain"] == pytest.approx(3 * (1 + 5 + 600 + 80) + 7)
    assert composed["frozen"]["ours"] == pytest.approx(1 + 5 + 8 + 3 * (0.75 + 6 + 20) + 7)


def test_in_a_grid_activations_are_made_once_and_processes_start_for_each_candidate_of_ours() -> None:
    composed = _composed({"one": (PLAIN, OURS), "two": (PLAIN, OURS)}, PLANNED, seeds=3, start=7)
    alone = _composed({"one": (PLAIN, OURS)}, PLANNED, seeds=3, start=7)
    made_twice = 8 + 8 - (8 + 6)  # alone, each makes its lower cut on the way to the head
    assert composed["grid"]["ours"] == pytest.approx(
        2 * (alone["probe"]["ours"] + alone["frozen"]["ours"] - made_twice)
    )
    assert composed["grid"]["plain"] == pytest.approx(2 * (alone["probe"]["plain"] + alone["frozen"]["plain"] - 14) + 7)


def test_passes_are_spread_over_the_phases() -> None:
    assert [phase.epochs for phase in _planned(PLANNED["frozen"], 4).phases] == [2, 2]
    assert [phase.epochs for phase in _planned(PLANNED["probe"], 4).phases] == [4]
    assert _planned(PLANNED["frozen"], None) is PLANNED["frozen"]
