"""Figures: deterministic, self-describing, nothing but what a page needs."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from pipeline.comparison.report import plots
from pipeline.comparison.verdict.words import words_for
from pipeline.scores import ACCURACY

ACCURACY_WORDS = words_for("multiclass", "images")
SVG = "{http://www.w3.org/2000/svg}"


def row(rank: int, name: str, accuracy: float, cost: float) -> dict[str, Any]:
    interval = {"low": accuracy - 0.03, "high": accuracy + 0.03, "gap_low": 0.2, "gap_high": 0.3}
    relation = "best" if rank == 1 else "worse"
    measured = {"test_accuracy": accuracy, "gap": 0.25, "cost_seconds": cost, "relation_to_best": relation}
    return {"rank": rank, "candidate": name, "family": name.split("-")[0], **measured, **interval}


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
WORDS = dict.fromkeys((one["candidate"] for one in ROWS), "overfits")
DRAWN = {
    "ranking": lambda: plots.ranking_plot(ROWS, 0.1, "95 %", ACCURACY, ACCURACY_WORDS),
    "gap": lambda: plots.gap_plot(ROWS, WORDS, ACCURACY, ACCURACY_WORDS),
    "curves": lambda: plots.learning_curves(HISTORY, "cnn-lecture"),
    "cost": lambda: plots.cost_plot(ROWS, plots.pareto_front(ROWS), ACCURACY, ACCURACY_WORDS),
    "confusion": lambda: plots.confusion_plot(np.array([[5, 1], [2, 3]]), ["Kiwi & Co", "<Plum>"], "cnn-lecture"),
}


@pytest.mark.parametrize("name", DRAWN)
def test_the_same_numbers_give_the_same_bytes(name: str) -> None:
    assert DRAWN[name]() == DRAWN[name]()


@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_is_well_formed_and_has_an_alt_text(name: str) -> None:
    root = ElementTree.fromstring(DRAWN[name]())
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert len(root.get("aria-label", "")) > 40
    assert root.get("viewBox")
    assert root.get("width") is None


@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_asks_for_nothing_from_outside_and_carries_no_date(name: str) -> None:
    drawn = DRAWN[name]()
    assert not re.search(r"(href|src)=\"(?!#)", drawn)
    assert "dc:date" not in drawn
    assert "<metadata" not in drawn


@pytest.mark.parametrize("name", DRAWN)
def test_each_id_is_referred_to(name: str) -> None:
    drawn = DRAWN[name]()
    for given in re.findall(r' id="([^"]+)"', drawn):
        assert f"#{given}" in drawn


def texts(drawn: str) -> list[str]:
    return ["".join(element.itertext()) for element in ElementTree.fromstring(drawn).iter(f"{SVG}text")]


def test_the_ranking_names_candidates_in_order_and_marks_the_best() -> None:
    found = texts(DRAWN["ranking"]())
    names = [text for text in found if text.endswith(("\u20021", "\u20022", "\u20023"))]
    assert [name.split("\u2002")[0] for name in names] == ["resnet50 · full", "svm_hog", "lecture"]
    assert "best" in found


def test_families_differ_by_more_than_colour() -> None:
    from pipeline.comparison.report.drawing import COLOURS, MARKERS

    assert len(set(MARKERS.values())) == len(MARKERS) == len(COLOURS) == 5


def test_learning_curves_mark_phases_and_show_every_seed() -> None:
    drawn = DRAWN["curves"]()
    assert {"1", "2", "loss", "accuracy", "training", "validation"} <= set(texts(drawn))
    single = plots.learning_curves(HISTORY[HISTORY["seed"] == 0], "cnn-lecture")
    assert drawn.count("opacity: 0.4") == 2 * single.count("opacity: 0.4") > 0


def test_a_mean_is_drawn_only_as_far_as_every_seed_was_trained() -> None:
    longer = HISTORY.assign(val_loss=HISTORY["val_loss"].where(HISTORY["epoch"] < 3, 99.0))
    bold = re.compile(r'<path d="([^"]+)"[^>]*stroke-width: 1.9')
    count = [len(re.findall("[ML]", path)) for path in bold.findall(plots.learning_curves(longer, "x"))]
    assert count[:2] == [2, 2]


def test_the_pareto_front_leaves_out_what_another_beats_in_both() -> None:
    assert plots.pareto_front(ROWS) == ["finetune-resnet50-full", "classical-svm_hog"]


def test_confusion_numbers_stand_in_the_cells_and_names_are_escaped() -> None:
    drawn = DRAWN["confusion"]()
    assert {"5", "1", "2", "3", "Kiwi & Co", "<Plum>"} <= set(texts(drawn))
    assert "<Plum>" not in drawn


def test_many_classes_are_drawn_without_numbers() -> None:
    names = [f"class {number}" for number in range(plots.NUMBERED_UP_TO + 1)]
    assert "777" not in texts(plots.confusion_plot(np.full((len(names), len(names)), 777), names, "x"))
