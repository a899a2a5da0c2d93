"""Encoded photos of all kinds → square RGB pixels."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import cast

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

SMALLEST_SIDE = 4  # pixels
# Above this a JPEG is decoded at a half, a quarter or an eighth of its size, and any other kind is refused: one picture
# takes 150 to 500 MB at this size (ten bytes a pixel with transparency, of 16 bits too), and every core decodes one.
MOST_PIXELS = 50_000_000
MOST_COEFFICIENTS = 300_000_000  # of a JPEG of several scans: two bytes each, and all are held whatever its scale
WHITE, DEPTHS = 2**16 - 1, (8, 10, 12, 14, 16)
STRIP = 512  # rows that are put on white, or scaled, at a time
MOST_SCANS = 100  # of a JPEG, each of which goes over the whole picture; cameras write one, or about ten
SCAN = b"\xff\xda"  # where a scan begins; in a scan's own data 0xFF is never followed by 0xDA
MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd8])", re.DOTALL)  # of a JPEG's segment; its length stands behind it
END = b"\xd9"
# Pillow knows more, of which some start other programs (EPS: Ghostscript) and none is what cameras or pages have.
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "DIB", "TIFF", "WEBP", "AVIF", "JPEG2000", "PPM", "TGA", "ICO", "PCX")
HEIF = "is HEIC, which is read where the package pillow-heif is installed: pip install pillow-heif"


class PhotoError(ValueError):
    """A file that cannot be read as a photo; the message says why."""


@dataclass(frozen=True)
class DecodedPhoto:
    """
    Attributes:
        pixels: (size, size, 3) uint8 RGB.
        largest: the largest value of a picture with more than 8 bits a pixel; 0 of any other.
    """

    pixels: np.ndarray
    largest: int = 0


def decode_photo(source: Path | bytes, size: int, white: int = WHITE) -> np.ndarray:
    """One photo → (size, size, 3) uint8 RGB: turned as its EXIF says, transparency on white, squeezed to a square.

    Grey, palette, CMYK, alpha and 16-bit pictures are all read; of an animation, the first frame.

    Args:
        white: the value of white in pictures of 16 bits; 4095 where these use 12 of them.

    Raises:
        PhotoError: for a file that is no picture, is cut off, too small, too large, or has pixels of no known range.
    """
    return decode(source, size, white).pixels


def decode(source: Path | bytes, size: int, white: int = WHITE) -> DecodedPhoto:
    """As decode_photo, and how much of its range a picture with more than 8 bits uses."""
    try:
        with open_photo(source) as opened:
            _refuse_many_scans(opened, source)
            _bound(opened, size)
            rawmode = _rawmode(opened)
            _turn(opened)
            largest = _largest(opened)
            picture = _rgb(opened, white)
        # Pillow widens the filter when it shrinks, so nothing is skipped (antialiasing).
        pixels = np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR))
        _refuse_lost_bits(picture, rawmode)
        return DecodedPhoto(pixels, largest)
    except PhotoError:
        raise
    except Exception as error:  # damaged files make the decoders raise nearly anything
        raise PhotoError(_reason(error, source)) from error


def size_of(file: Path) -> tuple[int, int]:
    """(width, height) as the head of the file says. Nothing is decoded, so what is cut off further down is not seen.

    Raises:
        PhotoError: for a file that is no picture, or one of a size that is not read.
    """
    try:
        with open_photo(file) as opened:
            size = opened.size
            _bound(opened, SMALLEST_SIDE)
        return size
    except PhotoError:
        raise
    except Exception as error:  # damaged files make the readers of heads raise nearly anything
        raise PhotoError(_reason(error, file)) from error


def white_of(largest: int) -> int:
    """White in pictures of 16 bits that go no further than `largest`: cameras may fill 8, 10, 12 or 14 of them."""
    return next((2**bits - 1 for bits in DEPTHS if largest < 2**bits), WHITE) if largest else WHITE


def heif_version() -> str | None:
    """Of pillow-heif, where it is installed."""
    try:
        return version("pillow-heif")
    except PackageNotFoundError:
        return None


def open_photo(source: Path | bytes) -> Image.Image:
    """Of every kind that is read, with its head alone; nothing is decoded."""
    try:
        return Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS)
    except UnidentifiedImageError:
        if not _is_heif(_head(source)):
            raise
    try:
        from pillow_heif import HeifImageFile
    except ImportError:
        raise PhotoError(HEIF) from None
    return cast(Image.Image, HeifImageFile(io.BytesIO(source) if isinstance(source, bytes) else source))


def _bound(opened: Image.Image, size: int) -> None:
    """Refuse pictures that show nothing or would fill the memory; let a large JPEG be decoded at a smaller scale."""
    if min(opened.size) < SMALLEST_SIDE:
        raise PhotoError(f"is {opened.width}×{opened.height} pixels, too small to show anything")
    _refuse_many_coefficients(opened)
    if opened.width * opened.height > MOST_PIXELS:
        opened.draft("RGB", (4 * size, 4 * size))  # JPEG alone knows it, and stays above the size asked for
    if opened.width * opened.height > MOST_PIXELS:
        millions = f"{opened.width * opened.height / 1e6:.0f} million"
        raise PhotoError(f"has {millions} pixels, more than {MOST_PIXELS // 10**6} million; make it smaller")


def _refuse_many_coefficients(opened: Image.Image) -> None:
    if opened.info.get("progressive") and _coefficients(opened) > MOST_COEFFICIENTS:
        raise PhotoError(
            f"is a progressive JPEG of {opened.width}×{opened.height} pixels, which would fill the memory; make it "
            "smaller, or save it as a baseline JPEG"
        )


def _coefficients(opened: Image.Image) -> float:
    """Of a JPEG at its full size."""
    _, across, down, _ = zip(*opened.layer, strict=True)  # type: ignore[attr-defined]
    samples = sum(x * y for x, y in zip(across, down, strict=True)) / (max(across) * max(down))  # of a pixel
    return float(opened.width * opened.height * samples)


def _refuse_many_scans(opened: Image.Image, source: Path | bytes) -> None:
    """A small file with hundreds of scans would keep a core busy for many seconds; of one with several all
    coefficients are held, whether it calls itself progressive or not.
    """
    if opened.format not in ("JPEG", "MPO"):
        return
    content = source if isinstance(source, bytes) else source.read_bytes()
    if content.count(SCAN) > MOST_SCANS and (scans := _count_scans(content)) > MOST_SCANS:
        raise PhotoError(f"is a JPEG of {scans} scans, more than {MOST_SCANS}; save it anew")
    if not opened.info.get("progressive") and _coefficients(opened) > MOST_COEFFICIENTS and _count_scans(content) > 1:
        raise PhotoError(
            f"is a JPEG of {opened.width}×{opened.height} pixels in several scans, which would fill the memory; make "
            "it smaller, or save it anew"
        )


def _count_scans(content: bytes) -> int:
    """Of a JPEG's picture; not in what phones put before and behind it, such as a preview or a film."""
    scans, place = 0, 2
    while (marker := MARKER.search(content, place)) and marker[1] != END:
        scans += marker[0] == SCAN
        place = marker.end() + int.from_bytes(content[marker.end() : marker.end() + 2], "big")
    return scans


