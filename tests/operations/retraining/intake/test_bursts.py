"""Photos of one thing, by their sub-folder or by when they were taken."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import ExifTags, Image

from pipeline.operations.retraining.intake.bursts import bursts_of
from pipeline.operations.retraining.intake.incoming import INCOMING
from pipeline.operations.retraining.intake.photos import Newcomer


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def photo(path: str, taken: str | None = None) -> Newcomer:
    """A photo in data/incoming, taken at that time of one day."""
    exif = Image.Exif()
    if taken is not None:
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = (
            taken if " " in taken else f"2024:05:01 {taken}"
        )
    (INCOMING / path).parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8)).save(INCOMING / path, exif=exif)
    return Newcomer(path, path.split("/")[0], "")


def test_photos_taken_within_seconds_of_one_another_are_one_burst() -> None:
    newcomers = [
        photo("apple/a.jpg", "10:00:00"),
        photo("apple/c.jpg", "10:00:17"),
        photo("apple/b.jpg", "10:00:09"),
        photo("apple/d.jpg", "10:00:40"),
    ]
    first, third, second, later = bursts_of(newcomers)
    assert first == second == third != later


def test_photos_of_two_classes_are_two_things_whenever_they_were_taken() -> None:
    assert len(set(bursts_of([photo("apple/a.jpg", "10:00:00"), photo("pear/a.jpg", "10:00:01")]))) == 2


def test_a_sub_folder_is_one_thing_whenever_its_photos_were_taken() -> None:
    newcomers = [photo("apple/tree/a.jpg", "10:00:00"), photo("apple/tree/b.jpg", "18:00:00"), photo("apple/c.jpg")]
    tree, same, other = bursts_of(newcomers)
    assert tree == same != other


def test_a_loose_photo_does_not_belong_to_a_sub_folder_that_is_called_like_its_place() -> None:
    assert len(set(bursts_of([photo("apple/1/a.jpg"), photo("apple/b.jpg")]))) == 2


def test_photos_of_iphones_have_times_too() -> None:
    import pillow_heif

    newcomers = []
    for name, taken in (("a", "10:00:00"), ("b", "10:00:04"), ("c", "11:00:00")):
        exif = Image.Exif()
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = f"2024:05:01 {taken}"
        path = INCOMING / f"apple/{name}.heic"
        path.parent.mkdir(parents=True, exist_ok=True)
        pillow_heif.from_pillow(Image.new("RGB", (64, 64))).save(path, exif=exif.tobytes())
        newcomers.append(Newcomer(f"apple/{name}.heic", "apple", ""))
    first, second, later = bursts_of(newcomers)
    assert first == second != later


def test_a_photo_whose_exif_is_cut_off_has_no_time_and_stops_nothing() -> None:
    newcomers = [photo("apple/a.jpg"), photo("apple/b.jpg")]
    for newcomer in newcomers:
        Image.new("RGB", (8, 8)).save(INCOMING / newcomer.path, dpi=(72, 72), exif=b"Exif\0\0MM\0*")
    assert len(set(bursts_of(newcomers))) == 2


@pytest.mark.parametrize("taken", [None, "no time", "0000:00:00 00:00:00"])
def test_a_photo_whose_time_is_not_known_is_on_its_own(taken: str | None) -> None:
    newcomers = [photo("apple/a.jpg", taken), photo("apple/b.jpg", taken)]
    (INCOMING / "apple" / "c.jpg").write_bytes(b"no photo")
    assert len(set(bursts_of([*newcomers, Newcomer("apple/c.jpg", "apple", "")]))) == 3
