"""Corruptions: what is known of each, whatever the photo."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pipeline.evaluation.measures.corruptions import CORRUPTIONS, clouds, corrupt, corruption_faults, disk

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def photos() -> np.ndarray:
    """Two photos of 48 pixels a side: smooth colours with a sharp bright square."""
    rows, columns = np.mgrid[:48, :48]
    photo = np.stack([rows * 4, columns * 4, 255 - rows * 4], axis=-1)
    photo[12:30, 12:30] = (240, 230, 60)
    return np.stack([photo, photo[::-1]]).astype(np.uint8)


def test_params_yaml_may_name_just_these() -> None:
    assert not list(corruption_faults(list(CORRUPTIONS), Path("params.yaml")))


def test_a_name_that_is_no_corruption_is_told_with_its_place_and_the_nearest_that_is_one() -> None:
    (fault,) = corruption_faults(["fog", "contrst"], Path("params.yaml"))
    assert fault.startswith("params.yaml: evaluation.robustness.corruptions[1] = 'contrst'")
    assert "did you mean 'contrast'?" in fault


def test_their_names_are_read_without_the_libraries_that_make_them() -> None:
    code = "import sys, pipeline.evaluation.measures.corruptions; print({'scipy', 'skimage'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_the_strongest_moves_a_photo_further_from_what_it_was_than_the_weakest(kind: str, photos: np.ndarray) -> None:
    weak, strong = (corrupt(photos, kind, severity) for severity in (1, 5))
    assert weak.shape == photos.shape and weak.dtype == np.uint8
    weakly, strongly = (np.abs(altered.astype(float) - photos).mean() for altered in (weak, strong))
    assert 0.3 < weakly < strongly


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_the_same_photos_are_corrupted_in_the_same_way_each_time(kind: str, photos: np.ndarray) -> None:
    np.testing.assert_array_equal(corrupt(photos, kind, 3), corrupt(photos.copy(), kind, 3))


@pytest.mark.parametrize("kind", ["gaussian_noise", "shot_noise", "impulse_noise", "fog"])
def test_every_photo_has_noise_of_its_own(kind: str, photos: np.ndarray) -> None:
    first, second = corrupt(np.stack([photos[0], photos[0]]), kind, 3)
    assert not np.array_equal(first, second)


def test_gaussian_noise_has_the_published_deviation() -> None:
    grey = np.full((4, 64, 64, 3), 128, dtype=np.uint8)
    assert corrupt(grey, "gaussian_noise", 1).std() / 255 == pytest.approx(0.08, rel=0.02)


def test_contrast_keeps_the_mean_and_leaves_the_published_share_of_the_deviation(photos: np.ndarray) -> None:
    low = corrupt(photos, "contrast", 3).astype(float)
    np.testing.assert_allclose(low.mean(axis=(1, 2)), photos.mean(axis=(1, 2)), atol=0.5)
    np.testing.assert_allclose(low.std(axis=(1, 2)), 0.2 * photos.std(axis=(1, 2)), rtol=0.03)


def test_impulse_noise_makes_the_published_share_black_or_white() -> None:
    grey = np.full((4, 64, 64, 3), 128, dtype=np.uint8)
    assert (corrupt(grey, "impulse_noise", 5) != 128).mean() == pytest.approx(0.27, abs=0.01)


def test_blur_leaves_one_colour_as_it_is() -> None:
    grey = np.full((1, 32, 32, 3), 77, dtype=np.uint8)
    for kind in ("defocus_blur", "zoom_blur"):
        np.testing.assert_array_equal(corrupt(grey, kind, 5), grey)


def test_a_disk_of_any_radius_sums_to_one_and_is_round() -> None:
    for radius in (0.4, 1.29, 3.0):
        kernel = disk(radius)
        assert kernel.sum() == pytest.approx(1)
        np.testing.assert_allclose(kernel, kernel.T)
    assert disk(1.6).max() < disk(1.2).max(), "a larger radius spreads more, also within one pixel"


def test_clouds_are_smooth_and_fill_their_range() -> None:
    cloud = clouds(64, 2.0, np.random.default_rng(0))
    assert (cloud.min(), cloud.max()) == (0, 1)
    assert np.abs(np.diff(cloud, axis=0)).mean() < 0.05
