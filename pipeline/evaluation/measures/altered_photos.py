"""Altered test photos, made once for all candidates and kept.

metrics.json carries the hash of the pixels that a candidate saw, so `compare` can see that they were the same for all.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from pipeline.evaluation.measures import alterations, corruptions
from pipeline.evaluation.measures.alterations import Alteration, Images
from pipeline.ground.fingerprints import hash_path
from pipeline.ground.kept import KeptArrays, hash_array, hash_facts

LIBRARIES = ("numpy", "pillow", "scikit-image", "scipy")


class AlteredPhotos:
    """Altered versions of the same photos, found or made.

    Args:
        images: (N, S, S, 3) uint8, the photos as they are.
    """

    def __init__(self, images: Images, kept: KeptArrays) -> None:
        self._images, self._kept = images, kept
        code = [hash_path(Path(str(module.__file__))) for module in (alterations, corruptions)]
        self._facts = [hash_array(images), code, [version(library) for library in LIBRARIES]]

    def version(self, alteration: Alteration) -> Images:
        """Memory-mapped where it is kept."""
        key = hash_facts([alteration.name, *self._facts])
        return self._kept.find_or_make(key, lambda: alteration.of(self._images))
