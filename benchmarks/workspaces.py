"""A benchmark's own workspace: a source's photos, prepared apart from those of the checkout."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.operations.starting.params_file import write_params_file
from pipeline.operations.workspace import share_cache, sync_workspace


def begin_workspace(workspace: Path) -> None:
    """The checkout's code and params.yaml, as they are now, and its DVC cache; what is prepared there already stays.

    It is called in the checkout.
    """
    root = Path.cwd()
    sync_workspace(root, workspace)
    share_cache(root, workspace)
    (workspace / "params.yaml").write_bytes((root / "params.yaml").read_bytes())


def write_overlay(overlay: Mapping[str, Any]) -> None:
    """Dotted keys into the params.yaml of the current directory, without the copy that `start` leaves beside it."""
    write_params_file(overlay).unlink()


def prepare_source(source: str) -> None:
    """A named source's photos, as the params.yaml of the current directory says."""
    pipeline("fetch", "--source", source)
    pipeline("prepare")


def get_weights(backbone: str) -> None:
    if not Path(f"data/weights/{backbone}.weights.h5").exists():
        pipeline("weights", "--backbone", backbone)


def pipeline(*arguments: str) -> None:
    """A command of its own, in the current directory."""
    subprocess.run([sys.executable, "-m", "pipeline", *arguments], check=True)
