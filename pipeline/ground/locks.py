"""Locks between processes: the operating system frees one when its owner ends, however that happens.

A process identifier in a file would not do: it is given out again, means nothing in another container, and outlives a
kill. A lock is held on an open file instead. The file stays where it is, since two processes could hold locks on two
files of one name.
"""

from __future__ import annotations

import logging
import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from pipeline.ground.files import read_json, write_json
from pipeline.processes import still_runs

log = logging.getLogger("kiyas")


class LockError(ValueError):
    """Another process holds the lock."""


@contextmanager
def hold(path: Path, while_waiting: str | None = None) -> Iterator[None]:
    """Hold a lock for the block, and wait for it as long as another process holds it.

    Args:
        path: of the lock's file.
        while_waiting: a sentence without its full stop that is logged if the lock is not free at once.
    """
    lock = _lock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        _wait(lock, while_waiting)
    try:
        yield
    finally:
        lock.release()


@contextmanager
def hold_at_once(path: Path, command: str) -> Iterator[None]:
    """Hold a lock for the block, or fail at once by the name of its owner.

    The owner leaves a note beside the lock's file. The note of an owner that was killed is found by the next one,
    which says so in the log and replaces it.

    Args:
        path: of the lock's file, which ends in .lock.
        command: what holds it, as the note and the error call it.

    Raises:
        LockError: naming the owner and how long it has held the lock.
    """
    lock, note = _lock(path), path.with_suffix(".owner.json")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise LockError(f"{path}: {_description(note)}; wait for it, or end it") from None
    try:
        if note.is_file():
            log.warning("stale lock: %s was killed; this one goes on from what it left", _description(note))
        write_json(note, _owner(command))
        yield
    finally:
        note.unlink(missing_ok=True)
        lock.release()


def living_owner(path: Path, other_than: int | None = None) -> str | None:
    """Who left a note beside a lock and lives on this host, in words; None where nobody does. The lock is not touched,
    so that whoever wants it at this moment gets it.

    Args:
        other_than: a process that does not count.
    """
    note = path.with_suffix(".owner.json")
    try:
        owner = read_json(note)
        started = datetime.fromisoformat(owner["started"]).timestamp()
        lives = owner["host"] == platform.node() and still_runs(owner["pid"], started) and owner["pid"] != other_than
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return _description(note) if lives else None


def remove_if_free(path: Path) -> bool:
    """Remove a lock's file unless a process holds the lock; returns whether it was free.

    Safe only for a lock that nobody will want again, such as one that is named after its one owner.
    """
    lock = _lock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    path.unlink(missing_ok=True)
    lock.release()
    return True


def _lock(path: Path) -> FileLock:
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path)


def _wait(lock: FileLock, while_waiting: str | None) -> None:
    if while_waiting:
        log.warning("%s; waiting for it to end", while_waiting)
    started = time.monotonic()
    lock.acquire()
    if while_waiting:
        log.info("waited %.0f s", time.monotonic() - started)


def _owner(command: str) -> dict[str, Any]:
    return {
        "command": command,
        "pid": os.getpid(),
        "host": platform.node(),
        "python": sys.executable,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _description(note: Path) -> str:
    """Who holds the lock; the note is not there yet in the moment after the lock was taken."""
    try:
        owner: dict[str, Any] = read_json(note)
    except (OSError, ValueError):
        return "another command has just started"
    age = datetime.now(UTC) - datetime.fromisoformat(owner["started"])
    minutes = max(0, round(age.total_seconds() / 60))  # a clock may have been set back meanwhile
    return f"`{owner['command']}` (process {owner['pid']} on {owner['host']}, started {minutes} min ago)"
