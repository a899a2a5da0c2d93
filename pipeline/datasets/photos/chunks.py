"""What one of several processes does: read some photos, and write what came of them. It starts with few imports."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import threading
import warnings
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.datasets.photos.decoding import PhotoError, decode
from pipeline.datasets.photos.likeness import hash_and_sketch
from pipeline.datasets.store.pixels import PixelFile

KILLER = "ends the process that reads it"


@dataclass(frozen=True)
class Chunk:
    """Photos that are read in one go: their first row, and where the pixels and all else go.

    Attributes:
        white: the value of white in pictures of 16 bits.
    """

    first: int
    files: list[Path]
    images: PixelFile
    record: Path
    white: int


def read_chunk(chunk: Chunk, killers: Collection[int] = (), trace: Path | None = None) -> int:
    """Read one chunk and write what came of it; returns how many photos it has.

    Args:
        killers: rows that are not to be opened.
        trace: where the row is noted before it is opened.
    """
    size = chunk.images.shape[1]
    pixels = np.zeros((len(chunk.files), size, size, 3), np.uint8)
    digests, failures = np.zeros(len(chunk.files), "S64"), {}
    largest = np.zeros(len(chunk.files), np.int32)
    for row, file in enumerate(chunk.files):
        if chunk.first + row in killers:
            failures[chunk.first + row] = KILLER
            continue
        if trace is not None:
            trace.write_text(str(chunk.first + row))
        try:
            decoded = decode(file, size, chunk.white)
            pixels[row], largest[row] = decoded.pixels, decoded.largest
        except PhotoError as error:
            failures[chunk.first + row] = str(error)
            continue
        digests[row] = hashlib.sha256(pixels[row].data).hexdigest()
    hashes, sketches = hash_and_sketch(pixels)
    chunk.images.write(chunk.first, pixels)
    told = np.array(json.dumps(failures))
    temporary = chunk.record.with_suffix(".part")
    with temporary.open("wb") as stream:
        np.savez(stream, digests=digests, hashes=hashes, sketches=sketches, failures=told, largest=largest)
    os.replace(temporary, chunk.record)
    return len(chunk.files)


def quieten() -> None:
    """What Pillow only warns of (odd metadata, many pixels) is no reason to leave a photo out, nor to tell of it."""
    warnings.simplefilter("ignore")


def begin_work() -> None:
    """What a process does before its first photo: it is quiet, and ends with the one that started it, killed or not."""
    quieten()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)
