"""A folder of photos is read in either shape; what cannot be learnt from is refused with the way out."""

from __future__ import annotations

import logging
import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.configuration.own_data import source_faults
from pipeline.datasets.photos.folders import FolderError, Photo
from pipeline.datasets.photos.labels.classes import check_counts, describe_classes
from pipeline.datasets.photos.listing import list_photos, list_source
from pipeline.params.data import Data

Build = Callable[[dict[str, list[int]]], Path]


def test_class_folders_are_read_in_the_order_of_their_paths(folder_of: Build) -> None:
    folder = folder_of({"Pear": [0], "Apple": [1, 2]})
    listing = list_photos(folder)
    assert listing.files == [folder / photo.example for photo in listing.photos]
    assert listing.photos == [
        Photo("Apple/0.png", None, "Apple"),
        Photo("Apple/1.png", None, "Apple"),
        Photo("Pear/0.png", None, "Pear"),
    ]


def test_splits_with_class_folders_are_read(folder_of: Build) -> None:
    folder = folder_of({"train/Pear": [0], "train/Apple": [1], "val/Pear": [2], "test/Apple": [3]})
    assert [(photo.example, photo.split, photo.class_name) for photo in list_photos(folder).photos] == [
        ("test/Apple/0.png", "test", "Apple"),
        ("train/Apple/0.png", "train", "Apple"),
        ("train/Pear/0.png", "train", "Pear"),
        ("val/Pear/0.png", "val", "Pear"),
    ]


def test_photos_in_deeper_folders_belong_to_their_class_and_hidden_files_to_none(folder_of: Build) -> None:
    folder = folder_of({"Pear": [0], "Apple/2023/garden": [1], "Apple/.thumbnails": [2], ".git/objects": [3]})
    (folder / "Pear" / ".DS_Store").write_bytes(b"x")
    assert [photo.example for photo in list_photos(folder).photos] == ["Apple/2023/garden/0.png", "Pear/0.png"]


def test_the_only_folder_of_a_folder_is_entered_as_that_of_an_archive_is(
    folder_of: Build, caplog: pytest.LogCaptureFixture
) -> None:
    folder = folder_of({"download/dataset/train/Pear": [0], "download/dataset/train/Apple": [1]})
    (folder / "README.md").write_text("about")
    (folder / "download" / "LICENSE").write_text("free")
    settings = Data(fetch=[], path=str(folder), image_size=96, test_fraction=0.25, limit=None, seed=0)
    caplog.set_level("INFO", "kiyas")
    listing = list_source(settings, folder / "unused")
    assert [(photo.example, photo.split) for photo in listing.photos] == [
        ("train/Apple/0.png", "train"),
        ("train/Pear/0.png", "train"),
    ]
    assert "the photos are those in download/dataset within it" in caplog.text
    assert list(source_faults(settings, Path("params.yaml"))) == []
    shutil.rmtree(folder / "download/dataset/train/Pear")
    with pytest.raises(FolderError, match=f"^{folder}/download/dataset: only one class with photos, 'Apple'"):
        list_source(settings, folder / "unused")


def test_a_class_may_be_called_train(folder_of: Build) -> None:
    folder = folder_of({"train": [0], "bus": [1]})
    assert [photo.class_name for photo in list_photos(folder).photos] == ["bus", "train"]


def test_a_class_that_only_validation_has_is_learnt(folder_of: Build) -> None:
    folder = folder_of({"train/Pear": [0], "val/Apple": [1]})
    assert {photo.class_name for photo in list_photos(folder).photos} == {"Apple", "Pear"}


@pytest.mark.parametrize(
    ("folders", "says"),
    [
        ({}, "has no class folders; make one sub-folder a class"),
        ({"Pear": [0]}, "only one class with photos, 'Pear'"),
        ({"Pear": [], "Apple": []}, "no photo in any class folder"),
        ({"train/Pear": [0], "train/Apple": [1], "test/Quince": [2]}, "Quince: in test/ but not in train/"),
        ({"train/Pear": [0], "train/Apple": [1], "Quince": [2]}, "holds Quince, train: splits are called train, val"),
        ({"Train/Pear": [0], "Train/Apple": [1], "Test/Pear": [2]}, "holds Test, Train: splits are called train, val"),
        ({"train/Pear": [0], "validation/Pear": [1]}, "holds train, validation: splits are called"),
        ({"val/Pear": [0], "test/Pear": [1]}, "train must be there"),
        ({"train": [0], "test": [1]}, "has no class folders; put its photos into one sub-folder a class"),
    ],
)
def test_what_is_no_folder_of_labelled_photos_is_refused(
    folder_of: Build, tmp_path: Path, folders: dict[str, list[int]], says: str
) -> None:
    (tmp_path / "photos").mkdir(exist_ok=True)
    with pytest.raises(FolderError) as raised:
        list_photos(folder_of(folders))
    assert says in str(raised.value)
    assert "photos" in str(raised.value)


