"""What DVC would stop or hang at is named before it does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.operations.checking.dvc_limits import refuse_what_dvc_cannot_take
from pipeline.params.schema.reading import ParamsError


def photos(folder: Path) -> Path:
    for name in ("Pear/a b.png", "Ağaç/ş.png", "苹果/1.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    (folder / "Pear" / "link.png").symlink_to(folder / "Pear" / "a b.png")
    (folder / "Pear" / "words.txt").write_bytes(b"no picture")
    return folder


def test_what_it_can_take_passes(tmp_path: Path) -> None:
    refuse_what_dvc_cannot_take(photos(tmp_path / "photos"))


def test_all_that_it_cannot_take_is_counted_and_some_named(tmp_path: Path) -> None:
    folder = photos(tmp_path / "photos")
    (folder / "Pear" / "gone.png").symlink_to("nowhere.png")
    (folder / "Pear" / "itself.png").symlink_to("itself.png")
    os.mkfifo(folder / "Ağaç" / "pipe")
    (folder / "Pear" / "\udcfe.png").write_bytes(b"x")
    with pytest.raises(ParamsError, match="DVC cannot take 4 of its files") as raised:
        refuse_what_dvc_cannot_take(folder)
    for told in (
        "gone.png' (a link that leads nowhere)",
        "itself.png' (a link",
        "pipe' (no regular",
        "(a name that is",
    ):
        assert told in str(raised.value)
    str(raised.value).encode()  # it can be printed
