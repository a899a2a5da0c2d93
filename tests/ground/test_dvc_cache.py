"""DVC's cache is looked for where DVC itself has it."""

from __future__ import annotations

from pathlib import Path

import pytest
from dvc.repo import Repo

from pipeline.ground.dvc_cache import cache_folder, cached_object

LEVELS = ["system", "global", "repo", "local"]  # the later one wins


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """DVC's four files of configuration, none of them there yet but that of the checkout."""
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    monkeypatch.chdir(checkout)
    for level in ("system", "global"):
        monkeypatch.setenv(f"DVC_{level.upper()}_CONFIG_DIR", str(tmp_path / level))
        (tmp_path / level).mkdir()
    Repo.init(no_scm=True).close()
    folders = {"system": tmp_path / "system", "global": tmp_path / "global"}
    of_checkout = {"repo": checkout / ".dvc/config", "local": checkout / ".dvc/config.local"}
    return {level: folder / "config" for level, folder in folders.items()} | of_checkout


def add(file: Path, text: str) -> None:
    with file.open("a", encoding="utf-8") as stream:
        stream.write(text)


def as_dvc_has_it() -> Path:
    with Repo() as repo:
        return Path(repo.cache.local.path).parents[1]


@pytest.mark.parametrize("folder", ["../elsewhere", "/tmp/kiyas-cache", "~/kiyas-cache"])
@pytest.mark.parametrize("level", LEVELS)
def test_each_file_may_name_it(level: str, folder: str, files: dict[str, Path]) -> None:
    add(files[level], f"[cache]\n    dir = {folder}\n")
    assert cache_folder().resolve() == as_dvc_has_it().resolve()


@pytest.mark.parametrize("levels", [["global", "system"], ["repo", "global"], ["local", "repo"], LEVELS[::-1]])
def test_the_one_nearest_to_the_checkout_wins(levels: list[str], files: dict[str, Path], tmp_path: Path) -> None:
    for level in levels:
        add(files[level], f"[cache]\n    dir = {tmp_path / f'of-{level}'}\n")
    assert cache_folder() == tmp_path / f"of-{levels[0]}"
    assert as_dvc_has_it() == cache_folder()


@pytest.mark.parametrize("written", ["", "[core]\n    analytics = false\n", "[cache]\n    type = hardlink\n", "[cache"])
def test_a_file_that_does_not_name_it_leaves_it_where_it_is(written: str, files: dict[str, Path]) -> None:
    files["global"].write_text(written, encoding="utf-8")
    assert cached_object("ab12") == Path(".dvc/cache/files/md5/ab/12")


def test_quotes_around_a_name_are_not_part_of_it(files: dict[str, Path], tmp_path: Path) -> None:
    files["local"].write_text(f'[cache]\n    dir = "{tmp_path}/with, comma"\n', encoding="utf-8")
    assert cache_folder() == tmp_path / "with, comma" == as_dvc_has_it()
