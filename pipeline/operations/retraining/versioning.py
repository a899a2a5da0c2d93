"""DVC for what no stage makes: champions/ and the accepted batches."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pipeline.champions import CHAMPIONS


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
