"""A table of paths and labels is read as people write it; a row that leads nowhere is left out, with its reason."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from pipeline.datasets.photos.folders import FolderError, Photo, Quarantined
from pipeline.datasets.photos.label_table import list_labelled, read_label_table
from pipeline.datasets.photos.listing import list_batches
from pipeline.params.data import Labels

MakePhoto = Callable[[Path, int], Path]
LABELS = Labels(file="labels.csv")


@pytest.fixture
def photos(tmp_path: Path, photo: MakePhoto) -> Path:
    """A folder with four photos; tests add the table."""
    folder = tmp_path / "photos"
    for number, name in enumerate(("a.png", "b c.png", "deep/ağaç.png", "苹果.png")):
        photo(folder / name, number)
    return folder


def listed(folder: Path, content: str, labels: Labels = LABELS) -> list[tuple[str, str]]:
    (folder / labels.file).write_text(content, encoding="utf-8")
    return [(photo.example, photo.class_name) for photo in list_labelled(folder, labels).photos]


def left_out(folder: Path, *rows: str) -> set[tuple[str, str]]:
    """What is left out of a table with two good rows and these."""
    (folder / "labels.csv").write_text(
        "\n".join(["path,label", "a.png,Pear", "苹果.png,Apple", *rows]), encoding="utf-8"
    )
    listing = list_labelled(folder, LABELS)
    assert {photo.example for photo in listing.photos} <= {"a.png", "苹果.png"}
    return {(row.example, row.reason) for row in listing.left_out}


def test_paths_and_labels_are_read_sorted_by_path(photos: Path) -> None:
    content = "path,label\n苹果.png,Apple\nb c.png,Pear\ndeep/ağaç.png,Ağaç\n"
    assert listed(photos, content) == [("b c.png", "Pear"), ("deep/ağaç.png", "Ağaç"), ("苹果.png", "Apple")]
    listing = list_labelled(photos, LABELS)
    assert listing.files == [photos / photo.example for photo in listing.photos]


def test_columns_have_the_names_that_the_parameters_say(photos: Path) -> None:
    table = "patient;file;kind;part\n7;a.png;ill;Train\n8;b c.png;well;test\n7;苹果.png;well;train\n"
    labels = Labels(file="labels.csv", path="file", label="kind", split="part", group="patient")
    listed(photos, table, labels)
    assert list_labelled(photos, labels).photos == [
        Photo("a.png", "train", "ill", "7"),
        Photo("b c.png", "test", "well", "8"),
        Photo("苹果.png", "train", "well", "7"),
    ]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_from_a_spreadsheet_is_read(photos: Path, separator: str) -> None:
    content = f'\ufeffpath{separator}label\r\na.png{separator}Pear\r\nb c.png{separator}"Apple, red"\r\n'
    if separator != ",":
        content = content.replace('"', "")
    assert listed(photos, content) == [("a.png", "Pear"), ("b c.png", "Apple, red")]


def test_parquet_is_read_and_whole_numbers_are_called_as_people_write_them(photos: Path) -> None:
    pd.DataFrame({"path": ["a.png", "b c.png", "苹果.png"], "label": [1.0, 2.0, None]}).to_parquet(photos / "l.parquet")
    listing = list_labelled(photos, Labels(file="l.parquet"))
    assert [(photo.example, photo.class_name) for photo in listing.photos] == [("a.png", "1"), ("b c.png", "2")]
    assert [(row.example, row.reason) for row in listing.left_out] == [("苹果.png", "has no label")]


def test_paths_are_seen_from_where_the_table_lies_and_with_any_slashes(photos: Path) -> None:
    labels = Labels(file="deep/labels.csv")
    content = f"path,label\n../a.png,Pear\n..\\b c.png,Apple\n{photos.resolve()}/苹果.png,Apple\n"
    assert listed(photos, content, labels) == [("a.png", "Pear"), ("b c.png", "Apple"), ("苹果.png", "Apple")]


def test_letters_may_be_composed_otherwise_than_on_disk(photos: Path) -> None:
    content = "path,label\ndeep/ag\u0306ac\u0327.png,Pear\na.png,Apple\n"
    assert listed(photos, content) == [("a.png", "Apple"), ("deep/ağaç.png", "Pear")]
    assert all(file.is_file() for file in list_labelled(photos, LABELS).files)


def test_rows_that_lead_nowhere_are_left_out(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(b"x")
    (photos / "link.png").symlink_to(tmp_path / "secret.png")
    rows = ["gone.png,Pear", "A.PNG,Pear", "../secret.png,Pear", "link.png,Pear", "deep,Pear", ",Pear", "b c.png,"]
    assert left_out(photos, *rows) == {
        ("gone.png", "there is no such file"),
        ("A.PNG", "there is no such file, but a.png, which differs in case"),
        ("../secret.png", "lies outside the folder"),
        ("link.png", "is a link out of the folder"),
        ("deep", "is a folder"),
        ("labels.csv, row 8", "has no path"),
        ("b c.png", "has no label"),
    }


def test_a_photo_that_stands_twice_counts_once_and_under_two_labels_not_at_all(photos: Path) -> None:
    content = (
        "path,label\na.png,Pear\nb c.png,Apple\n./a.png,Pear\ndeep/ağaç.png,Pear\ndeep/ağaç.png,Apple\n苹果.png,Apple\n"
    )
    assert listed(photos, content) == [("a.png", "Pear"), ("b c.png", "Apple"), ("苹果.png", "Apple")]
    disputed = "the same picture stands under two labels"
    assert list_labelled(photos, LABELS).left_out == [
        Quarantined("a.png", "stands twice in labels.csv", "a.png", "", "Pear"),
        Quarantined("deep/ağaç.png", disputed, "deep/ağaç.png", "", "Apple"),
        Quarantined("deep/ağaç.png", disputed, "deep/ağaç.png", "", "Pear"),
    ]


def test_a_row_without_its_split_is_left_out(photos: Path) -> None:
    labels = Labels(file="labels.csv", split="split")
    content = "path,label,split\na.png,Pear,train\nb c.png,Apple,train\n苹果.png,Apple,\n"
    assert listed(photos, content, labels) == [("a.png", "Pear"), ("b c.png", "Apple")]
    assert [row.reason for row in list_labelled(photos, labels).left_out] == ["has no split"]


def test_splits_may_have_the_names_that_other_programs_give_them(photos: Path) -> None:
    labels = Labels(file="labels.csv", split="split")
    listed(photos, "path,label,split\na.png,Pear,Training\nb c.png,Apple,train\n苹果.png,Apple,valid\n", labels)
    assert [photo.split for photo in list_labelled(photos, labels).photos] == ["train", "train", "val"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("file,label\na.png,Pear\n", "has no column 'path', which data.labels.path names; it has: file, label"),
        ("path,label\na.png,Pear\n", "only one class with photos, 'Pear'"),
        ("path,label\n", "no row with a photo; there is nothing to tell apart: give at least two labels"),
        ("", "cannot be read as a table"),
        ("path,label\na.png,Pear\nb.png,Apple,red,round\n", "cannot be read as a table"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(photos: Path, content: str, says: str) -> None:
    with pytest.raises(FolderError, match=says) as raised:
        listed(photos, content)
    assert "labels.csv" in str(raised.value)


def test_unknown_splits_and_other_encodings_are_refused(photos: Path) -> None:
    with pytest.raises(FolderError, match="column 'split' says holdout: splits are called train, val, test"):
        listed(photos, "path,label,split\na.png,Pear,holdout\n", Labels(file="labels.csv", split="split"))
    (photos / "labels.csv").write_bytes("path,label\na.png,Ağaç\n".encode("cp1254"))
    with pytest.raises(FolderError, match=r"labels\.csv: .*line 2: is not UTF-8, .* save it as UTF-8"):
        list_labelled(photos, LABELS)


def test_what_is_there_instead_of_a_path_is_named(photos: Path) -> None:
    rows = ["b c,Pear", "C:\\Users\\me\\photos\\deep\\ağaç.png,Pear", "/home/me/photos/b c.png,Pear"]
    elsewhere = "the path is of another computer, or seen from another folder"
    assert left_out(photos, *rows) == {
        ("b c", "there is no such file, but b c.png, with an ending"),
        ("C:/Users/me/photos/deep/ağaç.png", f"there is no such file, but deep/ağaç.png: {elsewhere}"),
        ("/home/me/photos/b c.png", f"there is no such file, but b c.png: {elsewhere}"),
    }


def test_a_path_that_no_file_can_have_leads_nowhere(photos: Path) -> None:
    assert left_out(photos, "a\0.png,Pear", f"{'x' * 5000}.png,Pear") == {
        ("a\0.png", "there is no such file"),
        (f"{'x' * 5000}.png", "there is no such file"),
    }


def test_a_name_without_its_folder_is_told_where_the_file_lies(photos: Path, photo: MakePhoto) -> None:
    assert left_out(photos, "ağaç.png,Pear", "elsewhere/nothing.png,Pear") == {
        ("ağaç.png", "there is no such file, but deep/ağaç.png"),
        ("elsewhere/nothing.png", "there is no such file"),
    }
    photo(photos / "deeper/ağaç.png", 7)  # which of them is meant nobody knows
    assert left_out(photos, "ağaç.png,Pear") == {("ağaç.png", "there is no such file")}


def test_a_label_may_be_a_word_that_means_missing_elsewhere(photos: Path, caplog: pytest.LogCaptureFixture) -> None:
    content = "path,label\na.png,None\nb c.png,NA\n苹果.png,-\n"
    assert [label for _, label in listed(photos, content)] == ["None", "NA", "-"]
    with caplog.at_level(logging.INFO, "kiyas"):
        listing = list_labelled(photos, LABELS, missing=["-"])
    assert [(row.example, row.reason) for row in listing.left_out] == [("苹果.png", "has no label")]
    assert "column 'label': '-' (1) counts as missing" in caplog.text


@pytest.mark.parametrize("labels", [("007", "010"), ("4006381", "4006382"), ("12345678901234567", "12345678901234568")])
def test_a_label_is_written_as_it_is(photos: Path, labels: tuple[str, str]) -> None:
    assert [label for _, label in listed(photos, f"path,label\na.png,{labels[0]}\nb c.png,{labels[1]}\n")] == [*labels]


def test_a_table_may_say_its_delimiter_and_break_lines_in_names(photos: Path) -> None:
    labels = Labels(file="labels.csv", label="what\nit shows")
    content = 'sep=;\npath;"what\nit shows"\na.png;Pear\nb c.png;Apple\n'
    assert listed(photos, content, labels) == [("a.png", "Pear"), ("b c.png", "Apple")]


@pytest.mark.parametrize("has_classes", [True, False])
def test_a_batch_of_the_other_kind_of_study_is_named(tmp_path: Path, photo: MakePhoto, has_classes: bool) -> None:
    batch = tmp_path / "accepted/2026-01-01-abc/photos"
    photo(batch / "train/Pear/a.png", 1)
    if has_classes:
        (batch / "labels.csv").write_text("path,label,split,group\ntrain/Pear/a.png,3,train,\n", encoding="utf-8")
    with pytest.raises(FolderError, match=r"2026-01-01-abc: was accepted for a study of (numbers|classes).*data\.task"):
        list_batches(tmp_path / "accepted", has_classes)


@pytest.mark.parametrize(
    ("written", "read"), [(["3.0", "", "-4.0"], ["3", "", "-4"]), (["3.0", "a", ""], ["3.0", "a", ""])]
)
def test_groups_with_gaps_are_called_as_they_are_without(written: list[str], read: list[str], tmp_path: Path) -> None:
    """Many programs write whole numbers with a point as soon as one is missing."""
    file = tmp_path / "labels.csv"
    file.write_text("file,kind,patient\n" + "".join(f"{place}.png,a,{name}\n" for place, name in enumerate(written)))
    table = read_label_table(file, Labels(file="labels.csv", path="file", label="kind", group="patient"), None)
    assert table["group"].to_list() == read
