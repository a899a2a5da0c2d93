"""Many photos read at once, on all cores, into one file; a run that is killed goes on from its last chunk.

<keep>/<key>/images.npy, and chunk-<n>.npz beside it for each chunk that is finished. The key stands for the files
(path, size, time of change), the image size and this code: whatever changes, reading starts anew.
"""

from __future__ import annotations

import hashlib
import json
import logging
import multiprocessing
import os
import shutil
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pipeline.datasets.photos import chunks, decoding, likeness
from pipeline.datasets.photos.chunks import Chunk, begin_work, quieten, read_chunk
from pipeline.datasets.photos.decoding import WHITE, heif_version, white_of
from pipeline.datasets.store.pixels import PixelFile, at_a_time
from pipeline.ground.files import replacing

CHUNK = 256  # photos that one process reads at a time
FEW = 2  # chunks that are read sooner than processes would be started

log = logging.getLogger("kiyas")


class ReadingError(OSError):
    """Photos could not be read for a reason that lies outside the photos."""


@dataclass(frozen=True)
class Decoded:
    """Photos in the order of their files.

    Attributes:
        images: (N, size, size, 3) uint8, on disk; rows of unreadable files are black.
        digests: SHA-256 of each row's pixels; None for unreadable files.
        failures: {row: why it could not be read}.
        hashes: (N,) uint64, perceptual; sketches: (N, 8, 8) float16 (see `likeness`).
        largest: (N,) int32, the largest value of each picture with 16 bits, 0 of others.
        white: the value that is white in these.
    """

    images: PixelFile
    digests: list[str | None]
    failures: dict[int, str]
    hashes: np.ndarray
    sketches: np.ndarray
    largest: np.ndarray
    white: int = WHITE


def read_photos(files: Sequence[Path], size: int, keep: Path) -> Decoded:
    """All photos, on all cores. What is finished is kept in `keep`, for the caller to remove when all is done.

    Pictures of 16 bits are scaled by what all of them together use: where that is 12 bits, they are read once more.

    Raises:
        ReadingError: when processes are killed, and no photo is the cause; the next call goes on from there.
    """
    decoded = _read(files, size, keep, WHITE)
    white = white_of(int(decoded.largest.max(initial=0)))
    if white == WHITE:
        return decoded
    log.info(
        "pictures of 16 bits go no further than %d: white is %d, and they are read again", decoded.largest.max(), white
    )
    return _read(files, size, keep, white)


def _read(files: Sequence[Path], size: int, keep: Path, white: int) -> Decoded:
    folder = keep / _key(files, size, white)
    _remove_others(keep, folder)
    folder.mkdir(parents=True, exist_ok=True)
    pixels = folder / "images.npy"
    if not pixels.is_file():
        with replacing(pixels) as temporary:
            PixelFile.create(temporary, len(files), size)
    images = PixelFile.open(pixels)
    step = at_a_time(size, CHUNK)
    parts = [
        Chunk(first, list(files[first : first + step]), images, folder / f"chunk-{first:08d}.npz", white)
        for first in range(0, len(files), step)
    ]
    _read_missing(parts)
    return _gather(parts, images, white)


def _read_missing(parts: list[Chunk]) -> None:
    missing = [part for part in parts if not part.record.is_file()]
    if len(missing) < len(parts):
        log.info("%d of %d chunks of photos are read already", len(parts) - len(missing), len(parts))
    done = _read_here(missing) if len(missing) <= FEW or cores() == 1 else _read_in_processes(missing)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        bar = progress.add_task("reading photos", total=sum(len(part.files) for part in missing))
        for count in done:
            progress.advance(bar, count)


def _read_here(parts: list[Chunk]) -> Iterator[int]:
    with warnings.catch_warnings():
        quieten()
        for part in parts:
            yield read_chunk(part)


def _read_in_processes(parts: list[Chunk]) -> Iterator[int]:
    spawn = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(min(cores(), len(parts)), mp_context=spawn, initializer=begin_work) as processes:
            try:
                for future in as_completed([processes.submit(read_chunk, part) for part in parts]):
                    yield future.result()
            except BaseException:
                processes.shutdown(wait=False, cancel_futures=True)  # else it would read all the others first
                raise
    except BrokenProcessPool:
        log.warning("a process that read photos was killed; the rest is read in one that notes what it opens")
        for part in parts:
            if not part.record.is_file():
                yield _read_noting(part)


def _read_noting(part: Chunk) -> int:
    """Read one chunk in a process of its own, again and again without the photos that have ended it."""
    trace, killers = part.record.with_suffix(".opened"), set[int]()
    spawn = multiprocessing.get_context("spawn")
    while True:
        trace.unlink(missing_ok=True)
        try:
            with ProcessPoolExecutor(1, mp_context=spawn, initializer=begin_work) as process:
                return process.submit(read_chunk, part, killers, trace).result()
        except BrokenProcessPool:
            opened = int(trace.read_text()) if trace.is_file() else None
            if opened is None:
                raise ReadingError(
                    "the processes that read photos are killed before they open one, perhaps for want of memory; what "
                    "is read already is kept: run it again"
                ) from None
            killers.add(opened)


def _gather(parts: list[Chunk], images: PixelFile, white: int) -> Decoded:
    digests: list[str | None] = []
    failures: dict[int, str] = {}
    hashes, sketches = [np.empty(0, np.uint64)], [np.empty((0, likeness.GRID, likeness.GRID), np.float16)]
    largest = [np.empty(0, np.int32)]
    for part in parts:
        with np.load(part.record, allow_pickle=False) as record:
            digests += [digest.decode() or None for digest in record["digests"].tolist()]
            failures |= {int(row): reason for row, reason in json.loads(str(record["failures"])).items()}
            hashes.append(record["hashes"])
            sketches.append(record["sketches"])
            largest.append(record["largest"])
    return Decoded(
        images,
        digests,
        failures,
        np.concatenate(hashes),
        np.concatenate(sketches),
        np.concatenate(largest),
        white,
    )


def _key(files: Sequence[Path], size: int, white: int) -> str:
    digest = hashlib.sha256(f"{size} {white} {CHUNK} {PIL.__version__} {np.__version__} {heif_version()}".encode())
    for module in (chunks, decoding, likeness):
        digest.update(Path(str(module.__file__)).read_bytes())
    for file in files:
        digest.update(f"{os.fspath(file)!a} {_stamp(file)}\n".encode())
    return digest.hexdigest()[:16]


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None  # reading it will say why
    return status.st_size, status.st_mtime_ns


def _remove_others(keep: Path, folder: Path) -> None:
    """What an earlier run left behind whose photos, or whose code, are no longer those of today."""
    for other in keep.iterdir() if keep.is_dir() else []:
        if other != folder:
            shutil.rmtree(other)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
