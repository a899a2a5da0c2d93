"""A workspace: a clone of this checkout as it stands, uncommitted changes included, that keeps its own results.

DVC cannot switch parameter files, and only one `dvc repro` can run in a checkout; a clone has neither limit.
"""

from __future__ import annotations

import filecmp
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

from pipeline.datasets.accepted import ACCEPTED
from pipeline.models.backbone_files.archive import FOLDER as BACKBONES

WORKSPACES = Path("workspaces")
OWN_FILES = ("params.yaml", "dvc.lock")  # a workspace has its own question and its own results
OF_A_REPOSITORY = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_PREFIX"}

log = logging.getLogger("kiyas")


class WorkspaceError(ValueError):
    """The checkout cannot be cloned as it stands."""


def sync_workspace(root: Path, workspace: Path, without: Collection[Path] = ()) -> None:
    """Make `workspace` a clone of the checkout at `root`: its commit, and its files as they are on disk.

    What git ignores stays where it is on both sides, so a workspace keeps its results.

    Args:
        without: folders that are not copied, such as the user's photos.

    Raises:
        WorkspaceError: when `root` is not the top of a git checkout, or git refuses.
    """
    if _git_prefix(root):
        raise WorkspaceError(f"{root}: not the top of a git checkout; run from the root of a clone of this project")
    workspace.mkdir(parents=True, exist_ok=True)
    _git(workspace, "init", "--quiet")
    _take_commit(root, workspace)
    _take_files(root, workspace, [root / WORKSPACES, *without])


def share_cache(root: Path, workspace: Path) -> None:
    """Let the workspace use the checkout's DVC cache: what either has made (photos, weights, trials) both have."""
    dvc = [sys.executable, "-m", "dvc", "cache", "dir"]
    cache = _output(dvc, root).strip()
    _output([*dvc, "--local", cache], workspace)


def bring_batches(workspace: Path) -> None:
    """Make the batches in data/accepted those that the .dvc files there name, from the cache: git ignores the photos.

    Raises:
        WorkspaceError: the cache does not have one of them, as in a fresh clone.
    """
    pointers = sorted((workspace / ACCEPTED).glob("*.dvc"))
    for folder in (workspace / ACCEPTED).glob("*/"):
        if folder.with_name(f"{folder.name}.dvc") not in pointers:
            shutil.rmtree(folder)  # a batch that left the checkout
    _bring(workspace, pointers)


def bring_backbones(workspace: Path) -> None:
    """Make the files in data/backbones those that the .dvc files there name, from the cache, as git ignores them too.

    Raises:
        WorkspaceError: the cache does not have one of them, as in a fresh clone.
    """
    _bring(workspace, sorted((workspace / BACKBONES).rglob("*.dvc")))


def _bring(workspace: Path, pointers: list[Path]) -> None:
    """What .dvc files name, from the cache."""
    if not pointers:
        return
    names = [str(pointer.relative_to(workspace)) for pointer in pointers]
    try:
        _output([sys.executable, "-m", "dvc", "checkout", "--quiet", "--force", *names], workspace)
    except WorkspaceError as error:
        raise WorkspaceError(f"{error}\n`dvc pull {' '.join(names)}` brings what is missing into the cache") from None


def _git_prefix(root: Path) -> str:
    try:
        return _git(root, "rev-parse", "--show-prefix").strip()
    except WorkspaceError:
        return "not a checkout"


def _take_commit(root: Path, workspace: Path) -> None:
    """Point the workspace's HEAD and index at the checkout's commit, without touching its files."""
    try:
        commit = _git(root, "rev-parse", "--verify", "--quiet", "HEAD").strip()
    except WorkspaceError:
        return  # nothing is committed yet
    # the commit alone: a workspace has no use for the history, and a CI runner's checkout has none
    _git(workspace, "fetch", "--quiet", "--depth", "1", str(root.resolve()), "HEAD")
    _git(workspace, "reset", "--quiet", "--mixed", commit)


def _take_files(root: Path, workspace: Path, without: Collection[Path]) -> None:
    left_out = [folder.resolve() for folder in without]
    wanted = {name for name in _files(root) if not _stands_in((root / name).resolve(), left_out)} - set(OWN_FILES)
    changed = [name for name in sorted(wanted) if _copy_if_changed(root / name, workspace / name)]
    gone = sorted(_files(workspace) - wanted - set(OWN_FILES))
    for name in gone:
        (workspace / name).unlink()
    log.info("%s: %d files taken over, %d removed", workspace, len(changed), len(gone))


def _stands_in(path: Path, folders: Collection[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)


def _files(checkout: Path) -> set[str]:
    """What git tracks, or would offer to track, and is there."""
    names = _git(checkout, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    return {name for name in names if name and (checkout / name).is_file()}


def _copy_if_changed(source: Path, target: Path) -> bool:
    if target.is_file() and filecmp.cmp(source, target):
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)
    return True


def _git(folder: Path, *arguments: str) -> str:
    return _output(["git", *arguments], folder)


def _output(command: list[str], folder: Path) -> str:
    """What a command prints; git works on the repository of the folder, though a hook of another one is around it."""
    here = {name: value for name, value in os.environ.items() if name not in OF_A_REPOSITORY}
    done = subprocess.run(
        command, cwd=folder, env=here, capture_output=True, encoding="utf-8", errors="surrogateescape"
    )
    if done.returncode:
        raise WorkspaceError(f"{folder}: `{' '.join(command)}` failed: {done.stderr.strip()}")
    return done.stdout
