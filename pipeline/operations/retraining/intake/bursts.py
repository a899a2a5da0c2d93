"""Which new photos are of one thing, so that a burst of them is not taken for as many independent ones.

Photos of one sub-folder of a class folder belong together, since people sort them so. Those that lie right in the class
folder belong together where their cameras say that they were taken within seconds of one another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags

from pipeline.datasets.photos.decoding import open_photo
from pipeline.operations.retraining.intake.incoming import INCOMING

if TYPE_CHECKING:
    from pipeline.operations.retraining.intake.photos import Newcomer

SECONDS = 10.0  # between two photos of one burst
TIME_FORMAT = "%Y:%m:%d %H:%M:%S"  # of EXIF


def bursts_of(newcomers: Sequence[Newcomer]) -> NDArray[np.int64]:
    """(N,) numbers, equal for photos that belong together; one whose time is not known is on its own."""
    folders = [newcomer.path.rpartition("/")[0] for newcomer in newcomers]
    names = [
        folder if "/" in folder else f"{newcomer.class_name}//{place}"  # which no folder is called
        for place, (folder, newcomer) in enumerate(zip(folders, newcomers, strict=True))
    ]
    loose = [place for place, folder in enumerate(folders) if "/" not in folder]
    times = {place: time for place in loose if (time := _taken(INCOMING / newcomers[place].path)) is not None}
    for name in {newcomers[place].class_name for place in times}:
        _join({place: time for place, time in times.items() if newcomers[place].class_name == name}, names)
    return _numbered(names)


def taken_together(files: Sequence[Path]) -> NDArray[np.int64]:
    """(N,) the same for photos whose classes nobody knows: their times alone tell which belong together."""
    names = [str(place) for place in range(len(files))]
    _join({place: time for place, file in enumerate(files) if (time := _taken(file)) is not None}, names)
    return _numbered(names)


def _join(times: Mapping[int, datetime], names: list[str]) -> None:
    """Give photos that were taken within seconds of one another the name of the first."""
    for before, after in pairwise(sorted(times, key=lambda place: times[place])):
        if (times[after] - times[before]).total_seconds() <= SECONDS:
            names[after] = names[before]


def _numbered(names: Sequence[str]) -> NDArray[np.int64]:
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def _taken(path: Path) -> datetime | None:
    """When the camera says that it took the photo; None where it says nothing that can be read."""
    try:
        with open_photo(path) as photo:
            exif = photo.getexif()
        text = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime)
        return datetime.strptime(str(text).strip("\0 "), TIME_FORMAT)
    except MemoryError:
        raise
    except Exception:  # what is cut off or damaged makes the readers of EXIF raise nearly anything
        return None
