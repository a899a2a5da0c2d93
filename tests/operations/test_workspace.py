"""A workspace is the checkout as it stands, beside results of its own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline.operations.workspace import WorkspaceError, bring_backbones, bring_batches, share_cache, sync_workspace
from tests.starts import dvc


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A git checkout of three files, with one commit."""
    folder = tmp_path / "root"
    write(folder, ".gitignore", "/workspaces\n/results\n")
    write(folder, "params.yaml", "seeds: [0]\n")
    write(folder, "code/stage.py", "print('committed')\n")
    git(folder, "init", "-q")
    commit(folder)
    return folder


@pytest.fixture
def workspace(root: Path) -> Path:
    return root / "workspaces" / "small"


def test_changed_and_new_files_come_along_uncommitted(root: Path, workspace: Path) -> None:
    write(root, "code/stage.py", "print('changed')\n")
    write(root, "notes/new.txt", "untracked")
    sync_workspace(root, workspace)
    assert (workspace / "code/stage.py").read_text() == "print('changed')\n"
    assert (workspace / "notes/new.txt").read_text() == "untracked"


def test_in_a_hook_of_git_the_checkouts_own_index_stays_as_it_is(
    root: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(root, "code/stage.py", "print('staged')\n")
    git(root, "add", "code/stage.py")
    monkeypatch.setenv("GIT_DIR", str(root / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(root / ".git/index"))
    sync_workspace(root, workspace)
    monkeypatch.undo()
    staged = subprocess.run(["git", "diff", "--cached", "--name-only"], cwd=root, capture_output=True, text=True)
    assert staged.stdout.split() == ["code/stage.py"] and (workspace / ".git/HEAD").is_file()
    assert (workspace / "code/stage.py").read_text() == "print('staged')\n"


def test_files_that_left_the_checkout_leave_the_workspace(root: Path, workspace: Path) -> None:
    write(root, "notes/new.txt", "untracked")
    sync_workspace(root, workspace)
    (root / "notes/new.txt").unlink()
    (root / "code/stage.py").unlink()
    sync_workspace(root, workspace)
    assert not (workspace / "notes/new.txt").exists()
    assert not (workspace / "code/stage.py").exists()


def test_the_workspace_stands_at_the_commit_of_the_checkout(root: Path, workspace: Path) -> None:
    sync_workspace(root, workspace)
    write(root, "later.txt", "later")
    commit(root)
    sync_workspace(root, workspace)
    assert git(workspace, "rev-parse", "HEAD") == git(root, "rev-parse", "HEAD")
    assert git(workspace, "status", "--porcelain").split() == ["D", "params.yaml"]


def test_a_shallow_clone_can_be_the_checkout(root: Path, tmp_path: Path) -> None:
    write(root, "later.txt", "later")
    commit(root)
    git(tmp_path, "clone", "-q", "--depth", "1", root.as_uri(), "shallow")
    sync_workspace(tmp_path / "shallow", tmp_path / "workspace")
    assert git(tmp_path / "workspace", "rev-parse", "HEAD") == git(root, "rev-parse", "HEAD")
    assert (tmp_path / "workspace/later.txt").exists()


def test_a_checkout_without_a_commit_can_be_cloned(tmp_path: Path) -> None:
    write(tmp_path / "root", "new.txt", "untracked")
    git(tmp_path / "root", "init", "-q")
    sync_workspace(tmp_path / "root", tmp_path / "workspace")
    assert (tmp_path / "workspace/new.txt").exists()


def test_the_workspace_keeps_its_own_parameters_lock_and_results(root: Path, workspace: Path) -> None:
    for name in ("params.yaml", "dvc.lock", "results/trial.json"):
        write(root, name, "of the checkout")
        write(workspace, name, "of the workspace")
    sync_workspace(root, workspace)
    for name in ("params.yaml", "dvc.lock", "results/trial.json"):
        assert (workspace / name).read_text() == "of the workspace"


def test_a_folder_can_be_left_out(root: Path, workspace: Path) -> None:
    write(root, "photos/cat/1.jpg", "untracked")
    write(root, "photos/cat/2.jpg", "tracked")
    git(root, "add", "photos/cat/2.jpg")
    sync_workspace(root, workspace, without=[root / "photos"])
    assert not (workspace / "photos").exists()


def test_workspaces_are_not_copied_into_each_other(root: Path, workspace: Path) -> None:
    write(root, ".gitignore", "/results\n")
    write(root, "workspaces/other/code.py", "of another study")
    sync_workspace(root, workspace)
    assert not (workspace / "workspaces").exists()


def test_a_folder_that_is_no_checkout_is_refused(tmp_path: Path, root: Path) -> None:
    with pytest.raises(WorkspaceError, match="run from the root of a clone"):
        sync_workspace(root / "code", tmp_path / "workspace")


def test_a_batch_that_left_the_checkout_leaves_the_workspace(root: Path, workspace: Path) -> None:
    accept(root, "first")
    accept(root, "second")
    take_over(root, workspace)
    assert batches(workspace) == ["first", "second"]
    (root / "data/accepted/second.dvc").unlink()
    take_over(root, workspace)
    assert batches(workspace) == ["first"]


def test_an_own_backbone_comes_along_that_dvc_keeps(root: Path, workspace: Path) -> None:
    write(root, ".dvc/config", "[core]\n    analytics = false\n")
    write(root, "data/backbones/nets/own.keras", "a network")
    dvc(root, "add", "-q", "data/backbones/nets")
    take_over(root, workspace)
    assert (workspace / "data/backbones/nets/own.keras").read_text() == "a network"


def test_a_batch_that_the_cache_does_not_have_is_named_with_the_remedy(root: Path, workspace: Path) -> None:
    accept(root, "first")
    shutil.rmtree(root / ".dvc/cache")
    with pytest.raises(WorkspaceError, match=r"`dvc pull data/accepted/first\.dvc` brings"):
        take_over(root, workspace)


def accept(root: Path, batch: str) -> None:
    """As a retraining does: git ignores the photos, DVC keeps them."""
    write(root, ".gitignore", "/workspaces\n/results\n/data/accepted/?*/\n")
    write(root, ".dvc/.gitignore", "/config.local\n/tmp\n/cache\n")
    write(root, ".dvc/config", "[core]\n    analytics = false\n")
    write(root, f"data/accepted/{batch}/photos/train/cat/1.png", f"a photo of {batch}")
    dvc(root, "add", "-q", f"data/accepted/{batch}")


def take_over(root: Path, workspace: Path) -> None:
    sync_workspace(root, workspace)
    share_cache(root, workspace)
    bring_batches(workspace)
    bring_backbones(workspace)


def batches(folder: Path) -> list[str]:
    return sorted(photo.parents[3].name for photo in folder.glob("data/accepted/*/photos/train/cat/1.png"))


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "-c", "user.name=Test", "-c", "user.email=test@example.org", "commit", "-qm", "As it stands")


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout
