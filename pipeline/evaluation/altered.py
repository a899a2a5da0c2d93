"""Altered test photos, made once for all candidates and kept.

They stand in .kiyas, beside the kept activations, and not in a stage of their own: they are a pure function of what
`evaluate` depends on anyway (the test split, its parameters, this code; the key holds all of these), so DVC loses
nothing, while an output would be hundreds of megabytes to push for what is made again in seconds, and would have to
exist for tables too. metrics.json carries the hash of the pixels that a candidate saw, so `compare` can see that they
were the same for all.
"""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from pathlib import Path

import numpy as np

from pipeline.evaluation import alterations, corruptions
from pipeline.evaluation.alterations import Alteration, Images
from pipeline.trials import hash_path, replacing

FOLDER = Path(".kiyas/altered")
LIBRARIES = ("numpy", "pillow", "scikit-image", "scipy")


class AlteredStore:
    """Finds or makes altered versions of the same photos: one .npy file each, bounded in size, oldest out first.

    Args:
        images: (N, S, S, 3) uint8, the photos as they are.
        limit_gb: at most this much is kept; what does not fit is made and not kept.
    """

    def __init__(self, images: Images, limit_gb: float, folder: Path = FOLDER) -> None:
        self.images, self.limit, self.folder = images, limit_gb * 1e9, folder
        code = [hash_path(Path(str(module.__file__))) for module in (alterations, corruptions)]
        pixels = hashlib.sha256(np.ascontiguousarray(images).tobytes()).hexdigest()
        self._facts = [pixels, images.shape, code, [version(library) for library in LIBRARIES]]

    def get(self, alteration: Alteration) -> Images:
        """The photos in that version, memory-mapped where they are kept."""
        key = hashlib.sha256(json.dumps([alteration.name, *self._facts]).encode()).hexdigest()[:32]
        path = self.folder / f"{key}.npy"
        if not path.exists():
            altered = alteration.of(self.images)
            if altered.nbytes > self.limit:
                return altered
            self._make_room(altered.nbytes)
            with replacing(path) as temporary, temporary.open("wb") as stream:
                np.save(stream, altered, allow_pickle=False)
        path.touch()
        return np.load(path, mmap_mode="r", allow_pickle=False)

    def _make_room(self, size: int) -> None:
        kept = sorted(self.folder.glob("[!.]*.npy"), key=lambda file: file.stat().st_mtime)
        total = sum(file.stat().st_size for file in kept)
        while kept and total + size > self.limit:
            oldest = kept.pop(0)
            total -= oldest.stat().st_size
            oldest.unlink(missing_ok=True)
