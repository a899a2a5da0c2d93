"""Many photos read at once, on all cores, into one file; a run that is killed goes on from its last chunk.

<keep>/<key>/images.npy, and chunk-<n>.npz beside it for each chunk that is finished; what is read again with another
white, in <keep>/<key>-<white>/. The key stands for the files (path, size, time of change), the image size and this
code: whatever changes, reading starts anew.
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


@dataclass(frozen=True)
class Reading:
    """All photos, read by one value of white: where the pixels go, and the chunks that are read one by one."""

    images: PixelFile
    parts: list[Chunk]
    white: int

    @property
    def missing(self) -> list[Chunk]:
        """Those that nobody has read yet."""
        return [part for part in self.parts if not part.record.is_file()]


def read_photos(files: Sequence[Path], size: int, keep: Path) -> Decoded:
    """All photos, on all cores. What is finished is kept in `keep`, for the caller to remove when all is done.

    Pictures of 16 bits are scaled by what all of them together use: where that is 12 bits, they are read once more.

    Raises:
        ReadingError: when processes are killed, and no photo is the cause; the next call goes on from there.
    """
    key = _key(files, size)  # of the files as they are now: one that changes meanwhile does not begin it anew
    while missing := (reading := due_reading(files, size, keep, key)).missing:
        if len(missing) < len(reading.parts):
            log.info(
                "%d of %d chunks of photos are read already", len(reading.parts) - len(missing), len(reading.parts)
            )
        read_chunks(missing)
    return _gather(reading)


def due_reading(files: Sequence[Path], size: int, keep: Path, key: str | None = None) -> Reading:
    """What has to be read next; nothing of it is missing when all is done.

    Args:
        key: of the files as they were when reading began; None: as they are now.
    """
    key = key or _key(files, size)
    _remove_others(keep, key)
    first = _begin(files, size, keep / key, WHITE)
    if first.missing:
        return first
    largest = max((_largest(part) for part in first.parts), default=0)
    white = white_of(largest)
    if white == WHITE:
        return first
    if not (folder := keep / f"{key}-{white}").is_dir():
        log.info("pictures of 16 bits go no further than %d: white is %d, and they are read again", largest, white)
    first.images.path.unlink()  # of which no pixel is used
    return _begin(files, size, folder, white)


def _begin(files: Sequence[Path], size: int, folder: Path, white: int) -> Reading:
    """
    Args:
        folder: gets the pixels, and a record of each chunk that is finished.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pixels = folder / "images.npy"
    if not pixels.is_file():
        with replacing(pixels) as temporary:
            PixelFile.create(temporary, len(files), size)
    images = PixelFile.open(pixels)
    return Reading(images, cut(files, 0, images, folder, white), white)


def cut(files: Sequence[Path], first: int, images: PixelFile, folder: Path, white: int) -> list[Chunk]:
    """Photos in chunks, which one process reads at a time.

    Args:
        first: the row of the first of these files among all.
        images: takes the pixels, by that row.
        folder: gets a record of each chunk.
    """
    step = chunk_size(images.shape[1])
    return [
        Chunk(row, list(files[row - first : row - first + step]), images, folder / f"chunk-{row:08d}.npz", white)
        for row in range(first, first + len(files), step)
    ]


def chunk_size(size: int) -> int:
    """How many photos of so many pixels a side a chunk has."""
    return at_a_time(size, CHUNK)


def read_chunks(chunks: list[Chunk], most: int | None = None) -> None:
    """Read them on all cores, or on so many at most, and tell how far it is.

    Raises:
        ReadingError: see `read_photos`.
    """
    processes = min(cores(), most or cores())
    few = len(chunks) <= FEW or processes == 1
    done = _read_here(chunks) if few else _read_in_processes(chunks, processes)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        bar = progress.add_task("reading photos", total=sum(len(chunk.files) for chunk in chunks))
        for count in done:
            progress.advance(bar, count)


def _read_here(parts: list[Chunk]) -> Iterator[int]:
    with warnings.catch_warnings():
        quieten()
        for part in parts:
            yield read_chunk(part)


def _read_in_processes(parts: list[Chunk], most: int) -> Iterator[int]:
    spawn = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(min(most, len(parts)), mp_context=spawn, initializer=begin_work) as processes:
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


def has_failures(record: Path) -> bool:
    """Whether a chunk has a photo that could not be read."""
    with np.load(record, allow_pickle=False) as content:
        return bool(json.loads(str(content["failures"])))


def _largest(part: Chunk) -> int:
    """The largest value of the chunk's pictures of 16 bits, 0 where it has none."""
    with np.load(part.record, allow_pickle=False) as record:
        return int(record["largest"].max(initial=0))


def _gather(reading: Reading) -> Decoded:
    digests: list[str | None] = []
    failures: dict[int, str] = {}
    hashes, sketches = [np.empty(0, np.uint64)], [np.empty((0, likeness.GRID, likeness.GRID), np.float16)]
    largest = [np.empty(0, np.int32)]
    for part in reading.parts:
        with np.load(part.record, allow_pickle=False) as record:
            digests += [digest.decode() or None for digest in record["digests"].tolist()]
            failures |= {int(row): reason for row, reason in json.loads(str(record["failures"])).items()}
            hashes.append(record["hashes"])
            sketches.append(record["sketches"])
            largest.append(record["largest"])
    return Decoded(
        reading.images,
        digests,
        failures,
        np.concatenate(hashes),
        np.concatenate(sketches),
        np.concatenate(largest),
        reading.white,
    )


def _key(files: Sequence[Path], size: int) -> str:
    digest = hashlib.sha256(code_key(size).encode())
    for file in files:
        digest.update(f"{os.fspath(file)!a} {stamp_of(file)}\n".encode())
    return digest.hexdigest()[:16]


def code_key(size: int) -> str:
    """SHA-256 over what decides the pixels beside the photos: this code, its libraries and the size."""
    digest = hashlib.sha256(f"{size} {CHUNK} {PIL.__version__} {np.__version__} {heif_version()}".encode())
    for module in (chunks, decoding, likeness):
        digest.update(Path(str(module.__file__)).read_bytes())
    return digest.hexdigest()


def stamp_of(file: Path) -> tuple[int, int] | None:
    """Bytes and time of change; None for a file that cannot be asked, and reading it will say why."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _remove_others(keep: Path, key: str) -> None:
    """What an earlier run left behind whose photos, or whose code, are no longer those of today."""
    for other in keep.iterdir() if keep.is_dir() else []:
        if other.name.partition("-")[0] != key:
            shutil.rmtree(other)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
