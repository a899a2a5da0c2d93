"""Many images in one .npy file, written and read piece by piece: never mapped, so that memory stays bounded."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
from numpy.lib.format import read_array_header_1_0, read_magic, write_array_header_1_0


class Images(Protocol):
    """(N, S, S, 3) uint8, in memory or in a file, read by rows."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __getitem__(self, rows: np.ndarray, /) -> np.ndarray: ...


@dataclass(frozen=True)
class PixelFile:
    """A .npy file of (N, size, size, 3) uint8, as np.save writes it. `images[rows]` reads those rows.

    A memory map would do the same, but what it has touched counts as the process' memory.
    """

    path: Path
    shape: tuple[int, ...]
    start: int  # of the first image, in bytes

    @staticmethod
    def create(path: Path, count: int, size: int) -> PixelFile:
        """A file of black images; what is never written takes no disk."""
        shape = (count, size, size, 3)
        with path.open("wb") as stream:
            start = write_header(stream, shape)
            stream.truncate(start + math.prod(shape))
        return PixelFile(path, shape, start)

    @staticmethod
    def open(path: Path) -> PixelFile:
        with path.open("rb") as stream:
            read_magic(stream)
            shape, _, _ = read_array_header_1_0(stream)
            return PixelFile(path, shape, stream.tell())

    @property
    def stride(self) -> int:
        """Bytes of one image."""
        return math.prod(self.shape[1:])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """(len(rows), size, size, 3), in the order of `rows`."""
        images = np.empty((len(rows), *self.shape[1:]), np.uint8)
        with self.path.open("rb", buffering=0) as stream:
            for image, row in zip(images, rows.tolist(), strict=True):
                stream.seek(self.start + row * self.stride)
                stream.readinto(image.data)
        return images

    def write(self, first: int, images: np.ndarray) -> None:
        """Put `images` into the rows from `first` on; several processes may, each its own rows."""
        with self.path.open("r+b") as stream:
            stream.seek(self.start + first * self.stride)
            stream.write(images.data)


def at_a_time(size: int, most: int) -> int:
    """How many images of that size to hold at once: `most`, or fewer where they are large (32 MB of pixels)."""
    return max(1, min(most, 32 * 2**20 // (size * size * 3)))


def write_header(stream: BinaryIO, shape: tuple[int, ...]) -> int:
    """The head of a .npy file of uint8; returns its length in bytes."""
    write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return stream.tell()
