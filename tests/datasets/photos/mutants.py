"""Photos with something wrong in them: whole files of each kind, changed at random and the same for the same number.

    python -m tests.datasets.photos.mutants jpeg 0 500          # read mutants 0 to 499 of a JPEG, say what came of them
    python -m tests.datasets.photos.mutants jpeg 0 1000000 60   # as many as can be read within 60 seconds

It sets bounds of its own process (memory, seconds for one photo), so that a mutant that breaks them ends this process
alone; stderr's last line then names the mutant.
"""

from __future__ import annotations

import faulthandler
import io
import json
import random
import resource
import struct
import sys
import time
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pipeline.datasets.photos.decoding import PhotoError, decode

SIZE = 32  # pixels a side that photos are read at
SECONDS = 30  # that one photo may take, on a machine with other work
EXTREMES = (0, 1, 2, 3, 7, 8, 15, 16, 127, 128, 255, 256, 32767, 32768, 65500, 65535, 2**31 - 1, 2**31, 2**32 - 1)
ADDRESSES = 8 << 30  # bytes: only keeps the machine; what is taken is measured


def _scene(mode: str = "RGB", size: tuple[int, int] = (45, 38)) -> Image.Image:
    """Smooth areas and noise, so that coders use all that they have."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[: size[1], : size[0]]
    pixels = np.stack([x * 5, y * 6, (x + y) * 3], axis=-1) % 256
    pixels[10:20, 10:30] = rng.integers(0, 256, (10, 20, 3))
    return Image.fromarray(pixels.astype(np.uint8)).convert(mode)


def _deep(size: tuple[int, int] = (45, 38)) -> Image.Image:
    return Image.fromarray((np.arange(size[0] * size[1]) * 37 % 65536).reshape(size[::-1]).astype(np.uint16))


def _saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Camera"
    return exif


def _animated(kind: str, **options: Any) -> bytes:
    frames = [_scene().rotate(30 * turn) for turn in range(3)]
    return _saved(frames[0], kind, save_all=True, append_images=frames[1:], **options)


def _heic() -> list[bytes]:
    from pillow_heif import from_pillow

    buffer = io.BytesIO()
    from_pillow(_scene()).save(buffer)
    return [buffer.getvalue()]


@cache
def originals(kind: str) -> list[bytes]:
    """Whole files of one kind, in the variants that people have."""
    return ORIGINALS[kind]()


ORIGINALS: dict[str, Callable[[], list[bytes]]] = {
    "jpeg": lambda: [
        _saved(_scene(), "JPEG", exif=_exif()),
        _saved(_scene(), "JPEG", progressive=True),
        _saved(_scene("L"), "JPEG", restart_marker_blocks=2),
        _saved(_scene("CMYK"), "JPEG"),
        _saved(_scene(), "MPO", save_all=True, append_images=[_scene()]),
    ],
    "png": lambda: [
        _saved(_scene(), "PNG"),
        _saved(_scene("RGBA"), "PNG", exif=_exif()),
        _saved(_scene("P"), "PNG", transparency=3),
        _saved(_scene("1"), "PNG"),
        _saved(_deep(), "PNG"),
        _animated("PNG"),
    ],
    "tiff": lambda: [
        _saved(_scene(), "TIFF", exif=_exif()),
        *(
            _saved(_scene(), "TIFF", compression=name)
            for name in ("tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits")
        ),
        _saved(_scene("1"), "TIFF", compression="group4"),
        _saved(_scene("YCbCr"), "TIFF"),
        _saved(_deep(), "TIFF"),
        _saved(_scene("F"), "TIFF"),
        _saved(_scene(), "TIFF", big_tiff=True),
    ],
    "gif": lambda: [_saved(_scene("P"), "GIF"), _saved(_scene("P"), "GIF", transparency=1), _animated("GIF")],
    "webp": lambda: [
        _saved(_scene(), "WEBP", exif=_exif()),
        _saved(_scene("RGBA"), "WEBP", lossless=True),
        _saved(_scene("RGBA"), "WEBP"),
        _animated("WEBP"),
    ],
    "avif": lambda: [_saved(_scene(), "AVIF"), _saved(_scene("RGBA"), "AVIF", exif=_exif()), _animated("AVIF")],
    "heic": _heic,
    "jpeg2000": lambda: [_saved(_scene(), "JPEG2000"), _saved(_scene("L"), "JPEG2000", no_jp2=True)],
    "bmp": lambda: [
        _saved(_scene(), "BMP"),
        _saved(_scene("P"), "BMP"),
        _saved(_scene("1"), "BMP"),
        _saved(_scene("RGBA"), "BMP"),
        _saved(_scene(), "ICO"),
    ],
}


def mutant(kind: str, number: int) -> bytes:
    """One file, the same for the same number: an original with one to four changes, most of them near its beginning."""
    rng = random.Random(f"{kind} {number}")
    content = rng.choice(originals(kind))
    for _ in range(rng.choice((1, 1, 2, 3, 4))):
        content = rng.choice(CHANGES)(content, rng) or b"\0"
    return _with_checksums(content) if rng.random() < 0.9 else content


def _place(content: bytes, rng: random.Random) -> int:
    """Somewhere, and as often as not in the first bytes, where files say what they hold."""
    return rng.randrange(min(len(content), 256) if rng.random() < 0.5 else len(content))


def _flip(content: bytes, rng: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 4, 32))):
        changed[_place(content, rng)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _overwrite(content: bytes, rng: random.Random) -> bytes:
    """A number in place of another: counts, offsets and sides are where decoders believe too much."""
    form = rng.choice((">B", "<H", ">H", "<I", ">I"))
    value = rng.choice(EXTREMES) if rng.random() < 0.7 else rng.randrange(2**32)
    number = struct.pack(form, value % 256 ** struct.calcsize(form))
    at = _place(content, rng)
    return content[:at] + number + content[at + len(number) :]


def _cut(content: bytes, rng: random.Random) -> bytes:
    return content[: _place(content, rng)]


def _remove(content: bytes, rng: random.Random) -> bytes:
    at = _place(content, rng)
    return content[:at] + content[at + rng.randrange(1, 64) :]


def _repeat(content: bytes, rng: random.Random) -> bytes:
    at, length, times = _place(content, rng), rng.randrange(1, 512), rng.choice((1, 1, 2, 50))
    return content[:at] + content[at : at + length] * times + content[at:]


def _noise(content: bytes, rng: random.Random) -> bytes:
    at, length = _place(content, rng), rng.randrange(1, 200)
    return content[:at] + rng.randbytes(length) + content[at + length :]


def _splice(content: bytes, rng: random.Random) -> bytes:
    """The end of a photo of another kind."""
    other = rng.choice(originals(rng.choice(list(ORIGINALS))))
    return content[: _place(content, rng)] + other[_place(other, rng) :]


def _sides(content: bytes, rng: random.Random) -> bytes:
    """Another width and height, where the kind's header has them."""
    width, height = (rng.choice((0, 1, 5, 300, 7000, 13000, 65500, 65535)) for _ in range(2))
    if content[:2] == b"\xff\xd8":
        frame = max(content.find(b"\xff\xc0"), content.find(b"\xff\xc2"))
        return content[: frame + 5] + struct.pack(">HH", height, width) + content[frame + 9 :]
    at, form = {b"\x89PNG": (16, ">II"), b"GIF8": (6, "<HH"), b"BM": (18, "<II")}.get(
        content[:2] if content[:2] == b"BM" else content[:4], (0, "")
    )
    if not form or len(content) < at + struct.calcsize(form):
        return _overwrite(content, rng)
    return content[:at] + struct.pack(form, width, height) + content[at + struct.calcsize(form) :]


