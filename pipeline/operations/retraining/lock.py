"""One retraining at a time in a checkout: a lock that says whose it is, since when, and cannot outlive its owner."""

from __future__ import annotations

import logging
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from pipeline.files import read_json, write_json

LOCK = Path(".kiyas/retrain.lock")
OWNER = Path(".kiyas/retrain.owner.json")

log = logging.getLogger("kiyas")


class LockError(ValueError):
    """Another retraining runs in this checkout."""


@contextmanager
def one_at_a_time(command: str) -> Iterator[None]:
    """Hold the lock for the block.

    The operating system lets go of it when its owner ends, however that happens. An owner's note that is found by
    the next one therefore belongs to a command that was killed; that is said, and the note replaced.

    Raises:
        LockError: naming the owner and how long it has held it.
    """
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise LockError(f"{LOCK}: {_described(_owner())}; wait for it, or end it") from None
    try:
        if OWNER.is_file():
            log.warning("stale lock: %s was killed; this one goes on from what it left", _described(_owner()))
        write_json(OWNER, _note(command))
        yield
    finally:
        with suppress(FileNotFoundError):
            OWNER.unlink()
        lock.release()


def _note(command: str) -> dict[str, Any]:
    return {
        "command": command,
        "pid": os.getpid(),
        "host": platform.node(),
        "python": sys.executable,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _owner() -> dict[str, Any]:
    """The owner's note; empty in the moment before it is written."""
    try:
        return dict(read_json(OWNER))
    except (OSError, ValueError):
        return {}


def _described(owner: dict[str, Any]) -> str:
    if not owner:
        return "another retraining has just started"
    age = datetime.now(UTC) - datetime.fromisoformat(owner["started"])
    minutes = round(age.total_seconds() / 60)
    return f"`{owner['command']}` (process {owner['pid']} on {owner['host']}, started {minutes} min ago)"
