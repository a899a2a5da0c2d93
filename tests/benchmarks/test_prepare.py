"""The benchmark's photos are many and all different, and both ways are measured on them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from benchmarks import prepare
from pipeline.datasets.photos.reading import read_photos


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(prepare, "CANVAS", 900)
    prepare.write_params(tmp_path)
    prepare.make_photos(tmp_path / "photos", 60)
    return tmp_path


def test_photos_are_made_once_and_all_differ(folder: Path) -> None:
    files = sorted((folder / "photos").rglob("*.jpg"))
    before = {file: file.stat().st_mtime_ns for file in files}
    prepare.make_photos(folder / "photos", 64)
    assert len(list((folder / "photos").rglob("*.jpg"))) == 64
    assert {file: file.stat().st_mtime_ns for file in files} == before
    assert all(Image.open(file).size == (300, 300) for file in files)
    assert len(set(read_photos(files, 32, folder / "keep").digests)) == 60


def test_a_row_tells_the_speed_of_both_and_the_memory(folder: Path) -> None:
    said = prepare.shown(prepare.row(folder, 60, repeats=1))
    numbers = [float(number.replace(",", "")) for number in re.findall(r"[\d,]+\.?\d*", said)]
    count, bare, ours, ratio, of_cpu, megabytes = numbers
    assert count == 60
    assert min(bare, ours, ratio, of_cpu) > 0
    assert 50 < megabytes < 1000
    assert (folder / "data/prepared/dataset.json").is_file()
