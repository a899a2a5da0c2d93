"""The tables: columns to the letter, who is first, and what stands in each family's row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from pipeline.comparison.tables.alignment import align
from pipeline.comparison.tables.comparison import Comparison, compare_candidates
from pipeline.comparison.tables.frames import tidy
from pipeline.comparison.tables.measurements import read_measurements
from pipeline.params.compare import Compare
from pipeline.params.training.candidates import Candidate
from pipeline.scores.classes import cost_score

SETTINGS = Compare(confidence=0.95, margin=0.01, resamples=400)
RANKING = (
    "rank candidate family backbone technique test_accuracy low high gap gap_low gap_high cost_seconds relation_to_best"
)

PROSPECTS = "p_best expected_regret at_most_behind overfit overfit_low overfit_high shift shift_low shift_high"


def compared(candidates: list[Candidate]) -> Comparison:
    measured = read_measurements(candidates)
    return compare_candidates(measured, align(measured), SETTINGS)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory, simulation: SimpleNamespace) -> Iterator[Comparison]:
    """The twenty default candidates, with the files that they come from in the current directory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("full"))
        yield compared(simulation.write())


def test_columns_are_those_of_the_contract(full: Comparison) -> None:
    assert " ".join(full.ranking.columns) == f"{RANKING} {PROSPECTS}"
    assert " ".join(full.techniques.columns).startswith(RANKING)
    assert " ".join(full.paradigms.columns).startswith(RANKING)
    assert " ".join(full.pairwise.columns) == "a b difference low high p_value p_adjusted relation"


def test_candidates_are_ranked_by_mean_test_accuracy(full: Comparison) -> None:
    assert list(full.ranking["rank"]) == list(range(1, 21))
    assert full.ranking["test_accuracy"].is_monotonic_decreasing
    assert full.ranking["relation_to_best"].iloc[0] == "best"
    assert full.ranking.set_index("candidate").loc["classical-majority", "relation_to_best"] == "worse"


def test_every_number_lies_in_its_interval(full: Comparison) -> None:
    for table in (full.ranking, full.techniques, full.backbones, full.paradigms):
        assert ((table["low"] <= table["test_accuracy"]) & (table["test_accuracy"] <= table["high"])).all()
        assert ((table["gap_low"] <= table["gap"]) & (table["gap"] <= table["gap_high"])).all()


def test_each_pair_stands_once_with_the_better_ranked_first(full: Comparison) -> None:
    rank = full.ranking.set_index("candidate")["rank"]
    pairs = full.pairwise
    assert len(pairs) == 190
    assert len({frozenset(pair) for pair in zip(pairs["a"], pairs["b"], strict=True)}) == 190
    assert (rank[pairs["a"]].to_numpy() < rank[pairs["b"]].to_numpy()).all()
    assert (pairs["difference"] >= 0).all()
    assert (pairs["p_adjusted"] >= pairs["p_value"]).all()
    assert set(pairs["relation"]) <= {"better", "worse", "equivalent", "indistinguishable"}


def test_the_gap_is_training_minus_test_accuracy(full: Comparison) -> None:
    table = pd.read_parquet("evaluation/cnn-lecture/predictions.parquet")
    accuracy = (table["label"] == table["predicted"]).groupby([table["seed"], table["split"]]).mean().unstack()
    expected = (accuracy["train"] - accuracy["test"]).mean()
    assert full.ranking.set_index("candidate").loc["cnn-lecture", "gap"] == pytest.approx(expected, abs=1e-5)


def test_a_technique_is_the_mean_of_its_candidates_over_backbones(full: Comparison) -> None:
    own = full.ranking[full.ranking["technique"] == "frozen_layers"]
    row = full.techniques.set_index("candidate").loc["frozen_layers"]
    assert row["test_accuracy"] == pytest.approx(own["test_accuracy"].mean(), abs=1e-5)
    assert row["cost_seconds"] == pytest.approx(own["cost_seconds"].mean(), rel=1e-4)
    assert row["backbone"] == "vgg16 resnet50 inceptionv3"
    assert row["candidates"] == 3


def test_average_ranks_of_techniques_are_over_backbones_and_seeds(full: Comparison) -> None:
    assert full.techniques["average_rank"].mean() == pytest.approx(2.5)
    assert full.techniques.set_index("candidate").loc["feature_extractor", "average_rank"] > 3
    assert list(full.backbones["candidate"]) == ["resnet50", "vgg16", "inceptionv3"]


