"""The confusion matrix and the small photos."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from pipeline.evaluation.pictures.figures import choose_examples, write_confusion, write_thumbnails

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


def probabilities(predicted: list[int], confidence: list[float]) -> np.ndarray:
    rows = np.tile((1 - np.array(confidence, dtype=np.float32))[:, None] / 2, (1, 3))
    rows[np.arange(len(predicted)), predicted] = confidence
    return rows


def test_the_most_confident_mistakes_come_first_then_what_was_right() -> None:
    labels = np.array([0, 0, 0, 0, 0, 0])
    said = probabilities([0, 1, 0, 2, 1, 0], [0.9, 0.6, 0.8, 0.95, 0.7, 0.99])
    assert choose_examples(labels, said, 4) == [3, 4, 5, 0]


def test_classes_take_turns_so_that_none_fills_the_page() -> None:
    labels = np.array([0, 0, 0, 1, 2])
    said = probabilities([1, 1, 1, 0, 0], [0.99, 0.98, 0.97, 0.5, 0.6])
    assert choose_examples(labels, said, 3) == [0, 4, 3]


def test_each_of_the_worst_confused_pairs_is_shown_before_any_is_shown_twice() -> None:
    labels = np.array([0, 0, 0, 0, 0, 1, 1, 2])
    said = probabilities([1, 1, 1, 2, 2, 0, 0, 0], [0.9, 0.8, 0.7, 0.6, 0.5, 0.99, 0.98, 0.97])
    shown = choose_examples(labels, said, 3)  # 0 for 1 three times, 0 for 2 and 1 for 0 twice, 2 for 0 once
    assert sorted(shown) == [0, 3, 5]


def test_where_mistakes_or_right_ones_are_few_the_others_fill_up() -> None:
    labels = np.zeros(6, dtype=np.int64)
    assert len(choose_examples(labels, probabilities([0] * 5 + [1], [0.9] * 6), 4)) == 4
    assert len(choose_examples(labels, probabilities([1] * 5 + [0], [0.9] * 6), 4)) == 4
    assert sorted(choose_examples(labels, probabilities([0, 1] * 3, [0.9] * 6), 99)) == [0, 1, 2, 3, 4, 5]


def test_a_thumbnail_is_the_photo_that_its_entry_names(tmp_path: Path) -> None:
    shades = np.array([10, 120, 240], dtype=np.uint8)
    images = np.tile(shades[:, None, None, None], (1, 150, 150, 3))
    labels, said = np.array([0, 1, 2]), probabilities([0, 2, 2], [0.7, 0.8, 0.9])
    write_thumbnails(tmp_path, images, labels, np.array(["a.jpg", "b.jpg", "c.jpg"]), said, 2)
    entries = json.loads((tmp_path / "thumbnails.json").read_text(encoding="utf-8"))
    assert [(entry["example"], entry["label"], entry["predicted"]) for entry in entries] == [
        ("b.jpg", 1, 2),
        ("c.jpg", 2, 2),
    ]
    assert entries[0]["probability"] == np.float32(0.8)
    for entry, shade in zip(entries, (120, 240), strict=True):
        with Image.open(tmp_path / entry["file"]) as photo:
            assert photo.size == (96, 96) and photo.format == "JPEG"
            assert np.abs(np.asarray(photo).astype(int) - shade).max() <= 3


def test_no_thumbnails_is_an_empty_list(tmp_path: Path) -> None:
    write_thumbnails(tmp_path, np.zeros((1, 8, 8, 3), np.uint8), np.array([0]), np.array(["a"]), np.eye(3)[:1], 0)
    assert [file.name for file in tmp_path.iterdir()] == ["thumbnails.json"]
    assert json.loads((tmp_path / "thumbnails.json").read_text(encoding="utf-8")) == []
