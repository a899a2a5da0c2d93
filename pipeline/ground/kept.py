"""Arrays that are made once and kept on disk: activations for training, altered photos and features for evaluation.

They are no outputs of a stage. They are pure functions of what the stages depend on anyway (data, parameters, code; the
keys hold all of these), so DVC loses nothing; as outputs they would be gigabytes to push for what is made again in
seconds.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import chain
from math import prod
from pathlib import Path
from typing import Any, Protocol
from zlib import crc32

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import DTypeLike, NDArray

from pipeline.ground.files import (
    DamagedFileError,
    fault_of,
    read_json,
    reading,
    remove_abandoned,
    replacing,
    write_json,
)

BLOCK = 4 * 2**20  # bytes of an array that are read at once
CHECKSUM = "crc32"  # the note that holds it

log = logging.getLogger("kiyas")


@dataclass(frozen=True)
class KeptArray:
    """
    Attributes:
        values: read-only and memory-mapped: the operating system keeps it in memory while there is room.
        notes: plain data that was kept beside it.
    """

    values: NDArray[Any]
    notes: dict[str, Any] = field(default_factory=dict)


class KeptArrays:
    """A folder of .npy files, each named by a key that holds all that it depends on; bounded in size, oldest out first.

    An array that is found counts as new again. Other processes may add and remove files at any time: what they remove
    is made anew, and an array that is open stays readable.

    Args:
        limit_gb: at most this much is kept.
    """

    def __init__(self, folder: Path, limit_gb: float) -> None:
        self.folder, self.limit = folder, limit_gb * 1e9
        self._sound: set[tuple[str, int, int]] = set()  # files that this process has checked: name, inode, bytes

    def find(self, key: str) -> KeptArray | None:
        """What is kept under the key; None where there is nothing."""
        path = self._path(key)
        notes = path.with_suffix(".json")
        try:
            mark_used(path)
            kept_notes = read_json(notes) if notes.exists() else {}
            with reading(path):
                self._check(path, kept_notes.pop(CHECKSUM, None), kept_notes)
                values = np.load(path, mmap_mode="r", allow_pickle=False)
            return KeptArray(values, kept_notes)
        except FileNotFoundError:
            return None
        except DamagedFileError as error:  # as after a power cut; it is made again
            log.warning("%s; it is removed, and made again", fault_of(error))
            _remove(path)
            return None

    def find_or_gather(self, key: str, rows: int, pieces: Callable[[], Iterable[NDArray[Any]]]) -> NDArray[Any] | None:
        """What is kept under the key, or else pieces one behind the other, no two of which are held in memory at once.

        Args:
            rows: of all pieces together.

        Returns:
            None where they would exceed the limit: then no more than the first has been made. None of no pieces too.
        """
        if kept := self.find(key):
            return kept.values
        coming = iter(pieces())
        if (first := next(coming, None)) is None:
            return None
        shape = (rows, *first.shape[1:])
        if size_of(shape, first.dtype) > self.limit:
            return None

        def fill(values: NDArray[Any]) -> dict[str, Any]:
            place = 0
            for piece in chain([first], coming):
                values[place : place + len(piece)] = piece
                place += len(piece)
            return {}

        return self.fill(key, shape, first.dtype, fill).values

    def fill(
        self, key: str, shape: tuple[int, ...], kind: DTypeLike, fill: Callable[[NDArray[Any]], dict[str, Any]]
    ) -> KeptArray:
        """Make an array on disk, where it may exceed the memory, and keep it even if it exceeds the limit.

        Args:
            fill: writes into the empty array of this shape and kind; returns the notes to keep beside it.
        """
        path = self._path(key)
        self._make_room(size_of(shape, kind))
        with replacing(path) as temporary:
            values = open_memmap(temporary, mode="w+", dtype=kind, shape=shape)
            _allocate(temporary)
            notes = fill(values)
            values.flush()
            write_json(path.with_suffix(".json"), {**notes, CHECKSUM: _checksum(temporary, notes)})
            self._sound.add(_identity(temporary, key))
            return KeptArray(np.load(temporary, mmap_mode="r"), notes)

    def renew(self, prefix: str) -> None:
        """Let every array whose key begins like this count as new, so that other arrays go first."""
        for path in self.folder.glob(f"{prefix}*.npy"):
            mark_used(path)

    def _check(self, path: Path, expected: int | None, notes: dict[str, Any]) -> None:
        """Hold a file to its checksum, once in a process: it is read as a whole for this.

        Args:
            expected: None of a file that was kept without one; it counts as sound.

        Raises:
            ValueError: a bit of the array or of its notes has changed.
        """
        identity = _identity(path, path.stem)
        if expected is None or identity in self._sound:
            return
        if _checksum(path, notes) != expected:
            raise ValueError("is not what was kept, by its checksum")
        self._sound.add(identity)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.npy"

    def _make_room(self, size: int) -> None:
        """Remove the oldest arrays, with their notes, until `size` more bytes stay within the limit."""
        if self.folder.is_dir():  # half-made arrays are as large as whole ones, and those of other keys count too
            remove_abandoned(self.folder, ".+", ".npy")
        files = sorted(self._files(), key=lambda file: file.used)
        total = sum(file.size for file in files)
        for oldest in files:
            if total + size <= self.limit:
                break
            total -= oldest.size
            _remove(oldest.path)

    def _files(self) -> Iterator[_File]:
        for path in self.folder.glob("[!.]*.npy"):
            with suppress(FileNotFoundError):  # another process has removed it since it was listed
                status = path.stat()
                yield _File(path, status.st_size, status.st_mtime)


@dataclass(frozen=True)
class _File:
    path: Path
    size: int  # bytes
    used: float  # when it was made or last found, seconds since 1970


def mark_used(path: Path) -> None:
    """So that it is not the oldest; another process may have removed it, and nothing takes its place."""
    with suppress(FileNotFoundError):
        os.utime(path)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.with_suffix(".json").unlink(missing_ok=True)


def _identity(path: Path, key: str) -> tuple[str, int, int]:
    status = path.stat()
    return key, status.st_ino, status.st_size


def _checksum(path: Path, notes: dict[str, Any]) -> int:
    """CRC-32 of the notes and the file: it finds every single flipped bit, and reads twice as fast as SHA-256."""
    checksum = crc32(json.dumps(notes, sort_keys=True).encode())
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            checksum = crc32(block, checksum)
    return checksum


def _allocate(path: Path) -> None:
    """Take the disk's space for all of a file at once: a process that fills a mapped file on a full disk is killed."""
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as stream:
            os.posix_fallocate(stream.fileno(), 0, path.stat().st_size)


