"""A checkout in miniature, once for all; each test works in a copy with a remote and nodes of its own."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.operations.scaling.graph import git, write_checkout


@dataclass(frozen=True)
class Place:
    """
    Attributes:
        checkout: the current directory.
        outside: where stages note that they started, and wait for a sign.
        cache: the folder of a node.
    """

    checkout: Path
    outside: Path
    cache: Path

    def starts(self, name: str) -> int:
        return len(list(self.outside.glob(f"started-{name}-*")))


@pytest.fixture(scope="session")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fanout")
    write_checkout(folder / "checkout", folder / "outside")
    return folder


@pytest.fixture
def place(committed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    for name in ("checkout", "outside"):
        shutil.copytree(committed / name, tmp_path / name, symlinks=True)
    checkout, outside = tmp_path / "checkout", tmp_path / "outside"
    train, config = checkout / "train.py", checkout / ".dvc/config"
    for file in (train, config):
        file.write_text(file.read_text().replace(str(committed), str(tmp_path)))
    git(checkout, "commit", "-q", "-a", "-m", "moved")
    monkeypatch.chdir(checkout)
    return Place(checkout, outside, tmp_path / "node")
