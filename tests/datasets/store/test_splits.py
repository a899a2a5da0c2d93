"""Splits are a function of labels and seed: nobody is lost, nobody is on both sides, and classes keep their shares."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from pipeline.datasets.store.splits import (
    SplitError,
    draw_limited,
    draw_share,
    draw_test,
    draw_validation,
    quantile_strata,
)

LABELS = np.repeat(np.arange(4), [100, 60, 30, 10])[np.random.default_rng(0).permutation(200)]


@pytest.mark.parametrize("draw", [draw_validation, draw_test])
def test_every_example_is_on_exactly_one_side(draw: type[draw_test]) -> None:
    kept, drawn = draw(LABELS, 0.2, seed=3)
    assert sorted([*kept, *drawn]) == list(range(200))
    assert (kept.dtype, drawn.dtype) == (np.int64, np.int64)
    assert np.array_equal(drawn, np.sort(drawn))
    assert np.array_equal(kept, np.sort(kept))


def test_each_class_gives_its_share() -> None:
    _, drawn = draw_validation(LABELS, 0.2, seed=3)
    assert np.bincount(LABELS[drawn]).tolist() == [20, 12, 6, 2]


def test_shares_that_do_not_divide_still_add_up() -> None:
    labels = np.repeat(np.arange(10), 7)  # 1.4 of each class
    _, drawn = draw_validation(labels, 0.2, seed=0)
    assert len(drawn) == 14
    assert set(np.bincount(labels[drawn])) == {1, 2}


def test_a_rare_class_is_on_both_sides_and_a_single_example_in_training() -> None:
    labels = np.array([0] * 500 + [1] * 2 + [2])
    kept, drawn = draw_validation(labels, 0.1, seed=0)
    assert np.bincount(labels[kept]).tolist() == [451, 1, 1]
    assert np.bincount(labels[drawn], minlength=3).tolist() == [49, 1, 0]
    kept, drawn = draw_validation(labels, 0.9, seed=0)
    assert np.bincount(labels[kept]).tolist()[1:] == [1, 1]
    assert np.bincount(labels[drawn], minlength=3).tolist()[1:] == [1, 0]


def test_the_same_seed_draws_the_same_and_another_draws_another() -> None:
    first, again, other = (draw_validation(LABELS, 0.2, seed)[1] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_test_and_validation_are_drawn_independently() -> None:
    assert not np.array_equal(draw_validation(LABELS, 0.2, seed=1)[1], draw_test(LABELS, 0.2, seed=1)[1])


def test_examples_are_drawn_with_equal_chances() -> None:
    labels = np.repeat([0, 1], [30, 10])
    times = np.zeros(40)
    for seed in range(2000):
        times[draw_validation(labels, 0.2, seed)[1]] += 1
    assert abs(times / 2000 - 0.2).max() < 0.05


@pytest.mark.parametrize("draw", [draw_validation, draw_test])
def test_groups_stay_together(draw: type[draw_test]) -> None:
    groups = np.arange(200) // 4
    kept, drawn = draw(LABELS, 0.25, 5, groups)
    assert not set(groups[kept]) & set(groups[drawn])
    assert sorted([*kept, *drawn]) == list(range(200))
    assert 35 <= len(drawn) <= 65


@pytest.mark.parametrize(
    ("draw", "digests"),
    [
        (draw_validation, ["95b234f8150728c8", "d402ec9a0d9fa1df", "ac93f9128e12fd35"]),
        (draw_test, ["dca9f743eea4f2a3", "652ab805703cec27", "88b30252e3056aa3"]),
    ],
)
def test_splits_without_groups_are_those_that_were_always_drawn(draw: type[draw_test], digests: list[str]) -> None:
    """All that was trained before rests on them."""
    for seed, digest in enumerate(digests):
        rows = b"".join(side.astype("<i8").tobytes() for side in draw(LABELS, 0.2, seed))
        assert hashlib.sha256(rows).hexdigest()[:16] == digest


@pytest.mark.parametrize("seed", range(8))
def test_drawing_groups_leaves_every_class_to_training(seed: int) -> None:
    labels = np.array([0] * 40 + [1] * 4 + [2] * 4)
    groups = np.array([*np.repeat(np.arange(10), 4), 10, 10, 11, 11, 12, 12, 12, 12])  # class 2 is one group
    kept, drawn = draw_validation(labels, 0.3, seed, groups)
    assert set(labels[kept]) == {0, 1, 2}
    assert 2 not in labels[drawn]
    assert not set(groups[kept]) & set(groups[drawn])


@pytest.mark.parametrize("seed", range(20))
def test_drawing_groups_leaves_two_of_each_class_where_there_are(seed: int) -> None:
    labels = np.array([0] * 40 + [1] * 5)
    groups = np.array([*np.repeat(np.arange(20), 2), 20, 20, 20, 20, 21])  # the other class: four and one
    kept, drawn = draw_validation(labels, 0.2, seed, groups)
    assert np.bincount(labels[kept]).min() >= 2 and len(drawn)


def test_one_of_a_class_is_left_where_nothing_would_be_drawn_else() -> None:
    labels, groups = np.array([0] * 4 + [1] * 2), np.array([0, 0, 0, 1, 2, 3])
    for seed in range(5):
        kept, drawn = draw_validation(labels, 0.3, seed, groups)
        assert len(drawn) and set(labels[kept]) == {0, 1}


@pytest.mark.parametrize("fraction", [0.1, 0.3, 0.5, 0.7])
def test_groups_are_drawn_in_about_the_share_asked_for(fraction: float) -> None:
    labels, groups = np.tile([0, 1], 300), np.arange(600) // 5
    _, drawn = draw_test(labels, fraction, 0, groups)
    assert len(drawn) == pytest.approx(600 * fraction, abs=30)
    assert abs(np.diff(np.bincount(labels[drawn]))[0]) <= 10


PATIENTS = [60, 50, 45, 40, 35, 30, 25, 20, 15, 10, 8, 5]


def test_each_seed_draws_other_groups_also_where_they_differ_in_size() -> None:
    labels, groups = np.repeat(np.arange(12) % 3, PATIENTS), np.repeat(np.arange(12), PATIENTS)
    drawn = [draw_validation(labels, 0.2, seed, groups)[1] for seed in range(60)]
    assert len({rows.tobytes() for rows in drawn}) > 30
    assert np.mean([len(rows) for rows in drawn]) == pytest.approx(0.2 * len(labels), rel=0.25)
    assert max(len(rows) for rows in drawn) < 0.4 * len(labels)
    assert len({group for rows in drawn for group in groups[rows]}) == 12  # none is always or never drawn


def test_a_group_that_alone_has_a_class_keeps_no_other_from_being_drawn() -> None:
    labels, groups = np.repeat([0, 0, 1, 1, 2], 6), np.repeat(np.arange(5), 6)
    for seed in range(20):
        kept, drawn = draw_validation(labels, 0.2, seed, groups)
        assert set(groups[drawn]) < {0, 1, 2, 3} and len(drawn) and set(labels[kept]) == {0, 1, 2}


def test_a_group_that_alone_has_its_numbers_is_drawn_like_any_other() -> None:
    numbers, groups = np.repeat(np.arange(12.0), 4), np.repeat(np.arange(12), 4)
    strata = quantile_strata(numbers)
    draws = [draw_validation(strata, 0.25, seed, groups, of_classes=False)[1] for seed in range(40)]
    assert {group for rows in draws for group in groups[rows]} == set(range(12))
    assert all(len(rows) for rows in draws)


def test_some_are_left_whatever_the_share() -> None:
    kept, drawn = draw_test(np.zeros(20, np.int64), 0.9, 0, np.repeat([0, 1], 10))
    assert len(kept) == len(drawn) == 10


def test_classes_of_a_single_group_each_leave_nothing_to_validate_on() -> None:
    labels = np.repeat([0, 1, 2], 10)
    with pytest.raises(SplitError, match="each class stands in a single group"):
        draw_validation(labels, 0.2, 0, labels)
    assert not len(draw_test(labels, 0.2, 0, labels)[1]), "prepare says so by its own words"


def test_a_single_group_cannot_be_divided() -> None:
    with pytest.raises(SplitError, match="all 8 examples are of one group"):
        draw_test(np.array([0, 1] * 4), 0.25, 0, np.zeros(8))


def test_a_limit_is_shared_out_in_proportion() -> None:
    labels = np.repeat([0, 1, 2], [600, 300, 100])
    rows = draw_limited(labels, 400, seed=0)
    assert np.bincount(labels[rows]).tolist() == [240, 120, 40]
    assert np.array_equal(rows, np.unique(rows))


def test_a_limit_leaves_rare_classes_twenty_and_takes_them_from_the_others() -> None:
    labels = np.repeat([0, 1, 2], [900, 80, 12])
    assert np.bincount(labels[draw_limited(labels, 100, seed=0)]).tolist() == [68, 20, 12]


def test_a_limit_gives_way_to_twenty_of_each_class() -> None:
    labels = np.repeat(np.arange(14), 50)
    assert np.bincount(labels[draw_limited(labels, 28, seed=0)]).tolist() == [20] * 14


def test_a_limit_above_what_is_there_takes_all() -> None:
    assert np.array_equal(draw_limited(LABELS, 1000, seed=0), np.arange(200))


def test_a_smaller_share_of_the_training_rows_is_part_of_a_larger_one() -> None:
    train, val = draw_validation(LABELS, 0.2, seed=3)
    rows = [draw_validation(LABELS, 0.2, seed=3, share=share)[0] for share in (0.1, 0.3, 0.7)]
    assert [len(part) for part in rows] == [17, 47, 113]  # two of the rarest class, where a tenth would be one
    for smaller, larger in zip(rows, [*rows[1:], train], strict=True):
        assert set(smaller) < set(larger)
        assert np.array_equal(smaller, np.sort(smaller))
    assert all(np.array_equal(draw_validation(LABELS, 0.2, seed=3, share=share)[1], val) for share in (0.1, 0.7))


def test_a_share_keeps_two_examples_of_each_class_where_there_are() -> None:
    labels = np.array([0] * 100 + [1] * 3 + [2])
    kept = draw_share(labels, np.arange(104), 0.1, seed=0)
    assert np.bincount(labels[kept]).tolist() == [10, 2, 1]
    other = draw_share(labels, np.arange(104), 0.1, seed=1)
    assert not np.array_equal(kept, other)


def test_numbers_are_drawn_by_their_quantiles_so_that_both_sides_reach_from_end_to_end() -> None:
    numbers = np.random.default_rng(1).lognormal(sigma=1.5, size=200)
    strata = quantile_strata(numbers)
    assert np.bincount(strata).tolist() == [20] * 10
    assert (np.diff(strata[np.argsort(numbers)]) >= 0).all(), "strata follow the numbers"
    kept, drawn = draw_validation(strata, 0.2, seed=4)
    assert np.bincount(strata[drawn]).tolist() == [4] * 10
    assert len(kept) == 160


@pytest.mark.parametrize(
    ("numbers", "strata"),
    [
        ([3.0, 3.0, 3.0, 3.0, 3.0, 3.0], [0] * 6),
        ([1.0] * 15 + [2.0] * 5, [0] * 15 + [1] * 5),
        ([2.0, 1.0, 4.0], [0, 0, 0]),
    ],
)
def test_equal_numbers_and_few_of_them_make_fewer_strata_without_gaps(numbers: list[float], strata: list[int]) -> None:
    assert quantile_strata(np.array(numbers)).tolist() == strata
