"""Files appear whole or not at all."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from pipeline.ground.files import (
    HOST,
    DamagedFileError,
    read_json,
    read_parquet,
    replacing,
    without_apostrophe,
    write_csv,
)


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


@pytest.mark.parametrize("read", [read_json, read_parquet])
def test_a_file_that_is_not_there_is_told_as_missing_and_not_as_damaged(
    read: Callable[[Path], object], tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError) as missing:
        read(tmp_path / "some.file")
    assert missing.value.errno == errno.ENOENT and str(tmp_path / "some.file") in str(missing.value)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ('=HYPERLINK("http://elsewhere", "look")', '\'=HYPERLINK("http://elsewhere", "look")'),
        ("@SUM(A1:A9)", "'@SUM(A1:A9)"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-1.jpg", "-1.jpg"),
        ("photo (1).jpg", "photo (1).jpg"),
        ("", ""),
    ],
)
def test_what_a_spreadsheet_would_compute_becomes_text(tmp_path: Path, name: str, written: str) -> None:
    table = pd.DataFrame({"example": [name, None], "score": [-0.5, 1.0], "seed": [1, 2]})
    write_csv(tmp_path / "table.csv", table)
    read = pd.read_csv(tmp_path / "table.csv", keep_default_na=False)
    assert read["example"].tolist() == [written, ""]
    assert read["score"].tolist() == [-0.5, 1.0] and read["seed"].tolist() == [1, 2]
    assert table["example"].iloc[0] == name and without_apostrophe(written) == name
    write_csv(tmp_path / "table.csv", table, read_back=True)
    assert pd.read_csv(tmp_path / "table.csv", keep_default_na=False)["example"].tolist() == [name, ""]


def test_what_a_killed_process_left_half_written_goes_with_the_next_write(tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    own, elsewhere = f"{HOST}-{ended.pid}", f"{HOST}2-{ended.pid}"
    left = [f".trial.{own}.json", f".trial.{own}.json-journal", f".trial.{ended.pid}.json"]
    others = [f".trial.{HOST}-{os.getppid()}.json", f".history.{own}.csv", ".trial.json", "trial.json"]
    others.append(f".trial.{elsewhere}.json")  # whether its process lives is known to that host alone
    for name in [*left, *others]:
        (tmp_path / name).touch()
    with replacing(tmp_path / "trial.json") as temporary:
        assert temporary.name == f".trial.{HOST}-{os.getpid()}.json"
        temporary.touch()
    assert {file.name for file in tmp_path.iterdir()} == set(others)


def test_where_dvcs_copy_has_the_same_damage_both_are_named(checkout: Path) -> None:
    file, copy = Path("results/cnn-lecture/trial.json"), Path(".dvc/cache/files/md5/12/345")
    for path in (file, copy):
        path.parent.mkdir(parents=True)
    file.write_text("{")
    os.link(file, copy)
    with pytest.raises(
        DamagedFileError, match=rf"trial\.json: .+; DVC's copy .+, so delete {copy}, then delete {file},"
    ):
        read_json(file)
    copy.unlink()
    copy.write_text("}")
    with pytest.raises(DamagedFileError, match=r"trial\.json: .+; `dvc checkout --force .+json` brings back"):
        read_json(file)
