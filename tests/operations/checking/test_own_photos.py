"""Own photos before anything is decoded: how many there are, how large, what will be left out, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from pipeline.datasets.photos.folders import FolderError, list_class_folders
from pipeline.operations.checking import own_photos
from pipeline.operations.checking.own_photos import describe_photos, look_at
from pipeline.params.data import Data


def photos(folder: Path, name: str, count: int, size: tuple[int, int] = (30, 20)) -> None:
    (folder / name).mkdir(parents=True)
    for number in range(count):
        Image.new("RGB", size).save(folder / name / f"{number}.png")


def settings(folder: Path, image_size: int = 16) -> Data:
    return Data(fetch=[], path=str(folder), image_size=image_size, test_fraction=0.25, limit=None, seed=0)


def told(folder: Path, image_size: int = 16) -> list[str]:
    return describe_photos(list_class_folders(folder), settings(folder, image_size))


def test_classes_sides_and_sizes_are_told(tmp_path: Path) -> None:
    photos(tmp_path, "Apple", 12, (640, 480))
    photos(tmp_path, "Pear", 8)
    assert told(tmp_path) == [
        "2 classes: Apple 12, Pear 8",
        "15 to learn from, 5 to test on (data.test_fraction: 0.25), less those that repeat another",
        "30×20 to 640×480 pixels, half of them 640×480 or larger; each becomes 16×16 (data.image_size)",
        "data.image_size: 224 would keep finer detail, for about 196.0 times the time and disk",
    ]


def test_of_photos_of_one_height_the_narrowest_and_the_widest_are_told(tmp_path: Path) -> None:
    for number, width in enumerate((218, 150, 185, 229)):
        for name in "ab":
            photos(tmp_path, f"{name}{number}", 8, (width, 140))
    assert any("150×140 to 229×140 pixels, half of them 218×140 or larger" in line for line in told(tmp_path))


def test_a_test_split_of_the_folder_s_own_is_counted_as_such(tmp_path: Path) -> None:
    for split, count in (("train", 6), ("test", 2)):
        photos(tmp_path / split, "Apple", count)
        photos(tmp_path / split, "Pear", count)
    assert told(tmp_path)[1].startswith("12 to learn from, 4 to test on (the folder's own test split)")


def test_photos_that_are_enlarged_are_told(tmp_path: Path) -> None:
    photos(tmp_path, "Apple", 8)
    photos(tmp_path, "Pear", 8)
    assert told(tmp_path, image_size=96)[-1] == (
        "most are smaller than data.image_size and are enlarged; 20 would cost less and lose nothing"
    )


def test_what_is_no_photo_is_told_with_its_reason_and_counts_for_no_class(tmp_path: Path) -> None:
    photos(tmp_path, "Apple", 8)
    photos(tmp_path, "Pear", 8)
    (tmp_path / "Pear" / "empty.jpg").touch()
    lines = told(tmp_path)
    assert lines[0] == "2 classes: Apple 8, Pear 8"
    assert lines[-1] == "left out 1: Pear/empty.jpg is empty; copy them anew"


def test_a_class_that_is_too_small_to_learn_is_refused_as_prepare_refuses_it(tmp_path: Path) -> None:
    photos(tmp_path, "Apple", 8)
    photos(tmp_path, "Pear", 4)
    for number in range(4):
        (tmp_path / "Pear" / f"broken-{number}.jpg").write_text("none")
    with pytest.raises(
        FolderError, match=r"too few usable photos to learn from: Pear has 3(.|\n)*left out 4: Pear/broken"
    ):
        told(tmp_path)


def test_of_many_files_some_stand_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_photos, "LOOKED_AT", 6)
    photos(tmp_path, "Apple", 10)
    photos(tmp_path, "Pear", 10)
    (tmp_path / "Apple" / "0.png").write_text("none")  # the first of all
    looked = look_at(list_class_folders(tmp_path))
    assert (len(looked.sizes), list(looked.failures), looked.whole) == (5, [0], False)
    assert told(tmp_path)[-1].endswith("of the 6 files that were looked at")