def size_of(shape: Sequence[int], kind: DTypeLike) -> int:
    """Bytes of an array.

    >>> size_of((2, 3), "float32")
    24
    """
    return prod(shape) * np.dtype(kind).itemsize


def hash_facts(facts: list[Any]) -> str:
    """A key made of plain data."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:32]


class Rows(Protocol):
    """An array, or what can be read a slice of rows at a time as if it were one."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice, /) -> NDArray[Any]: ...


@dataclass(frozen=True)
class SomeRows:
    """Some rows of a memory-mapped array, read a slice at a time as if they were all."""

    values: NDArray[Any]
    rows: NDArray[np.int64]

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.rows), *self.values.shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.values.dtype

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, places: slice, /) -> NDArray[Any]:
        return np.asarray(self.values[self.rows[places]])


def hash_array(values: Rows) -> str:
    """SHA-256 of an array, which may be memory-mapped: it is read a part at a time."""
    digest = hashlib.sha256(f"{values.shape}{values.dtype}".encode())
    for block in blocks_of(values):
        digest.update(block.data)
    return digest.hexdigest()


def blocks_of(values: Rows) -> Iterator[NDArray[Any]]:
    """Some rows at a time, contiguous, of an array that may exceed the memory."""
    step = max(1, BLOCK // max(1, size_of(values.shape[1:], values.dtype)))
    for start in range(0, len(values), step):
        yield np.ascontiguousarray(values[start : start + step])


def facts_of_layers(layers: Iterable[Any]) -> list[Any]:
    """What the output of a network's layers depends on: their weights and configurations, in whatever order they are
    held; not what a phase trains, which changes nothing on the way forward.

    Args:
        layers: of Keras, each with a name of its own.
    """
    weights, ordered = hashlib.sha256(), sorted(layers, key=lambda layer: layer.name)
    for layer in ordered:
        for weight in layer.get_weights():
            weights.update(f"{layer.name}{weight.shape}{weight.dtype}".encode())
            weights.update(np.ascontiguousarray(weight).tobytes())
    configurations = [{**layer.get_config(), "trainable": None, "class": type(layer).__name__} for layer in ordered]
    return [weights.hexdigest(), configurations, version("keras")]
