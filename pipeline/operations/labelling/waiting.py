"""What has a label already and was not learned from yet: files in data/incoming, or in a batch not prepared since."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from pipeline.datasets.accepted import ACCEPTED
from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.cells.reading import read_cells
from pipeline.ground.fingerprints import hash_path
from pipeline.operations.retraining.intake.incoming import INCOMING, TABLES


def waiting_photos(paths: Sequence[Path]) -> set[int]:
    """Places of the photos of which a copy waits, byte for byte.

    What is accepted is prepared by the same command, but for one that was killed in between.
    """
    waiting: dict[int, list[Path]] = {}  # by size: only files as long as one of these are read
    for folder in (INCOMING, ACCEPTED):
        for file in folder.rglob("*"):
            if file.is_file() and not file.name.startswith("."):
                waiting.setdefault(file.stat().st_size, []).append(file)
    hashes: dict[int, set[str]] = {}
    places = set[int]()
    for place, path in enumerate(paths):
        size = path.stat().st_size if path.is_file() else -1
        if size not in waiting:
            continue
        if size not in hashes:
            hashes[size] = set(map(hash_path, waiting[size]))
        if hash_path(path) in hashes[size]:
            places.add(place)
    return places


def waiting_tables() -> Iterator[pd.DataFrame]:
    """Their cells; `retrain` names the file that cannot be read, and nothing in it is known."""
    for file in [*sorted(INCOMING.glob("*")), *sorted(ACCEPTED.glob("*/files/*"))]:
        if file.suffix.lower() in TABLES and file.is_file():
            try:
                yield read_cells(file, rows_needed=False)
            except TableError:
                continue
