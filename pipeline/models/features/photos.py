"""What a classical model sees of a photo: scikit-learn transformers from raw images to rows of numbers.

Both start by reducing the photo to a fixed side, so the rows have one length whatever the photos' size, and
neither learns anything from data, so a matrix computed once serves every fold and every seed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.color import rgb2lab
from skimage.feature import hog
from sklearn.base import BaseEstimator, TransformerMixin

LAB_RANGE = ((0.0, 100.0), (-90.0, 100.0), (-110.0, 100.0))  # what sRGB can reach


class ReducedPixels(TransformerMixin, BaseEstimator):
    """The photo reduced to side×side by area averages, flattened: (N, H, W, 3) uint8 → (N, side²·3) float32 in 0…1."""

    def __init__(self, side: int = 32) -> None:
        self.side = side

    def fit(self, images: Any, labels: Any = None) -> ReducedPixels:
        return self

    def transform(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        check_images(images)
        rows = np.empty((len(images), self.side * self.side * 3), dtype=np.float32)
        for index, image in enumerate(images):
            rows[index] = reduce(image, self.side).reshape(-1)
        rows /= np.float32(255)  # in place: another copy may be gigabytes
        return rows

    def __sklearn_is_fitted__(self) -> bool:
        return True


class HogColour(TransformerMixin, BaseEstimator):
    """Edge directions and colours of a photo, each part of unit length so that both weigh the same.

    Edges: histograms of oriented gradients (Dalal and Triggs 2005), 2×2 cells a block, the channel with the
    strongest gradient. Colours: joint histogram in CIE Lab, square roots taken (the Hellinger kernel;
    Arandjelović and Zisserman 2012).

    (N, H, W, 3) uint8 → (N, F) float32; F = 708 with the defaults (324 edges, 384 colours).
    """

    def __init__(
        self, side: int = 64, cell: int = 16, orientations: int = 9, lab_bins: tuple[int, int, int] = (6, 8, 8)
    ) -> None:
        self.side = side
        self.cell = cell
        self.orientations = orientations
        self.lab_bins = lab_bins

    def fit(self, images: Any, labels: Any = None) -> HogColour:
        return self

    def transform(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        check_images(images)
        blocks = self.side // self.cell - 1
        edges = blocks * blocks * 4 * self.orientations
        rows = np.empty((len(images), edges + int(np.prod(self.lab_bins))), dtype=np.float32)
        for index, image in enumerate(images):
            reduced = reduce(image, self.side)
            rows[index, :edges] = self._edges(reduced)
            rows[index, edges:] = self._colours(reduced)
        return rows

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def _edges(self, image: NDArray[np.uint8]) -> NDArray[np.float64]:
        histograms = hog(
            image,
            orientations=self.orientations,
            pixels_per_cell=(self.cell, self.cell),
            cells_per_block=(2, 2),
            block_norm="L2-Hys",
            channel_axis=-1,
        )
        return histograms / max(float(np.linalg.norm(histograms)), 1e-12)

    def _colours(self, image: NDArray[np.uint8]) -> NDArray[np.float64]:
        pixels = rgb2lab(image).reshape(-1, 3)
        counts, _ = np.histogramdd(pixels, bins=tuple(self.lab_bins), range=LAB_RANGE)
        return np.sqrt(counts.reshape(-1) / len(pixels))


def reduce(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """One (H, W, 3) photo as (side, side, 3): averages over the area of each new pixel."""
    return np.asarray(Image.fromarray(np.ascontiguousarray(image)).resize((side, side), Image.Resampling.BOX))


def check_images(images: Any) -> None:
    """Raises ValueError unless `images` is a (N, H, W, 3) array of uint8."""
    shape, kind = getattr(images, "shape", None), getattr(images, "dtype", None)
    if shape is None or len(shape) != 4 or shape[-1] != 3 or kind != np.uint8:
        raise ValueError(f"expected images of shape (N, H, W, 3) and type uint8, got shape {shape} and type {kind}")
