"""One shard of photos, read on a node.

    python -m pipeline.operations.scaling.on_nodes.shard fanout-shards/photos-0-to-9.json fanout-shards/photos-0-to-9

The command of a stage that `shard_stages.py` adds to a node's clone: which photos, and where what is read of them goes.
"""

from __future__ import annotations

import logging
import sys
from dataclasses import replace
from pathlib import Path

from pipeline.datasets.photos.reading import code_key, cut, read_chunks, stamp_of
from pipeline.datasets.store.pixels import PixelFile
from pipeline.ground.files import read_described
from pipeline.ground.system_faults import tell_failure
from pipeline.operations.scaling.on_nodes.shard_stages import Shard

PROCESSES = 2  # that read a shard: a large node reads several shards at a time


class ShardError(ValueError):
    """A node that does not see the photos as they are where the run is, or would read them otherwise."""


def read_shard(shard: Shard, folder: Path, processes: int = PROCESSES) -> None:
    """Read a shard's photos into a folder.

    Raises:
        ShardError: a photo is not here, or not as it was where the shard was cut; or this code reads otherwise.
        ReadingError: processes are killed, and no photo is the cause.
    """
    if code_key(shard.size) != shard.code:
        raise ShardError("this node has another version of Pillow, NumPy or pillow-heif; install requirements.lock")
    files = [Path(file) for file in shard.files]
    for file, stamp in zip(files, shard.stamps, strict=True):
        if stamp_of(file) != (tuple(stamp) if stamp else None):
            raise ShardError(f"{file}: this node does not see it as it is where `fanout` runs; share the folder")
    folder.mkdir(parents=True, exist_ok=True)
    pixels = PixelFile.create(folder / "images.npy", len(files), shard.size)
    read_chunks(cut(files, shard.first, from_row(pixels, shard.first), folder, shard.white), processes)


def from_row(pixels: PixelFile, first: int) -> PixelFile:
    """The same file, whose rows count from `first`."""
    return replace(pixels, start=pixels.start - first * pixels.stride)


def main() -> int:
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stdout)
    described, folder = map(Path, sys.argv[1:3])
    try:
        read_shard(read_described(described, Shard), folder)
    except (ValueError, OSError, MemoryError) as error:
        tell_failure("shard", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