def test_a_folder_that_is_not_there_names_the_parameter(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match=r"nowhere: there is no such folder; correct data.path in params.yaml"):
        list_photos(tmp_path / "nowhere")


def test_files_beside_the_class_folders_are_told_of(folder_of: Build, caplog: pytest.LogCaptureFixture) -> None:
    folder = folder_of({"Pear": [0], "Apple": [1]})
    (folder / "labels.csv").write_text("a", encoding="utf-8")
    with caplog.at_level(logging.WARNING, "kiyas"):
        list_photos(folder)
    assert "a file beside the class folders is not used: labels.csv" in caplog.text
    (folder / "more.csv").touch()
    with caplog.at_level(logging.WARNING, "kiyas"):
        list_photos(folder)
    assert "2 files beside the class folders are not used, such as labels.csv" in caplog.text


def test_names_in_any_letters_are_kept_and_those_in_none_are_spelt_out(folder_of: Build) -> None:
    folder = folder_of({"Pear": [0, 1], "Çilek ağacı": [2], "苹果": [3]})
    (folder / "Pear" / "0.png").rename(folder / "Pear" / "\udcfe.png")
    listing = list_photos(folder)
    assert [photo.example for photo in listing.photos] == [
        "Pear/1.png",
        "Pear/\\udcfe.png",
        "Çilek ağacı/0.png",
        "苹果/0.png",
    ]
    assert all(file.is_file() for file in listing.files)


def test_a_class_is_one_however_its_letters_are_composed(folder_of: Build) -> None:
    """macOS writes ç as c and a cedilla, others as one letter; both may stand in one folder."""
    folder = folder_of({"train/\u00e7ilek": [0], "test/c\u0327ilek": [1], "train/Pear": [2]})
    assert {photo.class_name for photo in list_photos(folder).photos} == {"\u00e7ilek", "Pear"}


def test_classes_that_differ_in_case_alone_are_refused(folder_of: Build) -> None:
    with pytest.raises(FolderError, match="classes Pear and pear differ in case alone"):
        list_photos(folder_of({"Pear": [0], "pear": [1], "Apple": [2]}))


def test_files_that_differ_in_case_alone_are_two(folder_of: Build) -> None:
    folder = folder_of({"Pear": [0], "Apple": [1]})
    (folder / "Pear" / "0.PNG").write_bytes(b"x")
    assert len(list_photos(folder).photos) == 3


def test_links_are_read_within_the_folder_only(folder_of: Build, tmp_path: Path) -> None:
    folder = folder_of({"Pear": [0], "Apple": [1]})
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret.png").write_bytes(b"x")
    for name, target in {
        "inside.png": folder / "Pear" / "0.png",
        "nowhere.png": folder / "gone.png",
        "itself.png": folder / "Apple" / "itself.png",
        "outside.png": tmp_path / "elsewhere" / "secret.png",
        "folder": tmp_path / "elsewhere",
        "sibling": folder / "Pear",
    }.items():
        (folder / "Apple" / name).symlink_to(target)
    (folder / "Quince").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(folder / "Apple" / "pipe")
    listing = list_photos(folder)
    assert [photo.example for photo in listing.photos] == ["Apple/0.png", "Apple/inside.png", "Pear/0.png"]
    assert {(row.example, row.reason) for row in listing.left_out} == {
        ("Apple/nowhere.png", "is a link that leads nowhere"),
        ("Apple/itself.png", "is a link that leads nowhere"),
        ("Apple/outside.png", "is a link out of the folder"),
        ("Apple/folder", "is a link out of the folder"),
        ("Apple/sibling", "is a link to a folder"),
        ("Apple/pipe", "is no regular file"),
        ("Quince", "is a link out of the folder"),
    }


def test_classes_with_too_few_photos_are_all_named() -> None:
    development = Counter({"Apple": 4, "Pear": 9})
    with pytest.raises(FolderError, match=r"Apple has 4, Quince has 0; each class needs at least 5"):
        check_counts(Path("photos"), ["Apple", "Pear", "Quince"], development, Counter(Pear=3))


