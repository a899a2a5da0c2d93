"""Altered photos: made once, bounded, and never another photo's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.evaluation.measures.alterations import Alteration
from pipeline.evaluation.measures.altered_photos import AlteredPhotos
from pipeline.ground.kept import KeptArrays

PHOTOS = np.random.default_rng(1).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
NOISE = Alteration("gaussian_noise", 3)
ROOM_FOR_TWO = 2.5 * (PHOTOS.nbytes + 128) / 1e9


def kept(folder: Path) -> int:
    return len(list(folder.glob("*.npy")))


def test_what_is_found_is_what_was_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = AlteredPhotos(PHOTOS, KeptArrays(tmp_path, 1.0)).version(NOISE)
    monkeypatch.setattr(Alteration, "of", lambda *_: pytest.fail("must not be made again"))
    found = AlteredPhotos(PHOTOS.copy(), KeptArrays(tmp_path, 1.0)).version(NOISE)
    np.testing.assert_array_equal(found, made)
    assert not np.array_equal(found, PHOTOS)


def test_other_photos_and_other_alterations_are_others(tmp_path: Path) -> None:
    versions = [
        AlteredPhotos(photos, KeptArrays(tmp_path, 1.0)).version(alteration)
        for photos in (PHOTOS, PHOTOS[::-1])
        for alteration in (NOISE, Alteration("gaussian_noise", 5))
    ]
    assert kept(tmp_path) == len(versions)
    assert len({version.tobytes() for version in versions}) == len(versions)


def test_the_oldest_makes_room(tmp_path: Path) -> None:
    store = AlteredPhotos(PHOTOS, KeptArrays(tmp_path, ROOM_FOR_TWO))
    for pixels in (1, 2, 3):
        store.version(Alteration("shift", pixels))
    assert kept(tmp_path) == 2


def test_without_room_nothing_is_kept_and_the_pixels_are_the_same(tmp_path: Path) -> None:
    unkept = AlteredPhotos(PHOTOS, KeptArrays(tmp_path / "none", 0.0)).version(NOISE)
    np.testing.assert_array_equal(unkept, AlteredPhotos(PHOTOS, KeptArrays(tmp_path / "some", 1.0)).version(NOISE))
    assert kept(tmp_path / "none") == 0
