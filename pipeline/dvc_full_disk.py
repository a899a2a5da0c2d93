"""DVC on a disk without room: its state (diskcache) tries again and again, at full speed and without a word, until
there is room, so that a command that started it would never end."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

STATE = Path(".kiyas/dvc-state")  # core.site_cache_dir in .dvc/config
LOOK = 5.0  # seconds between two looks at the disk
PATIENCE = 60.0  # seconds without room after which DVC is ended
LEAST = 64 * 1024  # bytes; its state asks for a page of 4 KB at a time
ROOM = 16 * 2**20  # bytes of disk without which nothing is begun that ends with DVC noting it
SENTENCE = (
    f"{STATE}: no space left on device, and DVC would try again without end; make room there (`python -m pipeline "
    "prune` removes results that are no longer named), then run this again: it goes on from there"
)


def refuse_full_disk() -> None:
    """Before DVC is used where nothing watches it: in this process, or after a stage.

    Raises:
        OSError: there is next to no room. What runs would notice where it writes, but DVC does not.
    """
    if _room() < ROOM:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), os.getcwd())


def run_on_any_disk(command: Sequence[str], **options: Any) -> tuple[subprocess.CompletedProcess[Any], bool]:
    """As `subprocess.run`, but that DVC is ended where `ended_on_full_disk` does that; whether it was so ended."""
    with subprocess.Popen(command, **options) as process:
        try:
            with ended_on_full_disk(process) as watched:
                printed, errors = process.communicate()
        except BaseException:  # such as Ctrl-C, which a terminal sends to DVC too: it may be about to end by itself
            with suppress(subprocess.TimeoutExpired):
                process.wait(LOOK)
            process.kill()
            raise
    return subprocess.CompletedProcess(command, process.returncode, printed, errors), watched.ended


@dataclass
class Watched:
    """
    Attributes:
        ended: whether DVC was ended because of the disk.
    """

    ended: bool = False


@contextmanager
def ended_on_full_disk(process: subprocess.Popen[Any]) -> Iterator[Watched]:
    """While the block lasts, DVC is ended once it has been without room for PATIENCE, unless a stage of it runs.

    A stage says by itself what it could not write. What DVC was about to note, the next run notes.
    """
    watched, over = Watched(), threading.Event()
    watcher = threading.Thread(target=_watch, args=(process, watched, over), daemon=True)
    watcher.start()
    try:
        yield watched
    finally:
        over.set()
        watcher.join()


def _watch(process: subprocess.Popen[Any], watched: Watched, over: threading.Event) -> None:
    since: float | None = None
    while not over.wait(LOOK) and process.poll() is None:
        if _room() >= LEAST or _has_stage(process.pid):
            since = None
            continue
        since = time.monotonic() if since is None else since
        if time.monotonic() - since >= PATIENCE:
            watched.ended = True
            process.terminate()
            return


def _room() -> int:
    """Bytes that are free where DVC has its state."""
    return shutil.disk_usage(STATE if STATE.is_dir() else os.curdir).free


def _has_stage(dvc: int) -> bool:
    with suppress(psutil.Error):
        return bool(psutil.Process(dvc).children())
    return False
