"""Every picture is left once, under one label, and none in development and test."""

from __future__ import annotations

from pipeline.datasets.folders import Photo
from pipeline.datasets.leakage import IN_TEST, TWICE, TWO_LABELS, find_duplicates


def photo(example: str, split: str | None = None) -> Photo:
    """ "train/Pear/0.png" or "Pear/0.png"."""
    parts = example.split("/")
    return Photo(example, split or (parts[0] if len(parts) == 3 else None), parts[-2])


def left_out(**pictures: str) -> list[tuple[str, str, str]]:
    """Examples by picture, `a="train/Pear/0 test/Pear/1"` → (example, reason, duplicate_of) of what goes."""
    pairs = [(photo(example), picture) for picture, examples in pictures.items() for example in examples.split()]
    found = find_duplicates([one for one, _ in pairs], [picture for _, picture in pairs])
    return [(row.example, row.reason, row.duplicate_of) for row in found]


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
    found = find_duplicates([photo("Pear/0", "train"), photo("Pear/1", "test")], ["a", "a"])
    assert [(row.example, row.reason, row.split) for row in found] == [("Pear/0", IN_TEST, "train")]


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
    assert find_duplicates([photo("train/Pear/0"), photo("train/Pear/1")], [None, None]) == []
