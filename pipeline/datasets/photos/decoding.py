"""Encoded photos of all kinds → square RGB pixels."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

SMALLEST_SIDE = 4  # pixels
# Above this a JPEG is decoded at a half, a quarter or an eighth of its size, and any other kind is refused: one
# picture takes 150 MB at this size, and every core decodes one.
MOST_PIXELS = 50_000_000


class PhotoError(ValueError):
    """A file that cannot be read as a photo; the message says why."""


def decode_photo(source: Path | bytes, size: int) -> np.ndarray:
    """One photo → (size, size, 3) uint8 RGB: turned as its EXIF says, transparency on white, squeezed to a square.

    Grey, palette, CMYK, alpha and 16-bit pictures are all read; of an animation, the first frame.

    Raises:
        PhotoError: for a file that is no picture, is cut off, too small, too large, or has pixels of no known range.
    """
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as opened:
            _bound(opened, size)
            ImageOps.exif_transpose(opened, in_place=True)
            picture = _rgb(opened)
        # Pillow widens the filter when it shrinks, so nothing is skipped (antialiasing).
        return np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR))
    except PhotoError:
        raise
    except Exception as error:  # damaged files make the decoders raise nearly anything
        raise PhotoError(_reason(error, source)) from error


def _bound(opened: Image.Image, size: int) -> None:
    """Refuse pictures that show nothing or would fill the memory; let a large JPEG be decoded at a smaller scale."""
    if min(opened.size) < SMALLEST_SIDE:
        raise PhotoError(f"is {opened.width}×{opened.height} pixels, too small to show anything")
    if opened.width * opened.height > MOST_PIXELS:
        opened.draft("RGB", (4 * size, 4 * size))  # JPEG alone knows it, and stays above the size asked for
    if opened.width * opened.height > MOST_PIXELS:
        millions = f"{opened.width * opened.height / 1e6:.0f} million"
        raise PhotoError(f"has {millions} pixels, more than {MOST_PIXELS // 10**6} million; make it smaller")


def _rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):  # 16 bits; "I" is how some decoders hand them over
        values = np.asarray(picture).astype(np.int32).clip(0, 65535)
        return Image.fromarray((values // 257).astype(np.uint8)).convert("RGB")
    if picture.mode == "F":
        raise PhotoError("has floating-point pixels, whose range is unknown; convert it to 8 or 16 bits")
    if picture.mode == "RGB" and not picture.has_transparency_data:
        return picture  # as most are: another copy would cost a third of the time
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
    if isinstance(error, OSError) and error.errno is not None:
        return f"cannot be read: {error.strerror}"
    return f"cannot be decoded: {' '.join(str(error).split()) or type(error).__name__}"
