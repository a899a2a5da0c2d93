"""The part of `prepare` that nodes do, where there are more photos than one machine should read by itself."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from math import ceil

from pipeline.datasets.photos.folders import FolderError
from pipeline.datasets.photos.preparing import due_reading_of
from pipeline.datasets.photos.reading import Reading, chunk_size, read_chunks
from pipeline.dvc_command import VersioningError
from pipeline.operations.planning.needs import PYTHON
from pipeline.operations.planning.prepared import PREPARE
from pipeline.operations.planning.sizes import counted_examples
from pipeline.operations.scaling.driver import Finished
from pipeline.operations.scaling.launcher import LauncherError
from pipeline.operations.scaling.on_nodes.shard import PROCESSES
from pipeline.operations.scaling.on_nodes.shard_stages import Shard
from pipeline.operations.scaling.shards import bring_back, chunks_a_shard, cut_shards
from pipeline.operations.scaling.tasks import Resources, Task
from pipeline.params.data import Data
from pipeline.params.upkeep.scale import Scale

SECONDS_A_PHOTO = 0.005  # of one processor; it decides no more than which shard is started first
# Bytes: of each reader and its largest picture (see `decoding.MOST_PIXELS`), of who starts them, and of DVC.
MEMORY = PROCESSES * (PYTHON + 500e6) + 2 * PYTHON

log = logging.getLogger("kiyas")


def may_need_nodes(data: Data, scale: Scale, stages: Sequence[str]) -> bool:
    """Whether these stages prepare photos, more than one machine should read by itself as far as their names tell."""
    most = scale.photos_per_shard
    if PREPARE not in stages or data.kind != "images" or most is None:
        return False
    return (counted_examples(data) or 0) > most


def expected_shards(data: Data, scale: Scale) -> str | None:
    """One line on photos that nodes are to read, by how many there seem to be; None where that is not known."""
    most, photos = scale.photos_per_shard, counted_examples(data)
    if most is None or photos is None:
        return None
    step = chunk_size(data.image_size)
    shards = ceil(ceil(photos / step) / chunks_a_shard(step, most))
    return (
        f"on nodes, for prepare: about {photos:,} photos are read, in {shards} shards "
        "(its time below is that of this machine alone)"
    )


def read_photos_on_nodes(
    data: Data, scale: Scale, run_tasks: Callable[[Sequence[Task]], Finished], with_remote: Callable[..., None]
) -> None:
    """Have nodes read what `prepare` would read here, if there is so much, and lay it where that finds it.

    What no node could read is read here, and what is wrong with the photos as a whole is left to `prepare`.

    Args:
        run_tasks: runs tasks on nodes, and returns when all have ended.
        with_remote: DVC, told its arguments.
    """
    if (most := scale.photos_per_shard) is None:
        return
    try:
        reading = due_reading_of(data)
        while reading.missing and reading.images.shape[0] > most:
            if not _read(reading, most, run_tasks, with_remote):
                return
            reading = due_reading_of(data)  # of pictures of 16 bits, perhaps all once more
    except (FolderError, VersioningError, LauncherError, OSError) as error:
        log.warning("photos are read here: %s", error)


def _read(
    reading: Reading, most: int, run_tasks: Callable[[Sequence[Task]], Finished], with_remote: Callable[..., None]
) -> bool:
    """
    Returns:
        Whether all of it is read, by nodes save for single photos; where nodes failed, the rest is left to `prepare`.
    """
    shards = {f"{PREPARE}:{shard.name}": shard for shard in cut_shards(reading, most)}
    photos = sum(len(shard.files) for shard in shards.values())
    log.info("%d photos are read on nodes, in %d shards", photos, len(shards))
    finished = run_tasks([_task(name, shard) for name, shard in shards.items()])
    for reason in finished.failed:
        log.warning("%s; its photos are read here", reason)
    read = [(shard, finished.lock[name]) for name, shard in shards.items() if name in finished.lock]
    bring_back(reading, read, with_remote)
    if finished.failed:
        return False
    read_chunks(reading.missing)
    return True


def _task(name: str, shard: Shard) -> Task:
    seconds = ceil(len(shard.files) * SECONDS_A_PHOTO / PROCESSES)
    return Task(name, seconds, Resources(PROCESSES, memory=MEMORY), shard=shard)
