"""Alterations: which ones params.yaml asks for, and that moving a photo loses nothing of it."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.evaluation.measures.alterations import Alteration, chosen_alterations
from pipeline.params.evaluation import Robustness
from pipeline.params.schema.reading import ParamsError

PHOTOS = np.random.default_rng(1).integers(0, 256, (5, 8, 8, 3), dtype=np.uint8)
MOVES = [Alteration("shift", 3), Alteration("mirror")]


def names(**settings: object) -> list[str]:
    return [one.name for one in chosen_alterations(Robustness(examples=1, **settings), 96)]


def test_every_corruption_comes_in_every_severity() -> None:
    assert names(shifts=[2], corruptions=["fog", "contrast"], severities=[1, 4]) == [
        "shift_2",
        "mirror",
        "fog_1",
        "fog_4",
        "contrast_1",
        "contrast_4",
    ]


def test_shifts_by_more_than_half_a_side_are_others_and_left_out() -> None:
    settings = Robustness(examples=1, shifts=[1, 8, 9, 16], mirror=False, corruptions=[])
    assert [one.name for one in chosen_alterations(settings, 16)] == ["shift_1", "shift_8"]
    assert len(chosen_alterations(settings, 32)) == 4


def test_each_part_can_be_switched_off() -> None:
    assert names(shifts=[], mirror=False, corruptions=[]) == []
    assert names(shifts=[], corruptions=[]) == ["mirror"]


def test_a_corruption_that_does_not_exist_is_refused() -> None:
    settings = Robustness(examples=1).model_copy(update={"corruptions": ["fog", "frost"]})
    with pytest.raises(ParamsError, match=r"corruptions\[1\] = 'frost'"):
        chosen_alterations(settings, 96)


@pytest.mark.parametrize("alteration", MOVES)
def test_a_moved_photo_has_the_same_pixels_elsewhere(alteration: Alteration) -> None:
    moved = alteration.of(PHOTOS)
    assert alteration.moves_only
    for before, after in zip(PHOTOS, moved, strict=True):
        assert not np.array_equal(before, after)
        pixels = [np.sort(photo.reshape(-1, 3).view("u1,u1,u1").ravel()) for photo in (before, after)]
        np.testing.assert_array_equal(*pixels)


def test_photos_are_shifted_left_right_up_and_down_in_turn() -> None:
    moved = Alteration("shift", 3).of(PHOTOS)
    np.testing.assert_array_equal(moved[0][:, :-3], PHOTOS[0][:, 3:])
    np.testing.assert_array_equal(moved[1][:, 3:], PHOTOS[1][:, :-3])
    np.testing.assert_array_equal(moved[2][:-3], PHOTOS[2][3:])
    np.testing.assert_array_equal(moved[3][3:], PHOTOS[3][:-3])
    np.testing.assert_array_equal(moved[4][:, :-3], PHOTOS[4][:, 3:])


def test_a_mirrored_photo_is_itself_when_mirrored_again() -> None:
    mirror = Alteration("mirror")
    np.testing.assert_array_equal(mirror.of(mirror.of(PHOTOS)), PHOTOS)
    np.testing.assert_array_equal(mirror.of(PHOTOS)[0, 2, 0], PHOTOS[0, 2, -1])
