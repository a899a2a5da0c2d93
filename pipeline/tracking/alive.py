"""Which live runs still have a process that writes them: one operating-system lock each, free once it is dead.

A process identifier would not do: it is given out again, and differs inside a container.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.locks import hold, remove_if_free
from pipeline.tracking.store import home

FOLDER = Path(".kiyas/live")


@contextmanager
def living(name: str) -> Iterator[None]:
    """Hold the lock of this name, which no other live run has."""
    path = _path(name)
    with hold(path):
        yield
        path.unlink(missing_ok=True)


def is_living(name: str | None) -> bool:
    """Whether a process holds the lock; what a dead one left is removed."""
    if not name or not (path := _path(name)).exists():
        return False
    return not remove_if_free(path)


def _path(name: str) -> Path:
    return home() / FOLDER / Path(name).name
