"""A queue of what is still to be sent: an item leaves only after the receiver has taken it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Outbox(Generic[Item]):
    """Filled by one thread, emptied by another.

    Args:
        room: how many items may wait.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._items: deque[Item] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def put(self, item: Item) -> bool:
        """Never waits; False where there is no room."""
        with self._changed:
            if len(self._items) >= self._room:
                return False
            self._items.append(item)
            self._changed.notify_all()
            return True

    def close(self) -> None:
        """Nothing more will come."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def first(self, most: int) -> list[Item]:
        """The items that have waited longest, which stay until `sent`; waits for one; empty once all are sent."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closed)
            return list(islice(self._items, most))

    def sent(self, items: Iterable[Item]) -> None:
        """These, the first ones, have arrived."""
        with self._changed:
            for _ in items:
                self._items.popleft()

    def closes_within(self, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._closed, seconds)
