"""What a classical model sees of a photo."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone

from pipeline.models.features.photos import HogColour, ReducedPixels

KINDS = [ReducedPixels(), HogColour()]
EDGES = 324  # of the 708 numbers of HogColour


def noise(count: int, side: int) -> np.ndarray:
    return np.random.default_rng(side).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def plain(colour: tuple[int, int, int], side: int = 96) -> np.ndarray:
    return np.full((1, side, side, 3), colour, dtype=np.uint8)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("side", [32, 75, 96, 224])
def test_rows_have_the_same_length_whatever_the_photo_size(kind: BaseEstimator, side: int) -> None:
    rows = kind.transform(noise(2, side))
    assert rows.shape == (2, {"ReducedPixels": 3072, "HogColour": 708}[type(kind).__name__])
    assert rows.dtype == np.float32 and np.isfinite(rows).all()


def test_pixels_are_the_mean_over_the_area_that_each_replaces_within_a_grey_level() -> None:
    images = noise(3, 96)
    means = images.reshape(3, 32, 3, 32, 3, 3).mean(axis=(2, 4))
    assert np.abs(ReducedPixels().transform(images).reshape(3, 32, 32, 3) * 255 - means).max() < 1


def test_edges_and_colours_weigh_the_same() -> None:
    rows = HogColour().transform(noise(4, 96))
    np.testing.assert_allclose(np.linalg.norm(rows[:, :EDGES], axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(rows[:, EDGES:], axis=1), 1, rtol=1e-5)


def test_a_photo_without_edges_has_no_edge_numbers() -> None:
    assert not HogColour().transform(plain((90, 90, 90)))[0, :EDGES].any()


def test_stripes_of_another_direction_change_the_edges_and_leave_the_colours() -> None:
    lying = np.zeros((1, 96, 96, 3), dtype=np.uint8)
    lying[:, ::12] = lying[:, 1::12] = lying[:, 2::12] = 255
    rows = HogColour().transform(np.concatenate([lying, lying.swapaxes(1, 2)]))
    assert np.abs(rows[0, :EDGES] - rows[1, :EDGES]).max() > 0.05
    np.testing.assert_allclose(rows[0, EDGES:], rows[1, EDGES:], atol=1e-6)


@pytest.mark.parametrize(
    "colour", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (255, 0, 255), (255, 255, 255)]
)
def test_every_colour_of_the_screen_falls_into_one_bin(colour: tuple[int, int, int]) -> None:
    colours = HogColour().transform(plain(colour))[0, EDGES:]
    assert sorted(colours)[-1] == pytest.approx(1) and np.count_nonzero(colours) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_learnt_so_a_photo_has_the_same_row_in_any_company(kind: BaseEstimator) -> None:
    images = noise(5, 64)
    alone = clone(kind).fit(images[3:4]).transform(images[3:4])
    np.testing.assert_array_equal(kind.fit(images).transform(images)[3:4], alone)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wrong", [np.zeros((2, 8, 8, 3)), np.zeros((8, 8, 3), dtype=np.uint8)])
def test_what_is_no_stack_of_raw_photos_is_refused(kind: BaseEstimator, wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"\(N, H, W, 3\) and type uint8"):
        kind.transform(wrong)
