"""Every picture is left once, under one label, and none in development and test."""

from __future__ import annotations

from pipeline.datasets.photos.folders import Photo
from pipeline.datasets.photos.leakage import (
    CONTRADICTS,
    EARLIER,
    GROUP_IN_TEST,
    IN_TEST,
    NEARLY,
    OTHER_SIDE,
    TWICE,
    TWO_LABELS,
    find_copies,
    find_divided_groups,
    find_near_copies,
    find_on_other_side,
)


def photo(example: str, split: str | None = None, root: int = 0) -> Photo:
    """ "train/Pear/0.png" or "Pear/0.png"."""
    parts = example.split("/")
    return Photo(example, split or (parts[0] if len(parts) == 3 else None), parts[-2], root=root)


def left_out(**pictures: str) -> list[tuple[str, str, str]]:
    """Examples by picture, `a="train/Pear/0 test/Pear/1"` → (example, reason, duplicate_of) of what goes."""
    pairs = [(photo(example), picture) for picture, examples in pictures.items() for example in examples.split()]
    photos = [one for one, _ in pairs]
    found = find_copies(photos, [picture for _, picture in pairs])
    assert all(photos[row].example == gone.example for row, gone in found.items())
    return sorted((row.example, row.reason, row.duplicate_of) for row in found.values())


def test_different_pictures_all_stay() -> None:
    assert left_out(a="train/Pear/0", b="train/Pear/1", c="test/Pear/0") == []


def test_of_copies_within_a_split_the_first_stays() -> None:
    assert left_out(a="test/Pear/0 test/Pear/7 test/Pear/3") == [
        ("test/Pear/3", TWICE, "test/Pear/0"),
        ("test/Pear/7", TWICE, "test/Pear/0"),
    ]


def test_a_picture_in_training_and_test_stays_in_test() -> None:
    assert left_out(a="train/Pear/0 test/Pear/5") == [("train/Pear/0", IN_TEST, "test/Pear/5")]
    assert left_out(a="val/Pear/0 test/Pear/5 train/Pear/9 test/Pear/6") == [
        ("test/Pear/6", TWICE, "test/Pear/5"),
        ("train/Pear/9", IN_TEST, "test/Pear/5"),
        ("val/Pear/0", IN_TEST, "test/Pear/5"),
    ]


def test_that_does_not_hang_on_the_order_of_the_names() -> None:
    found = find_copies([photo("Pear/0", "train"), photo("Pear/1", "test")], ["a", "a"])
    assert [(row.example, row.reason, row.split) for row in found.values()] == [("Pear/0", IN_TEST, "train")]


def test_training_and_validation_together_are_one_split() -> None:
    assert left_out(a="val/Pear/0 train/Pear/0") == [("val/Pear/0", TWICE, "train/Pear/0")]


def test_folders_without_splits_lose_their_copies_before_a_test_split_is_drawn() -> None:
    assert left_out(a="Pear/0 Pear/1") == [("Pear/1", TWICE, "Pear/0")]


def test_a_picture_under_two_labels_goes_altogether() -> None:
    assert left_out(a="train/Pear/0 test/Apple/0", b="train/Pear/1") == [
        ("test/Apple/0", TWO_LABELS, "train/Pear/0"),
        ("train/Pear/0", TWO_LABELS, "test/Apple/0"),
    ]


def test_unreadable_files_are_not_copies_of_each_other() -> None:
    assert find_copies([photo("train/Pear/0"), photo("train/Pear/1")], [None, None]) == {}


def later(*photos: tuple[str, int]) -> list[tuple[str, str, str]]:
    """One picture under these names, each with the number of its root → what goes."""
    found = find_copies([photo(example, root=root) for example, root in photos], ["a"] * len(photos))
    return sorted((row.example, row.reason, row.duplicate_of) for row in found.values())


def test_a_newcomer_that_repeats_goes_whatever_its_side() -> None:
    assert later(("train/Pear/5", 0), ("test/Pear/0", 1)) == [("test/Pear/0", EARLIER, "train/Pear/5")]
    assert later(("test/Pear/5", 1), ("train/Pear/0", 2)) == [("train/Pear/0", EARLIER, "test/Pear/5")]


