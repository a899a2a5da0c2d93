"""Photos, in class folders, named by a table, or packed: what there is, as `prepare` will find it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.datasets.photos.archives import is_archive, unpack
from pipeline.datasets.photos.folders import Photo
from pipeline.datasets.photos.listing import list_source
from pipeline.datasets.photos.preparing import KEEP
from pipeline.datasets.photos.reasons import with_reasons
from pipeline.operations.checking.own_photos import describe_photos, look_at, usable_photos
from pipeline.operations.planning.sizes import Sizes, divided
from pipeline.operations.starting.seeing.labels import find_labels
from pipeline.operations.starting.seeing.photo_size import largest_size, propose_size
from pipeline.operations.starting.seeing.seen_data import SeenData, imbalance
from pipeline.operations.starting.seeing.start_options import StartError, StartOptions
from pipeline.operations.starting.seeing.task import CLASSES, NUMBERS
from pipeline.params.data import Data
from pipeline.params.schema.reading import PARAMS_FILE, parse

UNPACKED = KEEP / "unpacked"  # where `prepare` finds it again


def see_photos(path: Path, options: StartOptions, data: dict[str, Any]) -> SeenData:
    """Classes with their counts, or the range of numbers; what is left out, and which size of photos is proposed.

    Args:
        data: the section of params.yaml, for what is the same with all data.

    Raises:
        FolderError, StartError: nothing can be learned from it as it is.
    """
    folder = unpack(path, UNPACKED)[0] if is_archive(path) else path
    if folder.is_dir() and not any(folder.iterdir()):
        raise StartError(f"{path}: is empty; put photos into one sub-folder a class, or a table")
    seen = find_labels(folder, options)
    if seen is None:
        _refuse_options_of_tables(options)
    data = {**data, "labels": seen.labels.model_dump() if seen else None, "task": seen.task if seen else CLASSES}
    listing = list_source(_parsed(data), UNPACKED)
    with with_reasons(listing.left_out):
        looked = look_at(listing)
    sides = [min(size) for size in looked.sizes]
    size, about_size = propose_size(sides, data["image_size"], options.image_size)
    data["image_size"] = size
    largest = None if options.image_size or not sides else largest_size(sides)
    usable = usable_photos(listing, looked)
    described = describe_photos(listing, _parsed(data), looked, advises_size=False)
    counts = Counter(photo.class_name for photo in usable) if data["task"] == CLASSES else Counter()
    lines = [*(seen.lines if seen else []), *described, *imbalance(counts, "photos"), *about_size]
    called = _called(path, seen is not None, listing.photos[0].split)
    sizes, is_named = _sizes(usable, _parsed(data), len(counts)), options.image_size is not None
    return SeenData(called, data, lines, sizes, largest, counts, is_named)


def _sizes(usable: Sequence[Photo], data: Data, classes: int) -> Sizes:
    """A test split that is there stays as it is; else it will be drawn."""
    tests = sum(photo.split == "test" for photo in usable)
    return Sizes(len(usable) - tests, tests, classes or None) if tests else divided(len(usable), data, classes or None)


def _parsed(data: dict[str, Any]) -> Data:
    return parse(Data, data, str(PARAMS_FILE), ("data",))


def _refuse_options_of_tables(options: StartOptions) -> None:
    if options.task == NUMBERS:
        raise StartError(
            f"--task {NUMBERS}: these photos lie in class folders, which say no number; name the table of numbers with "
            "--labels"
        )
    for option, value in {"--target": options.target, "--group": options.group, "--time": options.time}.items():
        if value is not None:
            raise StartError(f"{option} {value} is for a table, and these photos lie in class folders; leave it out")


def _called(path: Path, labelled: bool, split: str | None) -> str:
    how = "labelled by a table" if labelled else "one sub-folder a class"
    packed = ", in an archive" if is_archive(path) else ""
    return f"photos, {how}{', in splits' if split else ''}{packed}: {path}"
