"""What may be wrong with where the examples come from, before they are opened."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pipeline.params.data import ARCHIVES, FETCHED, TABLE_FILES, Data, tables_in

# What stages, or DVC for them, empty and fill: whatever else lies there would be deleted without a copy.
STAGES_FOLDERS = (
    FETCHED,
    "data/prepared",
    "data/weights",
    "data/accepted",
    "data/incoming",
    "results",
    "evaluation",
    "comparison",
    "champions",
    "workspaces",
    "mlartifacts",
    ".kiyas",
    ".dvc",
    ".git",
)
# In the environment of stages on a node of a cluster, to which what was prepared from the examples came from elsewhere.
ON_A_NODE = "KIYAS_CLONE"


def source_faults(data: Data, path: Path) -> Iterator[str]:
    """Where the examples come from: a source's folder, or a folder, archive or table of one's own that is there."""
    if data.fetch:
        if data.path != FETCHED:
            yield (
                f"{path}: data.path = {data.path!r}: data.fetch names a source, which is put in {FETCHED}; "
                f"set data.path to {FETCHED}, or empty data.fetch (`fetch: []`) to use your own folder"
            )
        return
    if ON_A_NODE in os.environ:
        return
    if data.path.startswith("~"):
        yield (
            f"{path}: data.path = {data.path!r}: DVC, which reads this file too, does not know ~; write "
            f"{os.path.expanduser(data.path)}"
        )
        return
    misplaced = list(place_faults(data, path))
    yield from misplaced
    if misplaced:
        return
    if data.kind == "images":
        yield from _photo_faults(data, path)
    else:
        yield from _file_faults(Path(data.path), path)


def place_faults(data: Data, path: Path) -> Iterator[str]:
    """Own data in a folder that stages own, or around one. Links are followed."""
    here = os.path.realpath(data.path)
    for folder in STAGES_FOLDERS:
        owned = os.path.realpath(folder)
        if os.path.commonpath([here, owned]) in (here, owned):
            how = "lies in" if here.startswith(owned) else "holds"
            yield (
                f"{path}: data.path = {data.path!r}: {how} {folder}, which the pipeline empties and fills: own data "
                "there would be deleted; move it to a folder of its own, such as data/own, and name that"
            )
            return


def _photo_faults(data: Data, path: Path) -> Iterator[str]:
    folder, said = Path(data.path), f"{path}: data.path = {data.path!r}"
    if folder.is_file():
        if not folder.name.lower().endswith(ARCHIVES):
            yield (
                f"{said}: is a file, but no archive of photos ({', '.join(ARCHIVES)}); give a folder or an archive; a "
                "table of paths and labels goes into data.labels.file, and its folder into data.path"
            )
    elif not folder.is_dir():
        yield (
            f"{said}: there is no such folder; give a folder with one sub-folder a class, or an archive of one, or "
            "name a source in data.fetch"
        )
    elif data.labels is not None:
        if not (folder / data.labels.file).is_file():
            yield (
                f"{path}: data.labels.file = {data.labels.file!r}: there is no such file in {data.path}; give its path "
                "within data.path"
            )
    elif len(tops := _folders_in(folder)) < 2 and not any(map(_folders_in, tops)):
        yield (
            f"{said}: needs at least two class folders (one sub-folder a class, photos inside), or train/ and test/ "
            "with one sub-folder a class each, or a table of paths and labels (data.labels)"
        )


def _folders_in(folder: Path) -> list[Path]:
    return [child for child in folder.iterdir() if child.is_dir() and not child.name.startswith(".")]


def _file_faults(found: Path, path: Path) -> Iterator[str]:
    """A table is one file, or the only table in a folder."""
    if found.is_file():
        if found.suffix.lower() not in TABLE_FILES:
            known = ", ".join(TABLE_FILES)
            yield f"{path}: data.path = {str(found)!r}: a table ends in one of {known}; convert it, or rename it"
    elif not found.is_dir():
        yield f"{path}: data.path = {str(found)!r}: there is no such file; give a CSV or Parquet file"
    elif (count := len(tables_in(found))) != 1:
        yield (
            f"{path}: data.path = {str(found)!r}: is a folder with {count} tables ({', '.join(TABLE_FILES)}); name the "
            "file itself"
        )
