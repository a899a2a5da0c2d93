"""The store of altered photos: made once, bounded, and never another photo's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.evaluation.answers.kept import KeptArrays
from pipeline.evaluation.measures.alterations import Alteration
from pipeline.evaluation.measures.altered import AlteredStore

PHOTOS = np.random.default_rng(1).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
NOISE = Alteration("gaussian_noise", 3)
ROOM_FOR_TWO = 2.5 * (PHOTOS.nbytes + 128) / 1e9


def kept(folder: Path) -> int:
    return len(list(folder.iterdir())) if folder.exists() else 0


def test_what_is_found_is_what_was_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = AlteredStore(PHOTOS, KeptArrays(1.0, tmp_path)).get(NOISE)
    monkeypatch.setattr(Alteration, "of", lambda *_: pytest.fail("must not be made again"))
    found = AlteredStore(PHOTOS.copy(), KeptArrays(1.0, tmp_path)).get(NOISE)
    np.testing.assert_array_equal(found, made)
    assert not np.array_equal(found, PHOTOS)


def test_other_photos_and_other_alterations_are_others(tmp_path: Path) -> None:
    versions = [
        AlteredStore(photos, KeptArrays(1.0, tmp_path)).get(alteration)
        for photos in (PHOTOS, PHOTOS[::-1])
        for alteration in (NOISE, Alteration("gaussian_noise", 5))
    ]
    assert kept(tmp_path) == len(versions)
    assert len({version.tobytes() for version in versions}) == len(versions)


def test_the_oldest_makes_room(tmp_path: Path) -> None:
    store = AlteredStore(PHOTOS, KeptArrays(ROOM_FOR_TWO, tmp_path))
    for pixels in (1, 2, 3):
        store.get(Alteration("shift", pixels))
    assert kept(tmp_path) == 2


def test_without_room_nothing_is_kept_and_the_pixels_are_the_same(tmp_path: Path) -> None:
    unkept = AlteredStore(PHOTOS, KeptArrays(0.0, tmp_path / "none")).get(NOISE)
    np.testing.assert_array_equal(unkept, AlteredStore(PHOTOS, KeptArrays(1.0, tmp_path / "some")).get(NOISE))
    assert kept(tmp_path / "none") == 0
