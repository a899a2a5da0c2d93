"""After a decision: MLflow shows champions/, DVC keeps it, and git commits what names it.

The first two can be done again at any time from champions/.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from pipeline.champions.keeping import keep_champions
from pipeline.champions.log import POINTER
from pipeline.configuration.whole import Params
from pipeline.datasets.photos.listing import ACCEPTED
from pipeline.dvc_command import VersioningError, run_dvc
from pipeline.tracking.sync import sync_if_possible


def publish(params: Params) -> None:
    """
    Raises:
        VersioningError: DVC failed. A server that is down costs a warning; `python -m pipeline track` makes up for it.
    """
    sync_if_possible(params)
    keep_champions()


def commit(message: str, push: bool) -> None:
    """Commit what a retraining changes and git keeps: dvc.lock, and the pointers to champions and batches.

    Args:
        message: of the commit.
        push: whether the data go to the DVC remote first, then the commit to git's.

    Raises:
        VersioningError: git or DVC refused.
    """
    pointers = [Path("dvc.lock"), POINTER, *sorted(ACCEPTED.glob("*.dvc"))]
    there = [str(path) for path in pointers if path.is_file()]
    if push:
        run_dvc("push")
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