def _turn(opened: Image.Image) -> None:
    """As the EXIF says; a picture whose EXIF cannot be read, or not be written anew, is a picture all the same."""
    opened.load()
    try:
        ImageOps.exif_transpose(opened, in_place=True)
    except MemoryError:
        raise
    except Exception:
        return


def _largest(picture: Image.Image) -> int:
    """Of a picture with more than 8 bits a pixel.

    Raises:
        PhotoError: for values that are no brightness of 16 bits.
    """
    if not picture.mode.startswith("I"):  # 16 bits; "I" is how some decoders hand them over
        return 0
    ends = [(int(part.min()), int(part.max())) for part in _strips(picture)]
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    if low < 0 or high > WHITE:
        raise PhotoError(f"has pixels from {low} to {high}, a range that no 16 bits have; convert it to 8 bits")
    return high


def _rgb(picture: Image.Image, white: int) -> Image.Image:
    if picture.mode.startswith("I"):
        return _scaled(picture, white)
    if picture.mode == "F":
        raise PhotoError("has floating-point pixels, whose range is unknown; convert it to 8 or 16 bits")
    if picture.mode == "RGB" and not picture.has_transparency_data:
        return picture  # as most are: another copy would cost a third of the time
    if picture.has_transparency_data:
        return _on_white(picture)
    return picture.convert("RGB")