def test_a_test_split_without_usable_photos_is_refused() -> None:
    with pytest.raises(FolderError, match="the test split has no usable photo"):
        check_counts(Path("photos"), ["Apple", "Pear"], Counter(Apple=9, Pear=9), Counter())


def test_a_class_that_the_test_split_lacks_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "kiyas"):
        check_counts(Path("photos"), ["Apple", "Pear"], Counter(Apple=9, Pear=9), Counter(Pear=1))
    assert "no test photo of Apple" in caplog.text


def test_what_network_storage_and_tools_add_is_no_class_and_no_photo(folder_of: Build) -> None:
    folder = folder_of({"Pear": [0], "Apple": [1], "@eaDir/Pear": [2], "#recycle": [3], "Pear/@eaDir": [4]})
    (folder / "Apple" / "Thumbs.db").write_bytes(b"x")
    listing = list_photos(folder)
    assert [photo.example for photo in listing.photos] == ["Apple/0.png", "Pear/0.png"] and not listing.left_out


def test_a_folder_without_photos_is_no_class_and_is_told(folder_of: Build, caplog: pytest.LogCaptureFixture) -> None:
    folder = folder_of({"Pear": [0], "Apple": [1], "empty": []})
    (folder / "annotations").mkdir()
    for number in range(3):
        (folder / "annotations" / f"{number}.xml").write_text("<a/>")
    with caplog.at_level(logging.WARNING, "kiyas"):
        listing = list_photos(folder)
    assert {photo.class_name for photo in listing.photos} == {"Apple", "Pear"}
    assert "annotations holds no photos (3 files, .xml) and is not taken for a class" in caplog.text
    assert "empty holds no photos (it is empty)" in caplog.text
    assert {row.reason for row in listing.left_out} == {"is no photo, in a folder without any"}


def test_classes_two_folders_down_are_told(folder_of: Build) -> None:
    folder = folder_of({"data/fruits/Pear": [0], "data/fruits/Apple": [1]})
    with pytest.raises(FolderError, match=r"\(are Apple, Pear the classes\? then name the folder data/fruits in data"):
        list_photos(folder)


def test_what_a_folder_without_class_folders_holds_is_told(
    folder_of: Build, photo: Callable[[Path, int], Path]
) -> None:
    folder = folder_of({})
    folder.mkdir(exist_ok=True)
    photo(folder / "cat.1.png", 0)
    photo(folder / "dog.1.png", 1)
    with pytest.raises(FolderError, match=r"or name the table .* in data\.labels \(2 photos lie in it, as cat\.1\.png"):
        list_photos(folder)
    (folder / "photos.zip").touch()
    with pytest.raises(FolderError, match=r"has no class folders; .* \(it holds photos\.zip: unpack that\)"):
        list_photos(folder)


def test_images_beside_annotations_are_told_where_the_classes_may_be(folder_of: Build) -> None:
    folder = folder_of({"images/cat": [0], "images/dog": [1]})
    (folder / "annotations").mkdir()
    (folder / "annotations" / "all.json").write_text("{}")
    with pytest.raises(
        FolderError, match=r"only one class with photos, 'images'.*\(are cat, dog the classes\? then name"
    ):
        list_photos(folder)


def test_a_photo_is_known_by_its_first_bytes_where_its_name_says_nothing(folder_of: Build) -> None:
    folder = folder_of({"Pear": [0], "Apple": [1]})
    (folder / "Pear" / "0.png").rename(folder / "Pear" / "no ending")
    assert {photo.class_name for photo in list_photos(folder).photos} == {"Apple", "Pear"}


@pytest.mark.parametrize("alike", [("New York", "New  York"), ("Straße", "STRASSE"), ("1", "1.0")])
def test_classes_that_differ_in_spelling_alone_are_refused_with_their_counts(
    folder_of: Build, alike: tuple[str, str]
) -> None:
    with pytest.raises(FolderError, match=r"differ in case(, blanks or spelling)? alone \([12] photos, [12] photos\)"):
        list_photos(folder_of({alike[0]: [0, 1], alike[1]: [2], "Apple": [3]}))


def test_classes_are_told_with_their_counts(folder_of: Build) -> None:
    photos = list_photos(folder_of({"train/Pear": [0, 1], "train/Apple": [2], "test/Pear": [3]})).photos
    assert describe_classes(photos) == "2 classes: Apple 1, Pear 3 (1 in test)"
    assert describe_classes(photos, most=1) == "2 classes: Apple 1 and 1 more"
