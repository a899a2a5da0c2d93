"""Which live runs still have a process that writes them: each holds a lock, which is free once the process is dead."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.ground.locks import hold, remove_if_free
from pipeline.tracking.address import home_of, tracking_uri

FOLDER = Path(".kiyas/live")


@contextmanager
def living(name: str) -> Iterator[None]:
    """Hold the lock of this name, which no other live run has."""
    path = _path(name)
    with hold(path):
        yield
        path.unlink(missing_ok=True)


def is_living(name: str | None) -> bool:
    """Whether a process holds the lock of this name; the lock's file is removed if the process is dead."""
    if not name or not (path := _path(name)).exists():
        return False
    return not remove_if_free(path)


def _path(name: str) -> Path:
    """Only the last part of the name counts: it comes from the store, and must not lead out of the folder."""
    return home_of(tracking_uri()) / FOLDER / Path(name).name