def _scaled(picture: Image.Image, white: int) -> Image.Image:
    """Grey of 16 bits in 8; strip by strip, as `_on_white`."""
    shown = [(part.astype(np.int32).clip(0, white) * 255 // white).astype(np.uint8) for part in _strips(picture)]
    return Image.fromarray(np.concatenate(shown)).convert("RGB")


def _strips(picture: Image.Image) -> Iterator[np.ndarray]:
    """Its values, STRIP rows at a time. Pillow itself knows no extrema of 16 bits in the order of bytes that big-endian
    machines had, as ImageJ writes them."""
    for top in range(0, picture.height, STRIP):
        yield np.asarray(picture.crop((0, top, picture.width, min(top + STRIP, picture.height))))


def _on_white(picture: Image.Image) -> Image.Image:
    """Strip by strip: whole copies of a large picture would take a gigabyte."""
    shown = Image.new("RGB", picture.size)
    for top in range(0, picture.height, STRIP):
        box = (0, top, picture.width, min(top + STRIP, picture.height))
        part = picture.crop(box).convert("RGBA")
        shown.paste(Image.alpha_composite(Image.new("RGBA", part.size, "white"), part).convert("RGB"), box)
    return shown


def _rawmode(opened: Image.Image) -> str:
    """How the file has its pixels, such as "RGB;16B"; empty where that is not known."""
    tiles = getattr(opened, "tile", None)
    arguments = tiles[0].args if tiles else ""
    rawmode = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return rawmode if isinstance(rawmode, str) else ""


def _refuse_lost_bits(picture: Image.Image, rawmode: str) -> None:
    """Of colours with 16 bits Pillow keeps the upper 8: of a file that uses the lower 12 it leaves 16 shades."""
    if ";16" in rawmode and picture.mode == "RGB" and not rawmode.startswith("I"):
        highest = max(high for _, high in picture.getextrema())  # type: ignore[misc]
        if highest < 16:
            raise PhotoError("has colours of 16 bits, of which it uses no more than 12; convert it to 8 bits")


def _head(source: Path | bytes) -> bytes:
    if isinstance(source, bytes):
        return source[:32]
    with source.open("rb") as stream:
        return stream.read(32)


def _is_heif(head: bytes) -> bool:
    return head[4:8] == b"ftyp" and head[8:12] in (
        b"heic",
        b"heix",
        b"hevc",
        b"hevx",
        b"heim",
        b"heis",
        b"mif1",
        b"msf1",
    )


def _reason(error: Exception, source: Path | bytes) -> str:
    if isinstance(error, UnidentifiedImageError):
        empty = not (source if isinstance(source, bytes) else source.stat().st_size)
        return "is empty" if empty else "is not a picture of a known kind"
    if isinstance(error, Image.DecompressionBombError):
        return "has more pixels than a photo can have"
    if isinstance(error, OSError) and error.errno is not None:
        return f"cannot be read: {error.strerror}"
    return f"cannot be decoded: {' '.join(str(error).split()) or type(error).__name__}"
