"""Altered test photos, made once for all candidates and kept.

metrics.json carries the hash of the pixels that a candidate saw, so `compare` can see that they were the same for all.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from pipeline.evaluation.measures import alterations, corruptions
from pipeline.evaluation.measures.alterations import Alteration, Images
from pipeline.ground.fingerprints import hash_path
from pipeline.ground.kept import KeptArrays, Rows, hash_array, hash_facts

AT_ONCE = 256  # photos; a multiple of the four directions in which they are shifted
LIBRARIES = ("numpy", "pillow", "scikit-image", "scipy")


class AlteredPhotos:
    """Altered versions of the same photos, found or made.

    Args:
        images: (N, S, S, 3) uint8, the photos as they are; `SomeRows` reads them a slice at a time.
    """

    def __init__(self, images: Rows, kept: KeptArrays) -> None:
        self._images, self._kept = images, kept
        code = [hash_path(Path(str(module.__file__))) for module in (alterations, corruptions)]
        self._facts = [hash_array(images), code, [version(library) for library in LIBRARIES]]

    def version(self, alteration: Alteration) -> Images:
        """Memory-mapped where it is kept; in memory where that would be too much."""
        key = hash_facts([alteration.name, *self._facts])
        starts = range(0, len(self._images), AT_ONCE)
        pieces = (alteration.of(self._images[start : start + AT_ONCE], start) for start in starts)
        kept = self._kept.find_or_gather(key, len(self._images), lambda: pieces)
        return alteration.of(self._images[: len(self._images)]) if kept is None else kept