def test_paradigms_have_their_best_and_their_typical_candidate_without_the_floor(full: Comparison) -> None:
    table = full.paradigms.set_index("family")
    assert list(table.index) == ["finetune", "classical", "cnn"]
    assert table.loc["classical", "candidates"] == 6
    assert table.loc["classical", "candidate"] == "classical-svm_hog"
    assert table.loc["classical", "typical_candidate"] in ("classical-logistic_hog", "classical-forest_pixels")
    assert table.loc["cnn", "typical_candidate"] == table.loc["cnn", "candidate"] == "cnn-lecture"
    assert list(table["relation_to_best"]) == ["best", "worse", "worse"]


def test_the_floor_knows_who_beats_it(full: Comparison) -> None:
    assert full.floor.candidate == "classical-majority"
    assert len(full.floor.beaten_by) == 19
    assert full.floor.score == pytest.approx(full.ranking["test_accuracy"].iloc[-1], abs=1e-5)


def test_a_candidate_is_the_floor_only_where_it_says_the_same(full: Comparison) -> None:
    """Of costs the floor says the class that costs least, which is another one here than the most common."""
    measured = read_measurements([Candidate("classical", "majority"), Candidate("cnn", "lecture")])
    outcomes = align(measured)
    costs = cost_score({"*": {"*": 1.0}}, [str(number) for number in range(14)])
    others = replace(outcomes, score=costs, floor_shares=outcomes.floor_contributions - 1)
    found = compare_candidates(measured, others, SETTINGS).floor
    assert (found.candidate, found.no_attempts) == (None, ("classical-majority",))
    same = replace(outcomes, score=costs, floor_shares=outcomes.contributions[0])
    assert compare_candidates(measured, same, SETTINGS).floor.candidate == "classical-majority"
    assert compare_candidates(measured, outcomes, SETTINGS).floor.candidate == "classical-majority"


def test_the_best_is_tested_against_each_other_and_with_one_seed_every_pair_is(
    full: Comparison, workplace: Path, simulation: SimpleNamespace
) -> None:
    assert set(full.permutation["test"]) == {"permutation"}
    assert list(full.permutation["b"]) == list(full.ranking["candidate"].iloc[1:])
    few = [truth for truth in simulation.default_truths() if truth.candidate.family == "classical"]
    exact = compared(simulation.write(few, seeds=(0,), test=120, development=100)).permutation
    assert (set(exact["test"]), len(exact)) == ({"mcnemar"}, 21)
    assert (exact["p_adjusted"] >= exact["p_value"]).all()


def test_relations_to_the_best_are_those_of_its_pairs(full: Comparison) -> None:
    pairs = full.pairwise[full.pairwise["a"] == full.ranking["candidate"].iloc[0]]
    turned = pairs["relation"].replace({"better": "worse"})
    assert list(full.ranking["relation_to_best"].iloc[1:]) == list(turned)


def test_one_candidate_alone_is_ranked_without_pairs(workplace: Path, simulation: SimpleNamespace) -> None:
    truths = [truth for truth in simulation.default_truths() if truth.candidate.name == "cnn-lecture"]
    found = compared(simulation.write(truths, seeds=(0, 1), test=80, development=100))
    assert list(found.ranking["relation_to_best"]) == ["best"]
    assert found.pairwise.empty
    assert found.techniques.empty
    assert found.floor.candidate is None


def test_equal_accuracy_goes_to_fewer_parameters(workplace: Path, simulation: SimpleNamespace) -> None:
    large = simulation.Truth(Candidate("classical", "large"), 1.0, 1.0, 1.0, 1000)
    small = simulation.Truth(Candidate("classical", "small"), 1.0, 1.0, 9.0, 10)
    found = compared(simulation.write([large, small], seeds=(0, 1), test=60, development=80))
    assert list(found.ranking["test_accuracy"]) == [1.0, 1.0]
    assert list(found.ranking["candidate"]) == ["classical-small", "classical-large"]


def test_tables_keep_six_significant_digits() -> None:
    table = tidy(pd.DataFrame({"name": ["a"], "value": [np.pi * 1e-9]}))
    assert table["value"].iloc[0] == 3.14159e-9
