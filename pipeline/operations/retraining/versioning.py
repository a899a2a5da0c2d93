"""DVC for what no stage makes: champions/ and the accepted batches."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pipeline.champions.log import CHAMPIONS


class VersioningError(ValueError):
    """DVC refused to do what it was asked."""


def keep(path: Path) -> None:
    """`dvc add`: the files go to DVC's cache, and <path>.dvc, which git keeps, says which they are.

    Raises:
        VersioningError: with what DVC said.
    """
    run_dvc("add", "--quiet", str(path))


def keep_champions() -> None:
    """Version champions/ as it is now; nothing where there is none yet."""
    if CHAMPIONS.is_dir():
        keep(CHAMPIONS)


def run_dvc(*arguments: str) -> str:
    """Run DVC, waiting for another one in this checkout, and return what it printed."""
    command = [sys.executable, "-m", "dvc", *arguments]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
    if done.returncode:
        said = done.stderr.strip() or done.stdout.strip()
        raise VersioningError(f"`dvc {' '.join(arguments)}` failed: {said}")
    return done.stdout


def commit(message: str, push: bool) -> None:
    """Commit what a retraining changes and git keeps: dvc.lock, and the pointers to champions and batches.

    With `push` the data go to the DVC remote first, then the commit to git's.

    Raises:
        VersioningError: git or DVC refused.
    """
    pointers = [Path("dvc.lock"), Path("champions.dvc"), *sorted(Path("data/accepted").glob("*.dvc"))]
    there = [str(path) for path in pointers if path.is_file()]
    if push:
        run_dvc("push", "--quiet")
    if there:
        _git("add", "--", *there)
        if _git("diff", "--cached", "--name-only", "--", *there).strip():
            _git("commit", "--quiet", "--message", message, "--only", "--", *there)
    if push:
        _git("push", "--quiet", "origin", "HEAD")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, encoding="utf-8", errors="replace")
    if done.returncode:
        raise VersioningError(f"`git {' '.join(arguments)}` failed: {done.stderr.strip()}")
    return done.stdout
