"""Photos under the colours of their explanation."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.evaluation.explanations.overlays import overlay, write_explanations, write_overlays
from pipeline.evaluation.explanations.patches import Patches, cut

PHOTOS = np.random.default_rng(4).integers(60, 180, (10, 20, 20, 3), dtype=np.uint8)
PHOTOS[:, :5, 15:] = np.where(np.arange(10) % 2, 250, 5)[:, None, None, None]  # the upper right patch
EXAMPLES = np.array([f"{number}.jpg" for number in range(10)])
HEAT = np.ones((10, 4, 4))


def upper_right(images: np.ndarray) -> np.ndarray:
    of_one = 1 / (1 + np.exp(-(images[:, :5, 15:].mean(axis=(1, 2, 3)) - 120) / 20))
    return np.stack([1 - of_one, of_one], axis=1)


def patches() -> Patches:
    return cut(PHOTOS, 4, upper_right)


def test_pictures_are_bright_where_the_heat_is() -> None:
    heat = np.zeros((4, 4))
    heat[0, 3] = 1
    picture = np.asarray(overlay(np.full((20, 20, 3), 128, dtype=np.uint8), heat)).astype(float)
    assert picture.shape == (120, 120, 3)
    assert picture[:20, -20:].mean() > picture[-20:, :20].mean() + 30


def test_pictures_come_with_what_was_said_of_them(tmp_path: Path) -> None:
    labels = np.zeros(10, dtype=np.int64)
    entries = write_overlays(tmp_path, patches(), EXAMPLES, labels, HEAT, 3)
    write_explanations(tmp_path, "permutation", {}, entries)
    written = json.loads((tmp_path / "explanations.json").read_text(encoding="utf-8"))["photos"]
    assert [entry["example"] for entry in written] == ["0.jpg", "1.jpg", "2.jpg"]
    assert [(entry["label"], entry["predicted"]) for entry in written] == [(0, 0), (0, 1), (0, 0)]
    assert all(Image.open(tmp_path / entry["file"]).size == (120, 120) for entry in written)
    assert write_overlays(tmp_path / "more", patches(), EXAMPLES, labels, HEAT, 99)[-1]["example"] == "9.jpg"
