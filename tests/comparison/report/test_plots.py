"""Figures: deterministic, self-describing, nothing but what a page needs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from pipeline.comparison.report.answer.ranking import ranking_plot
from pipeline.comparison.report.answer.tradeoff import Side, pareto_front, tradeoff_plot
from pipeline.comparison.report.examples.confusion import NUMBERED_UP_TO, confusion_plot
from pipeline.comparison.report.learning.curves import learning_curves
from pipeline.comparison.report.learning.overfitting import parts_plot
from pipeline.comparison.tables.comparison import Comparison
from pipeline.comparison.tables.costs import Work
from pipeline.comparison.tables.floor import AgainstFloor
from pipeline.comparison.verdict.facts import Facts, Known, state_facts
from pipeline.params.compare import Compare
from pipeline.params.schema.families import families
from pipeline.scores.classes import ACCURACY
from pipeline.scores.numbers import R2

SVG = "{http://www.w3.org/2000/svg}"


def row(rank: int, name: str, accuracy: float, cost: float) -> dict[str, Any]:
    interval = {"low": accuracy - 0.03, "high": accuracy + 0.03, "gap_low": 0.2, "gap_high": 0.3}
    relation = "best" if rank == 1 else "worse"
    measured = {"test_accuracy": accuracy, "gap": 0.25, "cost_seconds": cost, "relation_to_best": relation}
    parts = {"overfit": 0.05, "overfit_low": 0.02, "overfit_high": 0.08}
    parts |= {"shift": 0.2, "shift_low": 0.17, "shift_high": 0.23}
    weighed = {"p_best": 0.3, "expected_regret": 0.66 - accuracy, "at_most_behind": 0.69 - accuracy}
    named = {"rank": rank, "candidate": name, "family": name.split("-")[0]}
    return named | measured | interval | weighed | parts


ROWS = [
    row(1, "finetune-resnet50-full", 0.66, 200.0),
    row(2, "classical-svm_hog", 0.55, 20.0),
    row(3, "cnn-lecture", 0.42, 90.0),
]
HISTORY = pd.DataFrame(
    {
        "seed": [0, 0, 0, 1, 1],
        "phase": [1, 2, 2, 1, 2],
        "epoch": [1, 2, 3, 1, 2],
        "train_loss": [2.0, 1.0, 0.5, 2.1, 1.1],
        "val_loss": [2.2, 1.4, 1.5, 2.3, 1.5],
        "train_accuracy": [0.3, 0.6, 0.8, 0.3, 0.6],
        "val_accuracy": [0.2, 0.4, 0.5, 0.2, 0.4],
    }
)


@pytest.fixture
def facts() -> Facts:
    nothing = pd.DataFrame()
    interval = {one["candidate"]: (0.4, 0.7) for one in ROWS}
    floor = AgainstFloor(0.1, 0, None, ("cnn-lecture",))
    tables = Comparison(
        pd.DataFrame(ROWS), nothing, nothing, nothing, nothing, floor, interval, {}, 2.0, 2.5, nothing, ranks={}
    )
    return state_facts(
        tables,
        known={one["candidate"]: Known(1000, Work(one["cost_seconds"], 1e6), 0.9, 0.01) for one in ROWS},
        dataset={"task": "multiclass", "class_names": ["Kiwi"], "sizes": {"test": 100}},
        seeds=2,
        settings=Compare(confidence=0.95, margin=0.01, resamples=300),
    )


COSTS = {one["candidate"]: one["cost_seconds"] for one in ROWS}
LATENCIES = {"finetune-resnet50-full": 30.0, "classical-svm_hog": 2.0, "cnn-lecture": 1.0}
ROLES = {"recommended": "finetune-resnet50-full", "alternative": "classical-svm_hog"}


def sides(facts: Facts) -> list[Side]:
    costs = {"seconds to train": COSTS, "milliseconds an answer": LATENCIES}
    return [Side(axis, of_each, pareto_front(ROWS, of_each, facts)) for axis, of_each in costs.items()]


DRAWN: dict[str, Callable[[Facts], str]] = {
    "ranking": ranking_plot,
    "parts": parts_plot,
    "curves": lambda facts: learning_curves(HISTORY, "cnn-lecture", ACCURACY),
    "tradeoff": lambda facts: tradeoff_plot(ROWS, sides(facts), ROLES, facts),
    "confusion": lambda facts: confusion_plot(np.array([[5, 1], [2, 3]]), ["Kiwi & Co", "<Plum>"], "cnn-lecture"),
}


@pytest.mark.parametrize("name", DRAWN)
def test_the_same_numbers_give_the_same_bytes(name: str, facts: Facts) -> None:
    assert DRAWN[name](facts) == DRAWN[name](facts)


@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_is_well_formed_and_has_an_alt_text(name: str, facts: Facts) -> None:
    root = ElementTree.fromstring(DRAWN[name](facts))
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert len(root.get("aria-label", "")) > 40
    assert root.get("viewBox")
    assert root.get("width") is None


@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_asks_for_nothing_from_outside_and_carries_no_date(name: str, facts: Facts) -> None:
    drawn = DRAWN[name](facts)
    assert not re.search(r"(href|src)=\"(?!#)", drawn)
    assert "dc:date" not in drawn
    assert "<metadata" not in drawn


@pytest.mark.parametrize("name", DRAWN)
def test_each_id_is_referred_to(name: str, facts: Facts) -> None:
    drawn = DRAWN[name](facts)
    for given in re.findall(r' id="([^"]+)"', drawn):
        assert f"#{given}" in drawn


def texts(drawn: str) -> list[str]:
    return ["".join(element.itertext()) for element in ElementTree.fromstring(drawn).iter(f"{SVG}text")]


def test_the_ranking_names_candidates_in_order_and_marks_the_best(facts: Facts) -> None:
    found = texts(DRAWN["ranking"](facts))
    names = [text for text in found if text.endswith(("\u20021", "\u20022", "\u20023"))]
    assert [name.split("\u2002")[0] for name in names] == ["resnet50 · full", "svm_hog", "lecture"]
    assert "best" in found


def test_the_ranking_reaches_to_the_floor_where_all_stand_below_it(facts: Facts) -> None:
    below = {name: row | {"test_accuracy": -0.6, "low": -0.7, "high": -0.5} for name, row in facts.rows.items()}
    floor = replace(facts.comparison.floor, score=0.0)
    drawn = ranking_plot(replace(facts, rows=below, comparison=replace(facts.comparison, floor=floor), score=R2))
    root = ElementTree.fromstring(drawn)
    label = next(text for text in root.iter(f"{SVG}text") if text.text == facts.floor.label)
    width = float(root.get("viewBox", "").split()[2])
    assert float(label.get("x", "inf")) < width - 40, "with room for the label"


def test_families_differ_by_more_than_colour() -> None:
    markers = [family.marker for family in families().values()]
    assert len(set(markers)) == len(markers) >= 5


def test_learning_curves_mark_phases_and_show_every_seed(facts: Facts) -> None:
    drawn = DRAWN["curves"](facts)
    assert {"1", "2", "loss", "accuracy", "training", "validation"} <= set(texts(drawn))
    single = learning_curves(HISTORY[HISTORY["seed"] == 0], "cnn-lecture", ACCURACY)
    assert drawn.count("opacity: 0.4") == 2 * single.count("opacity: 0.4") > 0


def test_a_mean_is_drawn_only_as_far_as_every_seed_was_trained() -> None:
    longer = HISTORY.assign(val_loss=HISTORY["val_loss"].where(HISTORY["epoch"] < 3, 99.0))
    bold = re.compile(r'<path d="([^"]+)"[^>]*stroke-width: 1.9')
    count = [len(re.findall("[ML]", path)) for path in bold.findall(learning_curves(longer, "x", ACCURACY))]
    assert count[:2] == [2, 2]


def test_the_pareto_front_leaves_out_what_another_beats_in_both(facts: Facts) -> None:
    assert pareto_front(ROWS, COSTS, facts) == ["finetune-resnet50-full", "classical-svm_hog"]
    assert pareto_front(ROWS, LATENCIES, facts) == ["finetune-resnet50-full", "classical-svm_hog", "cnn-lecture"]


def test_score_is_drawn_against_both_costs_with_the_advice_and_the_alternative_marked(facts: Facts) -> None:
    drawn = DRAWN["tradeoff"](facts)
    axes = [f"{axis}, drawn by their logarithm" for axis in ("seconds to train", "milliseconds an answer")]
    assert {*axes, "advised", "cheaper or faster"} <= set(texts(drawn))
    bare = tradeoff_plot(ROWS, sides(facts), {}, facts)
    assert "advised" not in texts(bare)
    ring = "stroke: #1d2126; stroke-width: 1.3"
    assert drawn.count(ring) >= 4 and bare.count(ring) == 0
    alt = ElementTree.fromstring(drawn).get("aria-label", "")
    assert "Advised: finetune-resnet50-full." in alt and "Cheaper or faster: classical-svm_hog." in alt


def test_confusion_numbers_stand_in_the_cells_and_names_are_escaped(facts: Facts) -> None:
    drawn = DRAWN["confusion"](facts)
    assert {"5", "1", "2", "3", "Kiwi & Co", "<Plum>"} <= set(texts(drawn))
    assert "<Plum>" not in drawn


def test_a_name_with_dollars_is_no_formula_in_the_report_either() -> None:
    names = ["$0-$50k", "$10_$20"]
    assert set(names) <= set(texts(confusion_plot(np.eye(2, dtype=int), names, "x")))


def test_many_classes_are_drawn_without_numbers() -> None:
    names = [f"class {number}" for number in range(NUMBERED_UP_TO + 1)]
    assert "777" not in texts(confusion_plot(np.full((len(names), len(names)), 777), names, "x"))
