"""Unlabelled photos are read as those that were learned from."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.datasets.photos.decoding import decode_photo
from pipeline.operations.labelling.photo_pool import look_at_photos


def test_photos_of_16_bits_are_scaled_by_the_white_of_the_prepared_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They use 10 bits themselves, and by these they would be four times as bright."""
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        pixels = np.random.default_rng(ord(name)).integers(0, 1000, (16, 16)).astype(np.uint16)
        Image.fromarray(pixels).save(f"{name}.png")
    known: Any = [SimpleNamespace(images=decode_photo(Path("b.png"), 16, 4095)[None])]
    pool = look_at_photos([Path("a.png"), Path("b.png")], known, False, 4095)
    assert [Path(name).name for name in pool.names] == ["a.png"]
    np.testing.assert_array_equal(pool.inputs_of(np.array([0]))[0], decode_photo(Path("a.png"), 16, 4095))
