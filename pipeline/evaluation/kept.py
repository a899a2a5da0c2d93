"""Arrays that are made once for all candidates and kept in .kiyas: altered photos, and what frozen layers or engineered
features make of photos.

No stage of their own: they are pure functions of what `evaluate` depends on anyway (the test split, its parameters,
this code; the keys hold all of these), so DVC loses nothing, while an output would be hundreds of megabytes to push for
what is made again in seconds, and would have to exist for tables too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.trials import make_room, replacing

FOLDER = Path(".kiyas/altered")
HASHED_AT_ONCE = 1024  # photos


class KeptArrays:
    """A folder of .npy files, each named by a hash of what it depends on; bounded in size, oldest out first.

    Args:
        limit_gb: at most this much is kept; what does not fit is made and not kept.
    """

    def __init__(self, limit_gb: float, folder: Path = FOLDER) -> None:
        self.limit, self.folder = limit_gb * 1e9, folder

    def get(self, facts: list[Any], make: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        """What `make` gives, memory-mapped where it is kept.

        Args:
            facts: plain data; everything that the array depends on.
        """
        key = hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:32]
        path = self.folder / f"{key}.npy"
        if not path.exists():
            made = make()
            if made.nbytes > self.limit:
                return made
            make_room(self.folder, made.nbytes, self.limit)
            with replacing(path) as temporary, temporary.open("wb") as stream:
                np.save(stream, made, allow_pickle=False)
        path.touch()
        return np.load(path, mmap_mode="r", allow_pickle=False)


def hash_pixels(images: NDArray[Any]) -> str:
    """SHA-256 of the images (N, …), which may be memory-mapped: they are read a part at a time."""
    digest = hashlib.sha256(f"{images.shape}{images.dtype}".encode())
    for start in range(0, len(images), HASHED_AT_ONCE):
        digest.update(np.ascontiguousarray(images[start : start + HASHED_AT_ONCE]).tobytes())
    return digest.hexdigest()
