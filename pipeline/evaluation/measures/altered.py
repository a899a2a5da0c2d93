"""Altered test photos, made once for all candidates and kept.

metrics.json carries the hash of the pixels that a candidate saw, so `compare` can see that they were the same for all.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from pipeline.evaluation.answers.kept import KeptArrays, hash_pixels
from pipeline.evaluation.measures import alterations, corruptions
from pipeline.evaluation.measures.alterations import Alteration, Images
from pipeline.fingerprints import hash_path

LIBRARIES = ("numpy", "pillow", "scikit-image", "scipy")


class AlteredStore:
    """Finds or makes altered versions of the same photos.

    Args:
        images: (N, S, S, 3) uint8, the photos as they are.
    """

    def __init__(self, images: Images, kept: KeptArrays) -> None:
        self.images, self.kept = images, kept
        code = [hash_path(Path(str(module.__file__))) for module in (alterations, corruptions)]
        self._facts = [hash_pixels(images), code, [version(library) for library in LIBRARIES]]

    def get(self, alteration: Alteration) -> Images:
        """The photos in that version, memory-mapped where they are kept."""
        return self.kept.get([alteration.name, *self._facts], lambda: alteration.of(self.images))
