"""The small photos of examples whose label a candidate doubts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.evaluation.answers.predictions import SplitPredictions
from pipeline.evaluation.pictures.doubted import least_credible, write_doubted
from pipeline.ground.files import read_json

SHADES = {"d0": 10, "d1": 60, "d2": 110, "t0": 160, "t1": 210}


def answers(labels: dict[str, int], credible: list[float]) -> SplitPredictions:
    """Of two classes: what is left of the label's probability goes to the other class."""
    values = np.array(list(labels.values()))
    probabilities = np.empty((len(values), 2), dtype=np.float32)
    probabilities[np.arange(len(values)), values] = credible
    probabilities[np.arange(len(values)), 1 - values] = 1 - np.array(credible)
    return SplitPredictions(np.array(list(labels)), values, probabilities)


def photos(*names: str) -> tuple[np.ndarray, np.ndarray]:
    return np.array(names), np.stack([np.full((120, 60, 3), SHADES[name], dtype=np.uint8) for name in names])


def test_least_credible_are_those_taken_for_another_class_by_the_mean_of_the_seeds_that_judge_them() -> None:
    first = answers({"d0": 0, "d1": 1, "d2": 0}, [0.1, 0.4, 0.9])
    second = answers({"d1": 1, "d3": 0}, [0.2, 0.45])
    assert least_credible([first, second], 9) == ["d0", "d1", "d3"]  # 0.1, 0.3, 0.45
    assert least_credible([first, second], 1) == ["d0"]


def test_each_split_keeps_its_own_photos_small(tmp_path: Path) -> None:
    predictions = {
        0: {"val": answers({"d1": 1}, [0.3]), "test": answers({"t0": 0, "t1": 1}, [0.9, 0.4])},
        1: {"val": answers({"d2": 0}, [0.2]), "test": answers({"t0": 0, "t1": 1}, [0.8, 0.1])},
    }
    write_doubted(tmp_path, photos("d2", "d0", "d1"), photos("t1", "t0"), predictions, 4)
    kept = read_json(tmp_path / "doubted.json")
    assert [(one["split"], one["example"]) for one in kept] == [
        ("development", "d2"),
        ("development", "d1"),
        ("test", "t1"),
    ]
    for entry in kept:
        photo = Image.open(tmp_path / entry["file"])
        assert photo.size == (48, 96)
        assert abs(photo.getpixel((20, 40))[0] - SHADES[entry["example"]]) < 4
