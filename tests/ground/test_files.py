"""Files appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.ground.files import DamagedFileError, read_json, replacing


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert [file.name for file in tmp_path.iterdir()] == ["file.txt"]
    assert path.read_text() == "old"


@pytest.mark.parametrize("content", [b'{"seeds": [0, 1', b"", b"\xff\xfe{}"])
def test_a_file_that_is_cut_off_is_named_with_what_brings_it_back(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "trial.json"
    path.write_bytes(content)
    with pytest.raises(
        DamagedFileError, match=r"trial\.json: is cut off or damaged \(.+\); `dvc checkout --force .*json`"
    ):
        read_json(path)
