"""Names in a zip that are not UTF-8 are read in the character set of their language, and the doubt is told."""

from __future__ import annotations

import logging
import zipfile
from pathlib import Path

import pytest

from pipeline.datasets.photos.archives import unpack
from pipeline.datasets.zip_names import find_encoding

NAMES = {
    "cp932": ["りんご/写真1.jpg", "バナナ/a.jpg", "猫/1.jpg"],
    "cp857": ["çilek ağacı/ışık.jpg", "Şeftali/1.jpg", "elma/üzüm.jpg"],
    "cp437": ["Äpfel/1.jpg", "Café/é.jpg", "Grün/a.jpg"],
    "gb18030": ["苹果/图片.jpg", "香蕉/1.jpg"],
    "cp949": ["사과/1.jpg", "바나나/사진.jpg"],
    "cp866": ["Яблоко/фото.jpg", "Груша/1.jpg"],
    "cp1254": ["çilek ağacı/ışık.jpg", "Şeftali/1.jpg"],
}


def zipped(path: Path, names: list[str], encoding: str) -> Path:
    """A zip as programs of that country write it: bytes in the names, and nothing that says which characters."""
    plain = {name: f"{number:0{len(name.encode(encoding))}d}" for number, name in enumerate(names)}
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(plain[name], b"x" * 9)
    content = path.read_bytes()
    for name, place in plain.items():
        content = content.replace(place.encode(), name.encode(encoding))
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("encoding", NAMES)
def test_names_are_read_in_the_characters_of_their_language(encoding: str) -> None:
    raw = [name.encode(encoding) for name in NAMES[encoding]]
    assert [name.decode(find_encoding(raw)) for name in raw] == NAMES[encoding]


@pytest.mark.parametrize("encoding", ["cp932", "cp857"])
def test_an_archive_with_such_names_is_unpacked_and_the_doubt_is_told(
    tmp_path: Path, encoding: str, caplog: pytest.LogCaptureFixture
) -> None:
    archive = zipped(tmp_path / "a.zip", NAMES[encoding], encoding)
    with caplog.at_level(logging.WARNING, "kiyas"):
        folder, left_out = unpack(archive, tmp_path / "keep")
    files = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert files == set(NAMES[encoding]) and not left_out
    assert f"a.zip: its names do not say what characters they have; they are read as {encoding}" in caplog.text


def test_utf8_that_does_not_say_so_is_no_doubt() -> None:
    assert find_encoding(["çilek ağacı".encode()]) == "utf-8"
