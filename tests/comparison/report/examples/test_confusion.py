"""Confusion, its worst pairs, and their photos."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.comparison.report.examples.confusion import confusion_counts, worst_pairs
from pipeline.comparison.report.examples.photos import Photo, read_photos
from pipeline.params.training.candidates import Candidate

NAMES = ["Apple", "Kiwi", "Plum"]


def test_confusion_counts_the_test_split_over_all_seeds() -> None:
    table = pd.DataFrame(
        [("test", 0, 0), ("test", 0, 1), ("test", 0, 1), ("test", 2, 2), ("train", 1, 0)],
        columns=["split", "label", "predicted"],
    )
    assert confusion_counts(table, 3).tolist() == [[1, 2, 0], [0, 0, 0], [0, 0, 1]]


def test_worst_pairs_are_the_most_frequent_mistakes_with_their_share_and_photos() -> None:
    photo = Photo("data:,", "test/Plum/1.jpg", "Plum", "Apple", 0.9)
    other = Photo("data:,", "test/Plum/2.jpg", "Plum", "Plum", 0.9)
    pairs = worst_pairs(np.array([[9, 1, 0], [0, 9, 0], [5, 0, 5]]), NAMES, [photo, other])
    assert [(pair.right_class, pair.predicted_class, pair.times) for pair in pairs] == [
        ("Plum", "Apple", 5),
        ("Apple", "Kiwi", 1),
    ]
    assert pairs[0].share == 0.5
    assert pairs[0].photos == (photo,)


def test_no_more_pairs_are_listed_than_asked_for() -> None:
    assert len(worst_pairs(np.ones((3, 3), dtype=np.int64), NAMES, [], shown=2)) == 2


def test_photos_are_embedded_with_their_classes(small: list[Candidate]) -> None:
    photos = read_photos("cnn-lecture", [f"class {number}" for number in range(14)])
    first = Path("evaluation/cnn-lecture/figures/thumb-0.jpg").read_bytes()
    assert len(photos) == 12
    assert photos[0].uri == "data:image/jpeg;base64," + base64.b64encode(first).decode()
    assert photos[0].right_class != photos[0].predicted_class


def test_a_candidate_without_thumbnails_has_no_photos(workplace: Path) -> None:
    assert read_photos("cnn-lecture", NAMES) == []
