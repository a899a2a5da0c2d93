"""What `prepare` is measured against: decode and resize every photo, on all cores, and keep one chunk."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

STORED = 96  # pixels a side
AT_ONCE = 256  # photos that one process reads at a time


def decode_all() -> None:
    """All of photos/**/*.jpg in the current folder."""
    files = sorted(Path("photos").rglob("*.jpg"))
    parts = [files[start : start + AT_ONCE] for start in range(0, len(files), AT_ONCE)]
    with ProcessPoolExecutor(
        len(os.sched_getaffinity(0)), mp_context=multiprocessing.get_context("spawn")
    ) as processes:
        assert sum(processes.map(_decode, parts)) == len(files)


def _decode(files: list[Path]) -> int:
    pixels = np.zeros((len(files), STORED, STORED, 3), np.uint8)  # else the allocator gives back each picture's pages
    for row, file in enumerate(files):
        with Image.open(file) as opened:
            pixels[row] = np.asarray(opened.convert("RGB").resize((STORED, STORED), Image.Resampling.BILINEAR))
    return len(files)
