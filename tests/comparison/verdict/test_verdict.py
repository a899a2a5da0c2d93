"""The verdict as a table of cases: which numbers lead to which answer."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from pipeline.comparison.tables.comparison import Comparison
from pipeline.comparison.tables.floor import AgainstFloor
from pipeline.comparison.tables.groups import PARADIGM_COLUMNS
from pipeline.comparison.tables.measurements import read_measurements
from pipeline.comparison.tables.ranking import RANKING_COLUMNS
from pipeline.comparison.verdict.facts import Facts, state_facts
from pipeline.comparison.verdict.recommendation import Choice, cheapest, choose
from pipeline.comparison.verdict.verdict import decide
from pipeline.ground.files import read_json, write_csv
from pipeline.params.compare import Compare

HALF = {"equivalent": 0.004, "indistinguishable": 0.04, "better": 0.01, "worse": 0.01}
KEYS = "answer winner equivalents recommended provisional overfitting confidence what_would_change_it more_data "
KEYS += "evidence"
MAJORITY = "classical-majority"


@dataclass
class Made:
    """A candidate as the verdict sees it; `relation` is its relation to the first one."""

    name: str
    accuracy: float
    cost: float
    relation: str = "indistinguishable"
    parameters: int = 1000
    beats_floor: bool = True


def facts(*made: Made, seeds: int = 3, train: dict[str, float] | None = None) -> Facts:
    """Facts in which pairs without the first candidate are indistinguishable."""
    made = (replace(made[0], relation="best"), *made[1:])
    ranking = pd.DataFrame([_ranked(rank, one) for rank, one in enumerate(made, 1)], columns=RANKING_COLUMNS)
    beaten = tuple(one.name for one in made if one.beats_floor and one.name != MAJORITY)
    families = ranking.drop_duplicates("family").reindex(columns=PARADIGM_COLUMNS)
    return state_facts(
        comparison=Comparison(
            ranking=ranking,
            techniques=pd.DataFrame(),
            backbones=pd.DataFrame(),
            paradigms=families,
            pairs=_pairs(made),
            floor=AgainstFloor(0.12, 1, MAJORITY if MAJORITY in [one.name for one in made] else None, beaten),
            after_selection={one.name: (one.accuracy - 0.05, one.accuracy + 0.05) for one in made},
            power={0.02: 0.004, 0.05: 0.4, 0.1: 0.999},
            threshold=2.5,
            permutation=pd.DataFrame(),
            ranks={},
        ),
        parameters={one.name: one.parameters for one in made},
        train_scores={one.name: 0.99 if train is None else train[one.name] for one in made},
        dataset={
            "sizes": {"test": 600},
            "task": "binary",
            "class_names": ["Apple", "Kiwi"],
            "counts": {"test": {"Apple": 528, "Kiwi": 72}},
        },
        seeds=seeds,
        confidence=0.95,
        margin=0.01,
    )


def _ranked(rank: int, one: Made) -> dict[str, Any]:
    family, _, model = one.name.partition("-")
    backbone, _, technique = model.partition("-") if family == "finetune" else ("", "", "")
    low, high = one.accuracy - 0.03, one.accuracy + 0.03
    gap = {"gap": 0.99 - one.accuracy, "gap_low": 0.95 - one.accuracy, "gap_high": 1.03 - one.accuracy}
    named = {"rank": rank, "candidate": one.name, "family": family, "backbone": backbone, "technique": technique}
    measured = {"test_accuracy": one.accuracy, "low": low, "high": high, **gap, "cost_seconds": one.cost}
    return named | measured | {"relation_to_best": one.relation}


def _pairs(made: tuple[Made, ...]) -> pd.DataFrame:
    rows = []
    for a, b in itertools.combinations(made, 2):
        relation = b.relation if a is made[0] else "indistinguishable"
        relation = {"worse": "better"}.get(relation, relation)
        difference, half = a.accuracy - b.accuracy, HALF[relation]
        rows.append((a.name, b.name, difference, difference - half, difference + half, 0.1, 0.5, relation, 1e-4, 1e-4))
    columns = [
        "a",
        "b",
        "difference",
        "low",
        "high",
        "p_value",
        "p_adjusted",
        "relation",
        "example_variance",
        "seed_variance",
    ]
    return pd.DataFrame(rows, columns=columns)


RESNET = Made("finetune-resnet50-full", 0.66, 200.0)
SVM = Made("classical-svm_hog", 0.655, 20.0)
CNN = Made("cnn-lecture", 0.654, 90.0)
FAR_CNN = Made("cnn-lecture", 0.4, 90.0, "worse")

CASES: dict[str, tuple[Facts, str, bool, str]] = {
    "one candidate better than all others is used": (
        facts(RESNET, replace(SVM, accuracy=0.5, relation="worse"), FAR_CNN),
        "finetune-resnet50-full",
        False,
        "Use backbone resnet50 with technique full: it is right on 66.0 % of unseen examples (95 % interval "
        "61.0 to 71.0 %), more than each of the 2 others.",
    ),
    "a cheap classical equivalent suffices": (
        facts(RESNET, replace(SVM, accuracy=0.658, relation="equivalent"), FAR_CNN),
        "classical-svm_hog",
        False,
        "Classical machine learning suffices: svm_hog is right on 65.8 % of unseen examples (95 % interval 60.8 to "
        "70.8 %), equivalent to the best within 1.0 points and the cheapest of these.",
    ),
    "a cheap CNN that is equivalent suffices": (
        facts(RESNET, replace(CNN, accuracy=0.658, relation="equivalent")),
        "cnn-lecture",
        False,
        "A small CNN trained from scratch suffices: lecture is right on 65.8 % of unseen examples (95 % interval 60.8 "
        "to 70.8 %), equivalent to the best within 1.0 points and the cheapest of these.",
    ),
    "among indistinguishable families it is undecided and the cheapest is provisional": (
        facts(RESNET, SVM, CNN),
        "classical-svm_hog",
        True,
        "Undecided between fine-tuning a pretrained backbone, classical machine learning and a CNN trained from "
        "scratch; provisionally use svm_hog, right on 65.5 % of unseen examples (95 % interval 60.5 to 70.5 %), "
        "the cheapest of 3 that 600 test examples and 3 seeds cannot tell apart.",
    ),
    "a family can be settled while its member is not": (
        facts(RESNET, Made("finetune-vgg16-full", 0.65, 90.0), replace(SVM, accuracy=0.5, relation="worse")),
        "finetune-vgg16-full",
        True,
        "Fine-tune a pretrained backbone, but which is best is undecided; provisionally use backbone vgg16 with "
        "technique full, right on 65.0 % of unseen examples (95 % interval 60.0 to 70.0 %), the cheapest of 2 that "
        "600 test examples and 3 seeds cannot tell apart.",
    ),
    "the winner itself may be the cheapest of the undecided": (
        facts(replace(SVM, accuracy=0.67), CNN),
        "classical-svm_hog",
        True,
        "Undecided between classical machine learning and a CNN trained from scratch; provisionally use svm_hog, right "
        "on 67.0 % of unseen examples (95 % interval 62.0 to 72.0 %), the best and cheapest of 2 that 600 test "
        "examples and 3 seeds cannot tell apart.",
    ),
    "an undecided candidate that can be neither better nor cheaper leaves it settled": (
        facts(SVM, Made("cnn-lecture", 0.59, 90.0)),
        "classical-svm_hog",
        False,
        "Classical machine learning suffices: svm_hog is right on 65.5 % of unseen examples (95 % interval 60.5 to "
        "70.5 %).",
    ),
    "an equivalent is provisional while something cheaper is undecided": (
        facts(RESNET, Made("finetune-vgg16-full", 0.658, 90.0, "equivalent"), SVM),
        "finetune-vgg16-full",
        True,
        "Undecided between fine-tuning a pretrained backbone and classical machine learning; provisionally use "
        "backbone vgg16 with technique full, right on 65.8 % of unseen examples (95 % interval 60.8 to 70.8 %), "
        "the cheapest of 3 that 600 test examples and 3 seeds cannot tell apart.",
    ),
    "one seed is provisional however far apart the candidates are": (
        facts(RESNET, replace(SVM, accuracy=0.3, relation="worse"), seeds=1),
        "finetune-resnet50-full",
        True,
        "Use backbone resnet50 with technique full: it is right on 66.0 % of unseen examples (95 % interval 61.0 to "
        "71.0 %); provisional, since there is one seed only.",
    ),
    "the floor is not recommended though it is cheapest and indistinguishable": (
        facts(SVM, Made(MAJORITY, 0.64, 0.01)),
        "classical-svm_hog",
        False,
        "Classical machine learning suffices: svm_hog is right on 65.5 % of unseen examples (95 % interval 60.5 to "
        "70.5 %).",
    ),
    "the floor is recommended when nothing beats it, and that is said": (
        facts(replace(CNN, accuracy=0.14, beats_floor=False), Made(MAJORITY, 0.12, 0.01)),
        MAJORITY,
        True,
        "Nothing here is shown to beat always guessing the most common class (Kiwi, right on 12.0 %): the best, "
        "cnn-lecture, is right on 14.0 % of unseen examples (95 % interval 9.0 to 19.0 %).",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_verdict(case: str) -> None:
    given, recommended, provisional, answer = CASES[case]
    verdict = decide(given)
    assert verdict["recommended"] == recommended
    assert verdict["provisional"] is provisional
    assert verdict["answer"] == answer
    assert " ".join(verdict) == KEYS
    json.dumps(verdict, allow_nan=False)


def test_without_the_floor_among_the_candidates_nothing_is_recommended_where_nothing_beats_it() -> None:
    verdict = decide(facts(replace(CNN, accuracy=0.14, beats_floor=False)))
    assert verdict["recommended"] is None
    assert verdict["winner"] == "cnn-lecture"
    assert verdict["confidence"]["reasons"] == ["No candidate is shown to beat always guessing the most common class."]
    assert verdict["confidence"]["word"] == "low"


def test_a_candidate_that_does_not_beat_the_floor_is_no_contender() -> None:
    assert choose(facts(RESNET, replace(SVM, beats_floor=False))).recommended == "finetune-resnet50-full"


@pytest.mark.parametrize(
    ("costs", "parameters", "chosen"),
    [
        ({"a": 100.0, "b": 70.0}, {"a": 1, "b": 2}, "b"),
        ({"a": 100.0, "b": 80.0}, {"a": 1, "b": 2}, "a"),
        ({"a": 100.0, "b": 80.0}, {"a": 2, "b": 2}, "a"),
        ({"a": 0.0, "b": 0.0}, {"a": 2, "b": 1}, "b"),
        ({"a": 9.0, "b": 0.0}, {"a": 1, "b": 2}, "b"),
    ],
)
def test_cheaper_is_a_quarter_less_and_closer_ones_go_by_parameters_then_name(
    costs: dict[str, float], parameters: dict[str, int], chosen: str
) -> None:
    assert cheapest(["b", "a"], costs, parameters) == chosen


def test_confidence_is_high_without_rivals_and_low_where_not_even_the_kind_of_model_is_settled() -> None:
    settled = replace(SVM, accuracy=0.5, relation="worse")
    assert decide(facts(RESNET, settled))["confidence"]["word"] == "high"
    alike = replace(RESNET, name="finetune-vgg16-full")
    assert decide(facts(RESNET, alike, settled))["confidence"]["word"] == "moderate"
    assert decide(facts(RESNET, SVM))["confidence"]["word"] == "low"
    assert decide(facts(RESNET, settled, seeds=1))["confidence"]["word"] == "low"


def test_what_would_change_it_names_the_rival_the_resolvable_margin_and_what_would_settle_it() -> None:
    change = decide(facts(RESNET, SVM))["what_would_change_it"]
    assert change["rival"] == "finetune-resnet50-full"
    assert change["resolvable_margin"] == pytest.approx(0.04)
    assert change["both"]["examples"] > 600
    assert "4.0 points" in change["sentence"]
    assert "would settle it" in change["sentence"]


def test_every_candidate_gets_a_word_for_its_fit() -> None:
    low = facts(RESNET, SVM, train={"finetune-resnet50-full": 0.99, "classical-svm_hog": 0.5})
    assert decide(low)["overfitting"] == {"finetune-resnet50-full": "overfits", "classical-svm_hog": "underfits"}


def test_a_settled_choice_has_no_rivals() -> None:
    assert not Choice("a", [], [], None, []).settled
    assert Choice("a", [], ["a"], "a", []).settled
    assert not Choice("a", [], ["a", "b"], "a", ["b"]).settled


def test_every_evidence_row_resolves_to_its_value(workplace: Path, simulation: SimpleNamespace) -> None:
    measured = read_measurements(simulation.write(test=300))
    given = simulation.facts_of(measured, Compare(confidence=0.95, margin=0.01, resamples=300))
    for name in ("ranking", "pairwise", "paradigms"):
        write_csv(Path(f"comparison/{name}.csv"), getattr(given.comparison, name))
    evidence = decide(given)["evidence"]
    assert len({entry["file"] for entry in evidence}) == 4
    for entry in evidence:
        assert resolve(entry) == pytest.approx(entry["value"], abs=1e-12), entry["sentence"]


def resolve(entry: dict[str, Any]) -> float:
    """The number that an evidence row points to, read from its file."""
    path = Path(entry["file"])
    if path.suffix == ".json":
        value = read_json(path)
        for key in entry["key"]:
            value = value[key]
        return float(value)
    table = pd.read_csv(path)
    for column, value in entry["row"].items():
        table = table[table[column] == value]
    assert len(table) == 1
    return float(table[entry["column"]].iloc[0])


def test_it_says_what_differences_such_data_find() -> None:
    confidence = decide(facts(Made("cnn-a", 0.7, 10), Made("classical-b", 0.6, 1, "worse")))["confidence"]
    assert "one of 2.0 points under 1 %, one of 5.0 points 40 % and one of 10.0 points over 99 %" in confidence["finds"]
    assert [entry["difference"] for entry in confidence["power"]] == [0.02, 0.05, 0.1]
