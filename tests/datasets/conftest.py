"""Small folders of photos, made for each test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def photo() -> Callable[[Path, int], Path]:
    """Writes a photo of random pixels, the same for the same number; .png keeps them to the bit."""

    def write(path: Path, number: int) -> Path:
        pixels = np.random.default_rng(number).integers(0, 256, (24, 32, 3), np.uint8)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
        return path

    return write


@pytest.fixture
def folder_of(tmp_path: Path, photo: Callable[[Path, int], Path]) -> Callable[[dict[str, list[int]]], Path]:
    """{"train/Pear": [0, 1]} → a folder with train/Pear/0.png and train/Pear/1.png."""

    def build(folders: dict[str, list[int]]) -> Path:
        root = tmp_path / "photos"
        for inside, numbers in folders.items():
            (root / inside).mkdir(parents=True, exist_ok=True)
            for position, number in enumerate(numbers):
                photo(root / inside / f"{position}.png", number)
        return root

    return build
