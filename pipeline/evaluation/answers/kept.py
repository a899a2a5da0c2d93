"""Arrays that are made once for all candidates and kept in .kiyas: altered photos, and what frozen layers or engineered
features make of photos.

No stage of their own: they are pure functions of what `evaluate` depends on anyway (the test split, its parameters,
this code; the keys hold all of these), so DVC loses nothing, while an output would be hundreds of megabytes to push for
what is made again in seconds, and would have to exist for tables too.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.files import replacing
from pipeline.kept import make_room

FOLDER = Path(".kiyas/altered")
MOST_FOR_MAPS = 0.5  # of the limit, for those of one network
HASHED_AT_ONCE = 1024  # photos


class KeptArrays:
    """A folder of .npy files, each named by a hash of what it depends on; bounded in size, oldest out first.

    Other processes may add and remove files at any time.

    Args:
        limit_gb: at most this much is kept, maps included; what does not fit is made and not kept.
    """

    def __init__(self, limit_gb: float, folder: Path = FOLDER) -> None:
        self.limit, self.folder = limit_gb * 1e9, folder

    def get(self, facts: list[Any], make: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        """What `make` gives, memory-mapped where it is kept.

        Args:
            facts: plain data; everything that the array depends on.
        """
        path = self._path(hash_facts(facts))
        with suppress(FileNotFoundError):
            return open_kept(path)
        made = make()
        if made.nbytes > self.limit:
            return made
        remove_oldest(self.folder, made.nbytes, self.limit)
        with replacing(path) as temporary, temporary.open("wb") as stream:
            np.save(stream, made, allow_pickle=False)
        with suppress(FileNotFoundError):
            return open_kept(path)
        return made

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.npy"


class KeptMaps(KeptArrays):
    """What one network makes of photos, where that is maps: many times what rows take.

    All photos that are asked for have to fit, or none is kept: a set that pushes out its own beginning would be made
    anew each time. While a network is used, whatever else is no longer used is older and goes first, be it maps of
    another network, rows or photos.

    Args:
        facts: all that the network depends on.
    """

    def __init__(self, limit_gb: float, facts: list[Any], folder: Path = FOLDER) -> None:
        super().__init__(limit_gb, folder)
        self.network = hash_facts(facts)
        for file in folder.glob(f"maps-{self.network}-*.npy"):
            mark_used(file)

    def fits(self, size: float) -> bool:
        """Whether a set of that many bytes in all is worth keeping, which leaves as much for photos and rows."""
        return size <= self.limit * MOST_FOR_MAPS

    def _path(self, key: str) -> Path:
        return self.folder / f"maps-{self.network}-{key}.npy"


def open_kept(path: Path) -> NDArray[Any]:
    """Memory-mapped, and no longer the oldest.

    Raises:
        FileNotFoundError: it is not kept, or was removed just now.
    """
    mark_used(path)
    return np.load(path, mmap_mode="r", allow_pickle=False)


def mark_used(file: Path) -> None:
    """So that it is not the oldest; another process may have removed it, and nothing takes its place."""
    with suppress(FileNotFoundError):
        os.utime(file)


def remove_oldest(folder: Path, size: int, limit: float) -> None:
    """Make room for so many bytes, whatever else removes files there."""
    while True:
        try:
            return make_room(folder, size, limit)
        except FileNotFoundError:  # one that was just listed: there is more room now
            continue


def hash_facts(facts: list[Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:32]


def hash_pixels(images: NDArray[Any]) -> str:
    """SHA-256 of the images (N, …), which may be memory-mapped: they are read a part at a time."""
    digest = hashlib.sha256(f"{images.shape}{images.dtype}".encode())
    for start in range(0, len(images), HASHED_AT_ONCE):
        digest.update(np.ascontiguousarray(images[start : start + HASHED_AT_ONCE]).tobytes())
    return digest.hexdigest()
