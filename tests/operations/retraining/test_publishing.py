"""What is decided reaches origin though somebody else pushes meanwhile; two decisions are never merged."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pipeline.dvc_command import VersioningError
from pipeline.operations.retraining import publishing


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def clones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Two clones of one repository, each as shallow as a runner's; commands run in the first."""
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "Test")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "test@example.org")
    monkeypatch.setattr(publishing, "run_dvc", lambda *_: "")
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", "origin.git")
    git(tmp_path, "clone", "--quiet", "origin.git", "first")
    write(tmp_path / "first", "champions.dvc", "one")
    write(tmp_path / "first", "notes.txt", "one")
    git(tmp_path / "first", "checkout", "--quiet", "-B", "main")
    git(tmp_path / "first", "add", "--all")
    git(tmp_path / "first", "commit", "--quiet", "--message", "Begin")
    git(tmp_path / "first", "push", "--quiet", "origin", "main")
    address = (tmp_path / "origin.git").as_uri()
    made = (tmp_path / "runner", tmp_path / "person")
    for clone in made:
        git(tmp_path, "clone", "--quiet", "--depth", "1", address, str(clone))
    monkeypatch.chdir(made[0])
    return made


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")


def push(folder: Path, name: str, text: str) -> None:
    write(folder, name, text)
    git(folder, "commit", "--quiet", "--all", "--message", f"Change {name}")
    git(folder, "push", "--quiet", "origin", "main")


def test_a_push_that_loses_a_race_is_put_on_top_and_repeated(clones: tuple[Path, Path]) -> None:
    runner, person = clones
    push(person, "notes.txt", "two")
    write(runner, "champions.dvc", "two")
    write(runner, "notes.txt", "not committed")
    publishing.commit("A new champion.", push=True)
    git(person, "pull", "--quiet", "--ff-only")
    assert git(person, "log", "-2", "--format=%s").splitlines() == ["A new champion.", "Change notes.txt"]
    assert (person / "champions.dvc").read_text(encoding="utf-8") == "two"


def test_two_decisions_are_not_merged_and_the_second_says_what_to_do(clones: tuple[Path, Path]) -> None:
    runner, person = clones
    push(person, "champions.dvc", "theirs")
    write(runner, "champions.dvc", "ours")
    with pytest.raises(VersioningError, match=r"origin/main changes champions\.dvc too, and two decisions cannot be"):
        publishing.commit("A new champion.", push=True)
    assert (
        git(runner, "status", "--porcelain") == "" and (runner / "champions.dvc").read_text(encoding="utf-8") == "ours"
    )
    git(person, "fetch", "--quiet")
    assert git(person, "show", "origin/main:champions.dvc") == "theirs"


def test_a_push_that_is_refused_for_another_reason_is_not_repeated(
    clones: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    runner, _ = clones
    write(runner, "champions.dvc", "two")
    git(runner, "remote", "set-url", "--push", "origin", str(runner / "nowhere"))
    monkeypatch.setattr(publishing, "_rebase", lambda branch: pytest.fail("nothing to put on top of"))
    with pytest.raises(VersioningError, match="git push"):
        publishing.commit("A new champion.", push=True)
