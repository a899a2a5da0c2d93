"""The largest errors of numbers, as a sheet and a table, and small photos of both ends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pipeline.evaluation.answers.predictions import SplitPredictions
from pipeline.evaluation.pictures.furthest_off import write_furthest_off, write_small_photos
from pipeline.ground.files import read_json

ERRORS = [0.5, -3.0, 0.0, 2.0, -0.1]


@pytest.fixture
def answers() -> SplitPredictions:
    labels = np.array([10.0, 20.0, 30.0, 40.0, 50.0])
    return SplitPredictions(np.array(list("abcde")), labels, (labels + ERRORS)[:, None].astype(np.float32))


IMAGES = np.full((5, 8, 8, 3), 128, np.uint8)


def test_the_largest_errors_come_first_with_their_sign(answers: SplitPredictions, tmp_path: Path) -> None:
    write_furthest_off(tmp_path, IMAGES, answers, 3)
    table = pd.read_csv(tmp_path / "furthest_off.csv")
    assert table["example"].tolist() == ["b", "d", "a"] and table["label"].tolist() == [20.0, 40.0, 10.0]
    assert table["error"].tolist() == pytest.approx([-3.0, 2.0, 0.5])
    assert Image.open(tmp_path / "furthest_off.jpg").width > 3 * 128


@pytest.mark.parametrize(("count", "shown"), [(4, "bdce"), (3, "bdc"), (12, "bdace"), (0, "")])
def test_half_of_the_small_photos_are_the_furthest_and_the_others_the_closest(
    answers: SplitPredictions, tmp_path: Path, count: int, shown: str
) -> None:
    write_small_photos(tmp_path, IMAGES, answers, count)
    entries = read_json(tmp_path / "numbers.json")
    assert "".join(entry["example"] for entry in entries) == shown
    assert all((tmp_path / entry["file"]).is_file() for entry in entries)
