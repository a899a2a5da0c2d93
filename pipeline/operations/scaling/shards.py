"""Photos read on several nodes: what `prepare` would read here is cut into shards, and laid where it finds them.

A shard is a run of `prepare`'s chunks: its files are decoded, squeezed and hashed on a node. What needs all photos
together (repeated pictures, splits) `prepare` does here, from the same pixels and hashes in the same order, so its outs
are the same bytes. A shard that no node could read is read here.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.datasets.photos.chunks import Chunk
from pipeline.datasets.photos.reading import Reading, code_key, has_failures, stamp_of
from pipeline.datasets.store.pixels import PixelFile, at_a_time
from pipeline.ground.files import replacing
from pipeline.operations.scaling.on_nodes.shard import from_row
from pipeline.operations.scaling.on_nodes.shard_stages import FOLDER, Shard, add_finished_shard, shard_folder

COPIED = 256  # photos at a time


def cut_shards(reading: Reading, most: int) -> list[Shard]:
    """What is missing of a reading, in shards of at most so many photos, or of one chunk where that has more.

    Borders lie at the same photos however much is missing: what nodes had read before a kill is found again. Names that
    are no text, which orders could not carry, are left to this machine with their chunks.
    """
    size = reading.images.shape[1]
    code = code_key(size)
    shards = []
    for chunks in _runs(reading, most):
        files = [file for chunk in chunks for file in chunk.files]
        stamps = [stamp_of(file) for file in files]
        paths = [str(file.absolute()) for file in files]
        shards.append(Shard(chunks[0].first, paths, stamps, size, reading.white, code))
    return shards


def _runs(reading: Reading, most: int) -> Iterator[list[Chunk]]:
    """Chunks that are missing one after the other, of one shard's share of all chunks."""
    share = chunks_a_shard(max((len(part.files) for part in reading.parts), default=1), most)
    missing = {chunk.first for chunk in reading.missing if _has_plain_names(chunk)}
    for start in range(0, len(reading.parts), share):
        for is_missing, run in groupby(reading.parts[start : start + share], lambda chunk: chunk.first in missing):
            if is_missing:
                yield list(run)


def chunks_a_shard(step: int, most: int) -> int:
    """
    Args:
        step: photos of a chunk; most: of a shard, if a chunk has no more than that.
    """
    return max(1, most // step)


def _has_plain_names(chunk: Chunk) -> bool:
    return all(os.fsencode(file) == str(file).encode("utf-8", "replace") for file in chunk.files)


def bring_back(
    reading: Reading, read: Sequence[tuple[Shard, Mapping[str, Any]]], with_remote: Callable[..., None]
) -> None:
    """Pull what nodes have read, one shard after the other, and lay it.

    Args:
        read: shards, each with its entry of dvc.lock there.
        with_remote: DVC, told its arguments.

    Raises:
        VersioningError: DVC's remote does not give it.
    """
    for shard, entry in read:
        with shard_folder():
            with_remote("pull", "--force", add_finished_shard(shard.name, entry))
            lay_shard(reading, FOLDER / shard.name, shard.first)


def lay_shard(reading: Reading, folder: Path, first: int) -> None:
    """Put what a node has read where `prepare` looks for it; a record on disk means that its pixels are there.

    A chunk with a photo that the node could not read is left out, to be read here: the reason may be the node's own.
    """
    pixels = from_row(PixelFile.open(folder / "images.npy"), first)
    of_record = {chunk.record.name: chunk for chunk in reading.parts}
    step = at_a_time(pixels.shape[1], COPIED)
    for record in sorted(folder.glob("chunk-*.npz")):
        if has_failures(record):
            continue
        chunk = of_record[record.name]
        end = chunk.first + len(chunk.files)
        for start in range(chunk.first, end, step):
            reading.images.write(start, pixels[np.arange(start, min(start + step, end))])
        with replacing(chunk.record) as temporary:
            shutil.copyfile(record, temporary)