def test_a_newcomer_that_contradicts_goes_alone() -> None:
    assert later(("test/Pear/5", 0), ("train/Apple/0", 1)) == [("train/Apple/0", CONTRADICTS, "test/Pear/5")]


def test_what_disputes_itself_takes_newcomers_along() -> None:
    assert later(("train/Apple/0", 0), ("train/Pear/0", 0), ("train/Pear/1", 1)) == [
        ("train/Apple/0", TWO_LABELS, "train/Pear/0"),
        ("train/Pear/0", TWO_LABELS, "train/Apple/0"),
        ("train/Pear/1", CONTRADICTS, "train/Apple/0"),
    ]


def near(photos: list[Photo], *pairs: tuple[int, int]) -> list[tuple[str, str, str]]:
    found = find_near_copies(photos, pairs)
    assert all(photos[row].example == gone.example for row, gone in found.items())
    return sorted((row.example, row.reason, row.duplicate_of) for row in found.values())


def test_near_copies_go_by_the_same_rules() -> None:
    photos = [photo("train/Pear/0"), photo("test/Pear/0"), photo("train/Apple/0"), photo("train/Apple/1")]
    assert near(photos, (0, 1)) == [("train/Pear/0", NEARLY[IN_TEST], "test/Pear/0")]
    assert near(photos, (2, 3)) == [("train/Apple/1", NEARLY[TWICE], "train/Apple/0")]
    assert near(photos, (1, 2)) == [
        ("test/Pear/0", NEARLY[TWO_LABELS], "train/Apple/0"),
        ("train/Apple/0", NEARLY[TWO_LABELS], "test/Pear/0"),
    ]


def test_likeness_does_not_pass_on() -> None:
    """Of a series in which neighbours are alike, every second one stays: each that goes is like one that stays."""
    photos = [photo(f"train/Pear/{number}") for number in range(5)]
    assert near(photos, (0, 1), (1, 2), (2, 3), (3, 4)) == [
        ("train/Pear/1", NEARLY[TWICE], "train/Pear/0"),
        ("train/Pear/3", NEARLY[TWICE], "train/Pear/2"),
    ]


def test_a_newcomer_nearly_like_something_older_goes() -> None:
    photos = [photo("train/Pear/0"), photo("test/Pear/0", root=1), photo("train/Apple/0", root=1)]
    assert near(photos, (0, 1), (0, 2)) == [
        ("test/Pear/0", NEARLY[EARLIER], "train/Pear/0"),
        ("train/Apple/0", NEARLY[CONTRADICTS], "train/Pear/0"),
    ]


def test_photos_whose_group_stands_in_test_leave_training() -> None:
    photos = [
        Photo("a", "train", "Pear", group="tree 1"),
        Photo("b", "test", "Pear", group="tree 1"),
        Photo("c", "test", "Pear", group="tree 2"),
        Photo("d", "train", "Pear"),
        Photo("e", "val", "Pear", group="tree 3"),
    ]
    (gone,) = find_divided_groups(photos, range(5)).values()
    assert (gone.example, gone.reason, gone.duplicate_of) == ("a", GROUP_IN_TEST, "b")
    assert find_divided_groups(photos, [0, 2, 3, 4]) == {}


def test_later_photos_leave_whose_group_is_on_the_other_side_by_now() -> None:
    photos = [
        Photo("own/a.png", None, "1.5", "tree 1"),
        Photo("own/b.png", None, "2.5", "tree 2"),
        Photo("own/c.png", None, "3.5"),
        Photo("batch/train/d.png", "train", "4.5", "tree 1", 1),
        Photo("batch/test/e.png", "test", "5.5", "tree 1", 1),
        Photo("batch/train/f.png", "train", "6.5", "tree 2", 1),
        Photo("batch/test/g.png", "test", "7.5", "tree 3", 1),
        Photo("batch/test/h.png", "test", "8.5", None, 1),
    ]
    gone = find_on_other_side(photos, range(3, 8), {"development": [0, 2], "test": [1]})
    assert {row: (left.reason, left.duplicate_of) for row, left in gone.items()} == {
        4: (OTHER_SIDE, "own/a.png"),
        5: (OTHER_SIDE, "own/b.png"),
    }
    assert find_divided_groups(photos, range(4)) == {}
    assert find_divided_groups(photos, [0, 3, 4]).keys() == {3}, "what has its test drawn does not leave for a batch"
