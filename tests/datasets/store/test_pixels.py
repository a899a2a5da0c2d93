"""A pixel file is the .npy file that numpy writes, read and written piece by piece."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipeline.datasets.store.pixels import PixelFile

IMAGES = np.random.default_rng(0).integers(0, 256, (9, 5, 5, 3), np.uint8)


def test_what_is_written_in_pieces_is_what_numpy_saves(tmp_path: Path) -> None:
    file = PixelFile.create(tmp_path / "pieces.npy", 9, 5)
    file.write(4, IMAGES[4:])
    file.write(0, IMAGES[:4])
    np.save(tmp_path / "whole.npy", IMAGES)
    assert (tmp_path / "pieces.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()


def test_rows_come_in_the_order_asked_for(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", IMAGES)
    file = PixelFile.open(tmp_path / "images.npy")
    assert (len(file), file.shape) == (9, (9, 5, 5, 3))
    assert np.array_equal(file[np.array([7, 0, 7])], IMAGES[[7, 0, 7]])
    assert file[np.array([], int)].shape == (0, 5, 5, 3)


def test_what_was_never_written_is_black(tmp_path: Path) -> None:
    assert not PixelFile.create(tmp_path / "images.npy", 3, 4)[np.arange(3)].any()
