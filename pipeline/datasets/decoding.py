"""Encoded photos of all kinds → square RGB pixels."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from PIL import Image, ImageOps, UnidentifiedImageError

CHUNK = 256  # photos decoded ahead of writing; bounds the memory


class PhotoError(ValueError):
    """A file that cannot be read as a photo; the message says why."""


@dataclass(frozen=True)
class Decoded:
    """Photos in the order of their files.

    Attributes:
        images: (N, size, size, 3) uint8, on disk; rows of unreadable files are black.
        digests: SHA-256 of each row's pixels; None for unreadable files.
        failures: {row: why it could not be read}.
    """

    images: np.ndarray
    digests: list[str | None]
    failures: dict[int, str]


def decode_photo(source: Path | bytes, size: int) -> np.ndarray:
    """One photo → (size, size, 3) uint8 RGB: turned as its EXIF says, transparency on white, squeezed to a square.

    Grey, palette, CMYK, alpha and 16-bit pictures are all read; of an animation, the first frame.

    Raises:
        PhotoError: for a file that is no picture, is cut off, or has pixels without a known range.
    """
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as opened:
            picture = _rgb(ImageOps.exif_transpose(opened))
        # Pillow widens the filter when it shrinks, so nothing is skipped (antialiasing).
        return np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR))
    except PhotoError:
        raise
    except Exception as error:  # damaged files make the decoders raise nearly anything
        raise PhotoError(_reason(error, source)) from error


def decode_photos(files: Sequence[Path], size: int, scratch: Path) -> Decoded:
    """All photos, several at a time, written to the .npy file `scratch` as they come: memory stays bounded."""
    images = open_memmap(scratch, mode="w+", dtype=np.uint8, shape=(len(files), size, size, 3))
    digests: list[str | None] = []
    failures: dict[int, str] = {}
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for start in range(0, len(files), CHUNK):
            for pixels in threads.map(lambda file: _decode_or_reason(file, size), files[start : start + CHUNK]):
                row = len(digests)
                if isinstance(pixels, str):
                    failures[row] = pixels
                    digests.append(None)
                else:
                    images[row] = pixels
                    digests.append(hashlib.sha256(pixels.tobytes()).hexdigest())
    return Decoded(images, digests, failures)


def _decode_or_reason(file: Path, size: int) -> np.ndarray | str:
    try:
        return decode_photo(file, size)
    except PhotoError as error:
        return str(error)


def _rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):  # 16 bits; "I" is how some decoders hand them over
        values = np.asarray(picture).astype(np.int64).clip(0, 65535)
        return Image.fromarray((values // 257).astype(np.uint8)).convert("RGB")
    if picture.mode == "F":
        raise PhotoError("has floating-point pixels, whose range is unknown; convert it to 8 or 16 bits")
    if picture.has_transparency_data:
        opaque = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(opaque, picture.convert("RGBA")).convert("RGB")
    return picture.convert("RGB")


def _reason(error: Exception, source: Path | bytes) -> str:
    if isinstance(error, UnidentifiedImageError):
        empty = not (source if isinstance(source, bytes) else source.stat().st_size)
        return "is empty" if empty else "is not a picture of a known kind"
    if isinstance(error, Image.DecompressionBombError):
        return "has more pixels than a photo can have"
    return f"cannot be decoded: {' '.join(str(error).split()) or type(error).__name__}"
