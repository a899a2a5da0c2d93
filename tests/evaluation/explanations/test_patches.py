"""Deletion and insertion of patches for models of which it is known what they look at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pipeline.evaluation.explanations import patches as patches_module
from pipeline.evaluation.explanations.curves import Curves, curves_by_chance
from pipeline.evaluation.explanations.curves import deletion_and_insertion as in_order
from pipeline.evaluation.explanations.patches import Patches, cut, occlusion, permutation

GRID, SIDE = 4, 16
RANDOM = np.random.default_rng(4)
PHOTOS = RANDOM.integers(60, 180, (12, SIDE, SIDE, 3), dtype=np.uint8)
LOOKED_AT = 6  # row 1, column 2: pixels 4 to 7, 8 to 11
PHOTOS[:, 4:8, 8:12] = np.where(np.arange(12) % 2, 250, 5)[:, None, None, None]


def of_brightness(brightness: np.ndarray) -> np.ndarray:
    of_one = 1 / (1 + np.exp(-(brightness - 120) / 20))
    return np.stack([1 - of_one, of_one], axis=1)


def one_patch(images: np.ndarray) -> np.ndarray:
    return of_brightness(images[:, 4:8, 8:12].mean(axis=(1, 2, 3)))


def a_number(images: np.ndarray) -> np.ndarray:
    """(N, 1): the brightness of the one patch."""
    return images[:, 4:8, 8:12].mean(axis=(1, 2, 3))[:, None]


def never_looks(images: np.ndarray) -> np.ndarray:
    return np.tile([0.3, 0.7], (len(images), 1))


def test_a_model_that_never_looks_has_flat_curves_and_gains_nothing() -> None:
    patches = cut(PHOTOS, GRID, never_looks)
    importance = occlusion(patches)
    found, chance = in_order(patches, importance, steps=4), curves_by_chance(patches, steps=4)
    assert np.allclose(importance, 0)
    for flat in (found.deletion, found.insertion, chance.deletion, chance.insertion):
        np.testing.assert_allclose(flat, 1)
    np.testing.assert_allclose(found.gain(chance), 0, atol=1e-12)


@pytest.mark.parametrize("rank", [occlusion, lambda patches: permutation(patches, 3)])
def test_the_one_patch_that_counts_is_found(rank: object) -> None:
    importance = rank(cut(PHOTOS, GRID, one_patch))  # type: ignore[operator]
    assert set(importance.argmax(axis=1)) == {LOOKED_AT}
    np.testing.assert_allclose(np.delete(importance, LOOKED_AT, axis=1), 0, atol=1e-12)


def test_of_a_number_its_change_counts_up_or_down_in_the_unit_of_all_candidates() -> None:
    patches = cut(PHOTOS, GRID, a_number, unit=50.0)
    importance = occlusion(patches)
    said = a_number(PHOTOS)[:, 0]
    np.testing.assert_allclose(importance[:, LOOKED_AT], np.abs(said - patches.blank.mean()) / 50)
    assert {5, 250} == set(said) and importance[:, LOOKED_AT].min() > 1, "down to 5 and up to 250, more than a unit"
    np.testing.assert_allclose(np.delete(importance, LOOKED_AT, axis=1), 0)
    assert set(permutation(patches, 3).argmax(axis=1)) == {LOOKED_AT}
    found = in_order(patches, importance, steps=GRID**2)
    np.testing.assert_allclose(found.deletion[:, 1:], patches.left_blank[:, None].repeat(16, axis=1))
    gains = found.gain(curves_by_chance(patches, GRID**2))
    assert gains.min() >= 0 and gains.mean() > 0.5
    assert patches.answers.described(0) == {"predicted": 5.0}


def test_the_right_order_falls_and_rises_at_the_first_step_and_beats_chance() -> None:
    patches = cut(PHOTOS, GRID, one_patch)
    found = in_order(patches, occlusion(patches), steps=GRID**2)
    left = patches.left_blank[:, None]
    np.testing.assert_allclose(found.deletion, np.where(np.arange(17) == 0, 1, left))
    np.testing.assert_allclose(found.insertion, np.where(np.arange(17) == 0, left, 1))
    assert found.gain(curves_by_chance(patches, GRID**2)).mean() > 0.1


def test_the_wrong_order_is_as_much_worse_than_chance() -> None:
    patches = cut(PHOTOS, GRID, one_patch)
    chance, right = curves_by_chance(patches, 8), occlusion(patches)
    assert (
        in_order(patches, -right, 8).gain(chance).mean() < -0.1 < 0.1 < in_order(patches, right, 8).gain(chance).mean()
    )


def test_only_the_models_own_ranking_is_asked_of_it_alone() -> None:
    asked: list[int] = []

    def alone(images: np.ndarray) -> np.ndarray:
        asked.append(len(images))
        return one_patch(images)

    patches = cut(PHOTOS, GRID, one_patch, alone)
    ranking = occlusion(patches)
    permutation(patches, 2)
    curves_by_chance(patches, steps=4)
    assert not asked
    found = in_order(patches, ranking, steps=4)
    assert sum(asked) == 2 * 3 * len(PHOTOS)
    np.testing.assert_array_equal(found.deletion, in_order(cut(PHOTOS, GRID, one_patch), ranking, 4).deletion)


def test_areas_lie_between_those_of_all_and_nothing() -> None:
    patches = cut(PHOTOS, GRID, one_patch)
    found = in_order(patches, occlusion(patches), steps=2)  # half of the patches at once
    expected = (1 + patches.left_blank) / 2 * 0.5 + patches.left_blank * 0.5
    np.testing.assert_allclose(found.deletion_area, expected)


def test_a_photo_without_patches_is_the_same_for_all() -> None:
    patches = cut(PHOTOS, GRID, one_patch)
    empty = patches.shown(np.zeros((12, 16), dtype=bool))
    assert len(np.unique(empty.reshape(-1, 3), axis=0)) == 1
    np.testing.assert_array_equal(patches.shown(np.ones((12, 16), dtype=bool)), PHOTOS)


def test_sides_that_do_not_divide_are_cut_into_patches_all_the_same() -> None:
    photos = RANDOM.integers(0, 256, (2, 10, 10, 3), dtype=np.uint8)
    patches = cut(photos, 4, never_looks)
    parts = [patches.shown(np.arange(16)[None, :].repeat(2, axis=0) == patch) for patch in range(16)]
    changed = sum((part != patches.blank).any(axis=-1).astype(int) for part in parts)
    assert (changed[(photos != patches.blank).any(axis=-1)] == 1).all(), "every pixel lies in just one patch"


def test_exchanged_patches_come_from_other_photos() -> None:
    patches = cut(PHOTOS, GRID, never_looks)
    exchanged = patches.exchanged(LOOKED_AT, np.roll(PHOTOS, 1, axis=0))
    np.testing.assert_array_equal(exchanged[3, 4:8, 8:12], PHOTOS[2, 4:8, 8:12])
    exchanged[:, 4:8, 8:12] = PHOTOS[:, 4:8, 8:12]
    np.testing.assert_array_equal(exchanged, PHOTOS)


@pytest.mark.parametrize(
    "rank", [occlusion, lambda patches: permutation(patches, 2), lambda patches: curves_by_chance(patches, 4)]
)
def test_versions_are_put_to_the_model_together_and_never_too_many(
    rank: Callable[[Patches], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def counted(images: np.ndarray) -> np.ndarray:
        calls.append(len(images))
        return one_patch(images)

    together = rank(cut(PHOTOS, GRID, counted))
    assert len(calls) <= 2, "one for the whole and the empty photos, one for all others"
    monkeypatch.setattr(patches_module, "AT_ONCE", 30)
    calls.clear()
    apart = rank(cut(PHOTOS, GRID, counted))
    assert max(calls) <= 30 and len(calls) > 2
    np.testing.assert_array_equal(numbers(together), numbers(apart))


def numbers(found: Any) -> Any:
    return np.stack([found.deletion, found.insertion]) if isinstance(found, Curves) else found
