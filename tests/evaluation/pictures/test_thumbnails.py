"""The small photos for the report."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.evaluation.answers.predictions import SplitPredictions
from pipeline.evaluation.pictures.thumbnails import choose_examples, write_thumbnails


def probabilities(predicted: list[int], confidence: list[float]) -> np.ndarray:
    rows = np.tile((1 - np.array(confidence, dtype=np.float32))[:, None] / 2, (1, 3))
    rows[np.arange(len(predicted)), predicted] = confidence
    return rows


def test_the_most_confident_mistakes_come_first_then_what_was_right() -> None:
    labels = np.array([0, 0, 0, 0, 0, 0])
    answered = probabilities([0, 1, 0, 2, 1, 0], [0.9, 0.6, 0.8, 0.95, 0.7, 0.99])
    assert choose_examples(labels, answered, 4) == [3, 4, 5, 0]


def test_classes_take_turns_so_that_none_fills_the_page() -> None:
    labels = np.array([0, 0, 0, 1, 2])
    answered = probabilities([1, 1, 1, 0, 0], [0.99, 0.98, 0.97, 0.5, 0.6])
    assert choose_examples(labels, answered, 3) == [0, 4, 3]


def test_each_of_the_worst_confused_pairs_is_shown_before_any_is_shown_twice() -> None:
    labels = np.array([0, 0, 0, 0, 0, 1, 1, 2])
    answered = probabilities([1, 1, 1, 2, 2, 0, 0, 0], [0.9, 0.8, 0.7, 0.6, 0.5, 0.99, 0.98, 0.97])
    shown = choose_examples(labels, answered, 3)  # 0 for 1 three times, 0 for 2 and 1 for 0 twice, 2 for 0 once
    assert sorted(shown) == [0, 3, 5]


def test_where_mistakes_or_right_ones_are_few_the_others_fill_up() -> None:
    labels = np.zeros(6, dtype=np.int64)
    assert len(choose_examples(labels, probabilities([0] * 5 + [1], [0.9] * 6), 4)) == 4
    assert len(choose_examples(labels, probabilities([1] * 5 + [0], [0.9] * 6), 4)) == 4
    assert sorted(choose_examples(labels, probabilities([0, 1] * 3, [0.9] * 6), 99)) == [0, 1, 2, 3, 4, 5]


def test_a_thumbnail_is_the_photo_that_its_entry_names(tmp_path: Path) -> None:
    shades = np.array([10, 120, 240], dtype=np.uint8)
    images = np.tile(shades[:, None, None, None], (1, 150, 150, 3))
    labels, answered = np.array([0, 1, 2]), probabilities([0, 2, 2], [0.7, 0.8, 0.9])
    answers = SplitPredictions(np.array(["a.jpg", "b.jpg", "c.jpg"]), labels, answered)
    write_thumbnails(tmp_path, images, answers, 2)
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
    answers = SplitPredictions(np.array(["a"]), np.array([0]), np.eye(3, dtype=np.float32)[:1])
    write_thumbnails(tmp_path, np.zeros((1, 8, 8, 3), np.uint8), answers, 0)
    assert [file.name for file in tmp_path.iterdir()] == ["thumbnails.json"]
    assert json.loads((tmp_path / "thumbnails.json").read_text(encoding="utf-8")) == []
