"""The most confident mistakes, on a sheet and in a table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pipeline.evaluation.answers.predictions import SplitPredictions
from pipeline.evaluation.pictures.contact_sheet import MARGIN, PHOTO, _font, confident_mistakes, fitted, write_mistakes

CLASSES = ["fig", "kiwi"]
LABELS = np.array([0, 0, 1, 1, 0])
# The probability of class 1; 1, 2 and 4 are mistaken, 4 with the most confidence.
OF_ONE = np.array([0.2, 0.7, 0.4, 0.9, 0.95], dtype=np.float32)
PROBABILITIES = np.column_stack([1 - OF_ONE, OF_ONE])
IMAGES = np.stack([np.full((8, 8, 3), 40 * number, dtype=np.uint8) for number in range(5)])
IDS = np.array([f"test/{CLASSES[label]}/photo {number}.jpg" for number, label in enumerate(LABELS)])


def write(folder: Path, count: int, probabilities: np.ndarray = PROBABILITIES) -> None:
    write_mistakes(folder, IMAGES, SplitPredictions(IDS, LABELS, probabilities), CLASSES, count)


def test_the_surest_mistake_comes_first_and_what_is_right_does_not_come() -> None:
    assert confident_mistakes(LABELS, PROBABILITIES, 9) == [4, 1, 2]
    assert confident_mistakes(LABELS, PROBABILITIES, 2) == [4, 1]


def test_the_table_names_each_file_with_both_classes(tmp_path: Path) -> None:
    write(tmp_path, count=2)
    table = pd.read_csv(tmp_path / "mistakes.csv")
    assert table["example"].tolist() == ["test/fig/photo 4.jpg", "test/fig/photo 1.jpg"]
    assert table["right_class"].tolist() == ["fig", "fig"] and table["predicted_class"].tolist() == ["kiwi", "kiwi"]
    assert table["probability"].tolist() == pytest.approx([0.95, 0.7])


def test_the_sheet_shows_the_mistaken_photos_in_that_order(tmp_path: Path) -> None:
    write(tmp_path, count=9)
    sheet = np.asarray(Image.open(tmp_path / "mistakes.jpg"))
    middles = [sheet[MARGIN + PHOTO // 2, MARGIN + PHOTO // 2 + column * (PHOTO + MARGIN)] for column in range(3)]
    np.testing.assert_allclose(middles, [(160,) * 3, (40,) * 3, (80,) * 3], atol=3)
    assert (sheet[MARGIN + PHOTO + 1 :, :PHOTO] < 100).any(), "its name stands under it"


def test_the_same_predictions_give_the_same_bytes(tmp_path: Path) -> None:
    write(tmp_path / "one", count=9)
    write(tmp_path / "other", count=9)
    for name in ("mistakes.csv", "mistakes.jpg"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


def test_a_candidate_that_is_always_right_has_an_empty_table_and_no_sheet(tmp_path: Path) -> None:
    write(tmp_path, count=9, probabilities=np.eye(2, dtype=np.float32)[LABELS])
    assert pd.read_csv(tmp_path / "mistakes.csv").empty and not (tmp_path / "mistakes.jpg").exists()


def test_a_long_name_keeps_its_two_ends() -> None:
    name = "IMG_20250713_" + "very_" * 12 + "long.jpg"
    shown = fitted(name, PHOTO)
    assert _font().getlength(shown) <= PHOTO and shown.startswith("IMG_") and shown.endswith(".jpg") and "…" in shown
    assert fitted("short.jpg", PHOTO) == "short.jpg"
