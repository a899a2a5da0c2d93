"""Labels that are numbers are read as their column writes them; what is none, or too large to learn, is left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from pipeline.datasets.cells.numbers import NumberFormat
from pipeline.datasets.photos.folders import FolderError
from pipeline.datasets.photos.label_table import list_labelled
from pipeline.datasets.photos.labels.numbers import numbers_of
from pipeline.datasets.photos.leakage import TWO_LABELS
from pipeline.params.data import Labels

MakePhoto = Callable[[Path, int], Path]
LABELS = Labels(file="labels.csv")
NAMES = ["a.png", "b c.png", "deep/ağaç.png", "苹果.png"]


@pytest.fixture
def photos(tmp_path: Path, photo: MakePhoto) -> Path:
    """A folder with four photos; tests add the table."""
    for number, name in enumerate(NAMES):
        photo(tmp_path / "photos" / name, number)
    return tmp_path / "photos"


def numbers(
    folder: Path, *cells: str, given: NumberFormat | None = None, missing: Sequence[str] | None = None
) -> list[float]:
    """The numbers of the photos in a folder, in the order of NAMES, from a table with these cells."""
    rows = "\n".join(f"{name};{cell}" for name, cell in zip(NAMES, cells, strict=True))
    (folder / "labels.csv").write_text(f"path;label\n{rows}\n", encoding="utf-8")
    listing = list_labelled(folder, LABELS, missing, {} if given is None else {"label": given})
    assert [photo.example for photo in listing.photos] == NAMES[: len(listing.photos)]
    return numbers_of(listing.photos).tolist()


def test_numbers_are_read_in_the_format_of_their_column(photos: Path) -> None:
    assert numbers(photos, "1,5", "0,25", "12", "3,0") == [1.5, 0.25, 12.0, 3.0]
    assert numbers(photos, "1.614,5", "2", "3", "4") == [1614.5, 2.0, 3.0, 4.0]
    assert numbers(photos, "1.614", "2", "3", "4", given=NumberFormat(",", ".")) == [1614.0, 2.0, 3.0, 4.0]


def test_a_number_that_can_be_read_in_two_ways_is_told(photos: Path, caplog: pytest.LogCaptureFixture) -> None:
    numbers(photos, "1.614", "2.105", "3.312", "4.100")
    assert "data.labels.label = 'label': '1.614' is read as" in caplog.text and "data.numbers: {label:" in caplog.text


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (
            ("3", "old", "4", "5"),
            r"labels\.csv: data\.labels\.label = 'label': row 2: 'old' is no number.*data\.numbers",
        ),
        (
            ("3", "3.0", "3", "3"),
            r"labels\.csv: every photo to learn from has the number 3; there is nothing to predict",
        ),
        (("3 €", "4 $", "5 €", "6 $"), r"several units"),
        (("", "", "", ""), r"no row with a photo"),
    ],
)
def test_labels_of_which_no_number_can_be_learned_are_refused(
    photos: Path, cells: tuple[str, ...], message: str
) -> None:
    with pytest.raises(FolderError, match=message):
        numbers(photos, *cells)


def test_a_photo_with_two_numbers_is_left_out_but_one_number_may_be_written_in_two_ways(photos: Path) -> None:
    rows = ["a.png;3", "a.png;3.0", "b c.png;4", "b c.png;5", "苹果.png;7"]
    (photos / "labels.csv").write_text("\n".join(["path;label", *rows]) + "\n", encoding="utf-8")
    listing = list_labelled(photos, LABELS, None, {})
    assert [(photo.example, photo.class_name) for photo in listing.photos] == [("a.png", "3"), ("苹果.png", "7")]
    assert sorted(row.reason for row in listing.left_out) == ["stands twice in labels.csv", TWO_LABELS, TWO_LABELS]


def test_a_number_that_is_too_large_to_learn_is_left_out_and_told(
    photos: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.datasets.photos.labels.numbers.MOSTLY", 0.5)
    assert numbers(photos, "1e15", "2.5", "3", "3e300") == [1e15, 2.5, 3.0]
    assert "1 numbers beyond 1e+15 count as none, such as '3e300'" in caplog.text


def test_numbers_with_a_percent_sign_beside_others_are_told(photos: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert numbers(photos, "50 %", "0.5", "40 %", "3") == [50.0, 0.5, 40.0, 3.0]
    assert "'50 %' is read as 50, and '0.5' as 0.5; write all of them in one way" in caplog.text
    caplog.clear()
    numbers(photos, "50 %", "5 %", "40 %", "3 %")
    assert "in one way" not in caplog.text


@pytest.mark.parametrize("missing", [["-999"], ["-999.0"]])
def test_a_number_that_stands_for_a_missing_one_does_so_however_it_is_written(
    photos: Path, missing: Sequence[str]
) -> None:
    assert numbers(photos, "2.5", "3", "-999.0", "-999", missing=missing) == [2.5, 3.0]
