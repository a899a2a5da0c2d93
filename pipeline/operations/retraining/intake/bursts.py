"""Which new photos are of one thing, so that a burst of them is not taken for as many independent ones.

Photos of one sub-folder of a class folder belong together, since people sort them so. Those that lie right in the class
folder belong together where their cameras say that they were taken within seconds of one another.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from pipeline.datasets.photos.decoding import FORMATS
from pipeline.operations.retraining.intake.incoming import INCOMING

if TYPE_CHECKING:
    from pipeline.operations.retraining.intake.photos import Newcomer

SECONDS = 10.0  # between two photos of one burst
TIME_FORMAT = "%Y:%m:%d %H:%M:%S"  # of EXIF


def bursts_of(newcomers: Sequence[Newcomer]) -> NDArray[np.int64]:
    """(N,) numbers, equal for photos that belong together; one whose time is not known is on its own."""
    folders = [newcomer.path.rpartition("/")[0] for newcomer in newcomers]
    names = [
        folder if "/" in folder else f"{newcomer.class_name}/{place}"
        for place, (folder, newcomer) in enumerate(zip(folders, newcomers, strict=True))
    ]
    loose = [place for place, folder in enumerate(folders) if "/" not in folder]
    times = {place: time for place in loose if (time := _taken(INCOMING / newcomers[place].path)) is not None}
    for name in {newcomers[place].class_name for place in times}:
        row = sorted((place for place in times if newcomers[place].class_name == name), key=lambda place: times[place])
        for before, after in pairwise(row):
            if (times[after] - times[before]).total_seconds() <= SECONDS:
                names[after] = names[before]
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def _taken(path: Path) -> datetime | None:
    """When the camera says that it took the photo; None where it says nothing that can be read."""
    try:
        with Image.open(path, formats=FORMATS) as photo:
            exif = photo.getexif()
        text = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime)
        return datetime.strptime(str(text).strip("\0 "), TIME_FORMAT)
    except (OSError, ValueError, SyntaxError, TypeError, KeyError):
        return None
