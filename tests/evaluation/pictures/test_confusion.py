"""The confusion matrix."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from pipeline.evaluation.pictures.confusion import write_confusion

SVG = "{http://www.w3.org/2000/svg}"
COUNTS = np.array([[40, 2, 0], [0, 37, 5], [1, 0, 41]])
NAMES = ["fig & date", "$lime$ $", "Ağaç kavunu"]


def drawn(folder: Path) -> ElementTree.Element:
    write_confusion(folder / "confusion.svg", COUNTS, NAMES, "cnn-lecture")
    return ElementTree.parse(folder / "confusion.svg").getroot()


def texts(svg: ElementTree.Element) -> list[str]:
    return ["".join(element.itertext()).strip() for element in svg.iter(f"{SVG}text")]


def test_the_confusion_shows_every_count_that_is_not_zero_and_all_names(tmp_path: Path) -> None:
    written = texts(drawn(tmp_path))
    assert sorted(text for text in written if text.isdigit()) == sorted(["40", "2", "37", "5", "1", "41"])
    assert [written.count(name) for name in NAMES] == [2, 2, 2]


def test_a_name_with_dollars_is_no_formula(tmp_path: Path) -> None:
    """Of bands of income, one of which would not even be one that can be drawn."""
    names = ["$0-$50k", "$10_$20"]
    write_confusion(tmp_path / "confusion.svg", COUNTS[:2, :2], names, "cnn-lecture")
    written = texts(ElementTree.parse(tmp_path / "confusion.svg").getroot())
    assert [written.count(name) for name in names] == [2, 2]


def test_the_confusion_tells_a_screen_reader_what_it_shows(tmp_path: Path) -> None:
    svg = drawn(tmp_path)
    assert svg.get("role") == "img"
    assert svg.findtext(f"{SVG}title") == "cnn-lecture"
    described = "118 of 126 predictions are right. Most often $lime$ $ is taken for Ağaç kavunu (5 times)."
    assert svg.findtext(f"{SVG}desc") == described


def test_a_right_prediction_stands_on_the_diagonal(tmp_path: Path) -> None:
    at = {
        text.text: (float(text.get("x") or 0), float(text.get("y") or 0))
        for text in drawn(tmp_path).iter(f"{SVG}text")
        if text.text in ("40", "37", "41", "5")
    }
    assert at["40"][0] < at["37"][0] < at["41"][0] and at["40"][1] < at["37"][1] < at["41"][1]
    assert at["5"] == (at["41"][0], at["37"][1]), "right class in rows, predicted class in columns"


def test_many_classes_are_drawn_without_numbers(tmp_path: Path) -> None:
    write_confusion(tmp_path / "many.svg", np.eye(40, dtype=np.int64) * 7, [f"class {n}" for n in range(40)], "x")
    assert "7" not in texts(ElementTree.parse(tmp_path / "many.svg").getroot())


def test_the_same_counts_give_the_same_bytes(tmp_path: Path) -> None:
    drawn(tmp_path)
    first = (tmp_path / "confusion.svg").read_bytes()
    drawn(tmp_path)
    assert (tmp_path / "confusion.svg").read_bytes() == first
