"""Corruptions of photos in the manner of ImageNet-C (Hendrycks and Dietterich 2019), for photos of any size.

Kinds and strengths are theirs (fog is made of 1/f noise in place of a plasma fractal). They are made for photos of
224 pixels a side; lengths in pixels are scaled to the photo's side, so that the same share of it is blurred.
Each works on one photo, (S, S, 3) float64 in 0…1, takes a severity of 1 to 5, and draws from the generator it is given.
A new one is a function here and its name in CORRUPTIONS; params.yaml may then name it.

SciPy and scikit-image are imported where they are used, so that `check` can read the names without loading them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from pipeline.params.schema.reading import did_you_mean

Photo = NDArray[np.float64]
SIDE = 224  # pixels, for which ImageNet-C gives its lengths


def corrupt(images: NDArray[np.uint8], kind: str, severity: int, first: int = 0) -> NDArray[np.uint8]:
    """(N, S, S, 3) uint8 → the same, corrupted; what is drawn depends on kind, severity and a photo's place alone.

    Args:
        first: the place of the first of them among all.
    """
    corrupted = np.empty_like(images)
    for place, image in enumerate(images):
        random = np.random.default_rng([crc32(kind.encode()), severity, first + place])
        photo = CORRUPTIONS[kind](image / 255, severity, random)
        corrupted[place] = np.rint(np.clip(photo, 0, 1) * 255)
    return corrupted


def gaussian_noise(photo: Photo, severity: int, random: Generator) -> Photo:
    return photo + random.normal(scale=(0.08, 0.12, 0.18, 0.26, 0.38)[severity - 1], size=photo.shape)


def shot_noise(photo: Photo, severity: int, random: Generator) -> Photo:
    photons = (60, 25, 12, 5, 3)[severity - 1]
    return random.poisson(photo * photons) / photons


def impulse_noise(photo: Photo, severity: int, random: Generator) -> Photo:
    from skimage.util import random_noise

    return random_noise(photo, mode="s&p", amount=(0.03, 0.06, 0.09, 0.17, 0.27)[severity - 1], rng=random)


def defocus_blur(photo: Photo, severity: int, random: Generator) -> Photo:
    from scipy.ndimage import convolve

    kernel = disk((3, 4, 6, 8, 10)[severity - 1] * len(photo) / SIDE)
    return np.stack([convolve(photo[..., channel], kernel, mode="reflect") for channel in range(3)], axis=-1)


def zoom_blur(photo: Photo, severity: int, random: Generator) -> Photo:
    """The mean of the photo and of its middle, enlarged by more and more."""
    furthest, step = ((1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03))[severity - 1]
    enlarged = [_middle_enlarged(photo, factor) for factor in np.arange(1, furthest, step)]
    return np.mean([photo, *enlarged], axis=0)


def fog(photo: Photo, severity: int, random: Generator) -> Photo:
    amount, roughness = ((1.5, 2.0), (2.0, 2.0), (2.5, 1.7), (2.5, 1.5), (3.0, 1.4))[severity - 1]
    brightest = max(float(photo.max()), 1e-6)
    fogged = photo + amount * clouds(len(photo), roughness, random)[..., None]
    return fogged * brightest / (brightest + amount)


def brightness(photo: Photo, severity: int, random: Generator) -> Photo:
    from skimage.color import hsv2rgb, rgb2hsv

    hsv = rgb2hsv(photo)
    hsv[..., 2] = np.clip(hsv[..., 2] + (0.1, 0.2, 0.3, 0.4, 0.5)[severity - 1], 0, 1)
    return hsv2rgb(hsv)


def contrast(photo: Photo, severity: int, random: Generator) -> Photo:
    means = photo.mean(axis=(0, 1), keepdims=True)
    return (photo - means) * (0.4, 0.3, 0.2, 0.1, 0.05)[severity - 1] + means


def pixelate(photo: Photo, severity: int, random: Generator) -> Photo:
    side = len(photo)
    small = max(1, int(side * (0.6, 0.5, 0.4, 0.3, 0.25)[severity - 1]))
    reduced = _picture(photo).resize((small, small), Image.Resampling.BOX)
    return np.asarray(reduced.resize((side, side), Image.Resampling.BOX)) / 255


def jpeg_compression(photo: Photo, severity: int, random: Generator) -> Photo:
    stream = BytesIO()
    _picture(photo).save(stream, "JPEG", quality=(25, 18, 15, 10, 7)[severity - 1])
    return np.asarray(Image.open(stream)) / 255


CORRUPTIONS: dict[str, Callable[[Photo, int, Generator], Photo]] = {
    corruption.__name__: corruption
    for corruption in (
        gaussian_noise,
        shot_noise,
        impulse_noise,
        defocus_blur,
        zoom_blur,
        fog,
        brightness,
        contrast,
        pixelate,
        jpeg_compression,
    )
}


def corruption_faults(kinds: Sequence[str], path: Path) -> Iterator[str]:
    """One line for each name under evaluation.robustness.corruptions that is no corruption.

    Args:
        path: the file that names them, such as params.yaml.
    """
    for place, kind in enumerate(kinds):
        if kind not in CORRUPTIONS:
            known = did_you_mean(kind, list(CORRUPTIONS))
            yield f"{path}: evaluation.robustness.corruptions[{place}] = {kind!r}: there is no such corruption{known}"


def disk(radius: float) -> NDArray[np.float64]:
    """A filled circle as a kernel that sums to 1; a pixel on its edge counts in part, so any radius differs."""
    reach = int(np.ceil(radius))
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    inside = np.clip(radius + 0.5 - np.hypot(rows, columns), 0, 1)
    return inside / inside.sum()


def clouds(side: int, roughness: float, random: Generator) -> NDArray[np.float64]:
    """(side, side) in 0…1: noise whose amplitude falls with its frequency to the power of `roughness`."""
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None, :])
    frequency[0, 0] = np.inf
    height = np.fft.ifft2(np.fft.fft2(random.normal(size=(side, side))) * frequency**-roughness).real
    return (height - height.min()) / max(float(np.ptp(height)), 1e-12)


def _middle_enlarged(photo: Photo, factor: float) -> Photo:
    from scipy.ndimage import zoom

    side = len(photo)
    kept = int(np.ceil(side / factor))
    start = (side - kept) // 2
    enlarged = zoom(photo[start : start + kept, start : start + kept], (side / kept, side / kept, 1), order=1)
    return enlarged[:side, :side]


def _picture(photo: Photo) -> Image.Image:
    return Image.fromarray(np.rint(np.clip(photo, 0, 1) * 255).astype(np.uint8))