CHANGES = (_flip, _overwrite, _overwrite, _cut, _remove, _repeat, _noise, _splice, _sides)


def _with_checksums(content: bytes) -> bytes:
    """A PNG with each chunk's checksum mended: else it is what stops most mutants, and the decoder never sees them."""
    if content[:8] != b"\x89PNG\r\n\x1a\n":
        return content
    mended, at = bytearray(content), 8
    while at + 12 <= len(content):
        end = at + 8 + int.from_bytes(content[at : at + 4], "big")
        if end + 4 > len(content):
            break
        mended[end : end + 4] = zlib.crc32(content[at + 4 : end]).to_bytes(4, "big")
        at = end + 4
    return bytes(mended)


def _numbers(first: int, count: int, seconds: float) -> Iterator[int]:
    end = time.monotonic() + seconds
    for number in range(first, first + count):
        if time.monotonic() > end:
            return
        yield number


def read_mutants(kind: str, first: int, count: int, seconds: float = float("inf")) -> dict[str, Any]:
    """What came of some mutants: how many were read, why others were left out, and the most that one took."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
    read, reasons, wrong, slowest, largest = 0, Counter[str](), dict[int, str](), (0.0, first), (0, first)
    for number in _numbers(first, count, seconds):
        print(f"{kind} {number}", file=sys.stderr, flush=True)
        content, begun = mutant(kind, number), time.monotonic()
        faulthandler.dump_traceback_later(SECONDS, exit=True)
        try:
            decoded = decode(content, SIZE)
            read += 1
            if decoded.pixels.shape != (SIZE, SIZE, 3) or decoded.pixels.dtype != np.uint8:
                wrong[number] = f"read as {decoded.pixels.dtype} {decoded.pixels.shape}"
        except PhotoError as error:
            reasons[str(error)] += 1
            if "MemoryError" in str(error):
                wrong[number] = str(error)
        except Exception as error:
            wrong[number] = f"{type(error).__name__}: {error}"
        faulthandler.cancel_dump_traceback_later()
        slowest = max(slowest, (time.monotonic() - begun, number))
        largest = max(largest, (most_held(), -number))
    return {
        "read": read,
        "reasons": dict(reasons.most_common()),
        "wrong": wrong,
        "slowest": slowest,
        "largest": [largest[0], -largest[1]],
    }


def most_held() -> int:
    """Bytes of memory that this process held at most; ru_maxrss counts what its parent held when it started it."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # as reading does
    faulthandler.enable()
    bound = [float(argument) for argument in sys.argv[4:]]
    print(json.dumps(read_mutants(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), *bound)))
