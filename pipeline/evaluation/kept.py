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

from pipeline.trials import make_room, replacing

FOLDER = Path(".kiyas/altered")
MAPS = "maps"  # beneath it
MOST_FOR_MAPS = 0.5  # of the limit, for those of one network
HASHED_AT_ONCE = 1024  # photos


class KeptArrays:
    """A folder of .npy files, each named by a hash of what it depends on; bounded in size, oldest out first.

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
        if not path.exists():
            made = make()
            if not self._make_room(made.nbytes):
                return made
            with replacing(path) as temporary, temporary.open("wb") as stream:
                np.save(stream, made, allow_pickle=False)
        mark_used(path)
        return np.load(path, mmap_mode="r", allow_pickle=False)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.npy"

    def _make_room(self, size: int) -> bool:
        """Whether there is room for that many bytes; maps give way first."""
        if size > self.limit:
            return False
        make_room(self.folder / MAPS, size + bytes_in(self.folder), self.limit)
        make_room(self.folder, size, self.limit)
        return True


class KeptMaps(KeptArrays):
    """What one network makes of photos, where that is maps: many times what rows take, so they have what these leave.

    All photos that are asked for have to fit, or none is kept: a set that pushes out its own beginning would be made
    anew each time. While a network is used, those of others are older.

    Args:
        facts: all that the network depends on.
    """

    def __init__(self, limit_gb: float, facts: list[Any], folder: Path = FOLDER) -> None:
        super().__init__(limit_gb, folder)
        self.network = hash_facts(facts)
        for file in (folder / MAPS).glob(f"{self.network}-*.npy"):
            mark_used(file)

    def fits(self, size: float) -> bool:
        """Whether a set of that many bytes in all is worth keeping."""
        return size <= self.limit * MOST_FOR_MAPS

    def _path(self, key: str) -> Path:
        return self.folder / MAPS / f"{self.network}-{key}.npy"

    def _make_room(self, size: int) -> bool:
        taken = size + bytes_in(self.folder)
        if taken > self.limit:
            return False
        make_room(self.folder / MAPS, taken, self.limit)
        return True


def mark_used(file: Path) -> None:
    """So that it is not the oldest; another process may have removed it, and nothing takes its place."""
    with suppress(FileNotFoundError):
        os.utime(file)


def bytes_in(folder: Path) -> int:
    """Of the arrays kept in a folder, without those in folders beneath it."""
    return sum(file.stat().st_size for file in folder.glob("[!.]*.npy"))


def hash_facts(facts: list[Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:32]


def hash_pixels(images: NDArray[Any]) -> str:
    """SHA-256 of the images (N, …), which may be memory-mapped: they are read a part at a time."""
    digest = hashlib.sha256(f"{images.shape}{images.dtype}".encode())
    for start in range(0, len(images), HASHED_AT_ONCE):
        digest.update(np.ascontiguousarray(images[start : start + HASHED_AT_ONCE]).tobytes())
    return digest.hexdigest()
