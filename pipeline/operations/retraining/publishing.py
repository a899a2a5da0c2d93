"""After a decision: MLflow shows champions/, DVC keeps it, and git commits what names it.

The first two can be done again at any time from champions/.
"""

from __future__ import annotations

import random
import subprocess
import time
from pathlib import Path

from pipeline.champions.integrity.keeping import keep_champions
from pipeline.champions.log import POINTER
from pipeline.configuration.whole import Params
from pipeline.datasets.accepted import ACCEPTED
from pipeline.dvc_command import VersioningError, run_dvc
from pipeline.tracking.sync import sync_if_possible

PUSHES = 5  # tries, where others push meanwhile


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
        _push()


def _push() -> None:
    """Push to the branch that is checked out; where somebody else pushed meanwhile, on top of that.

    Raises:
        VersioningError: git refused, or both changed the same pointers: two decisions cannot be merged.
    """
    branch = _git("rev-parse", "--abbrev-ref", "HEAD").strip()
    for attempt in range(1, PUSHES + 1):
        try:
            _git("push", "--quiet", "origin", f"HEAD:{branch}")
            return
        except VersioningError:
            if attempt == PUSHES or not _is_behind(branch):
                raise
        _rebase(branch)
        time.sleep(attempt * random.random())  # so that those that race do not meet again


def _is_behind(branch: str) -> bool:
    """Whether origin has commits that are not here; they are fetched."""
    _git("fetch", "--quiet", "origin", branch)
    return bool(_git("rev-list", "--max-count=1", "HEAD..FETCH_HEAD").strip())


def _rebase(branch: str) -> None:
    try:
        _git("rebase", "--quiet", "--autostash", "FETCH_HEAD")
    except VersioningError:
        both = ", ".join(_git("diff", "--name-only", "--diff-filter=U").split()) or "the same files"
        _git("rebase", "--abort")
        raise VersioningError(
            f"git push: somebody else decided meanwhile: origin/{branch} changes {both} too, and two decisions cannot "
            f"be merged. Nothing was pushed; take theirs (`git reset --hard origin/{branch}`, then `dvc checkout "
            "--force`), and call retrain again"
        ) from None


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, encoding="utf-8", errors="replace")
    if done.returncode:
        raise VersioningError(f"`git {' '.join(arguments)}` failed: {done.stderr.strip()}")
    return done.stdout
