"""Arrays that are made once and kept: room is made for them within a limit."""

from __future__ import annotations

from pathlib import Path


def make_room(folder: Path, size: int, limit: float) -> None:
    """Remove the oldest kept arrays (.npy, with the .json beside each) until `size` more bytes stay within `limit`."""
    kept = sorted(folder.glob("[!.]*.npy"), key=lambda file: file.stat().st_mtime)
    total = sum(file.stat().st_size for file in kept)
    while kept and total + size > limit:
        oldest = kept.pop(0)
        total -= oldest.stat().st_size
        oldest.unlink(missing_ok=True)
        oldest.with_suffix(".json").unlink(missing_ok=True)
