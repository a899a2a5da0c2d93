"""What lies at a path: photos, a table of them, a table or a series; each is looked at by its own module."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.datasets.cells.reading import read_cells
from pipeline.datasets.file_kinds import is_system_file, is_system_folder, looks_like_photo
from pipeline.datasets.photos.archives import is_archive
from pipeline.datasets.photos.labels.places import Places
from pipeline.operations.starting.seeing.columns import MOSTLY, share_of_photos
from pipeline.operations.starting.seeing.photos import see_photos
from pipeline.operations.starting.seeing.seen_data import OF_ONE_SOURCE, SeenData
from pipeline.operations.starting.seeing.start_options import NONE, StartError, StartOptions
from pipeline.operations.starting.seeing.tables import see_table
from pipeline.params.data import ARCHIVES, FETCHED, TABLE_FILES, Data, tables_in

OF_OTHER_DATA = ("target", "labels", "task", "time", "window", "group")  # options that a fetched source does not have


def look(path: str | None, options: StartOptions, named: Data, named_size: int | None = None) -> SeenData:
    """What lies there, or what params.yaml names where no path is given.

    Args:
        named: `data` of params.yaml.
        named_size: its image_size where a person named it, which stays for the same photos.

    Raises:
        StartError, FolderError, TableError: nothing can be learned from it as it is.
    """
    content = named.model_dump()
    if named.fetch and (path is None or _as_in_params(path) == FETCHED):
        return _named_source(named, options)
    if path is None or _as_in_params(path) == named.path:
        return _see(Path(named.path), _as_named(options, named, named_size), content)
    place = _as_in_params(path)
    return _see(Path(place), options, {**content, **OF_ONE_SOURCE, "path": place})


def _see(path: Path, options: StartOptions, data: dict[str, Any]) -> SeenData:
    if not path.exists():
        raise StartError(f"{path}: there is no such file or folder")
    if path.is_file() and not is_archive(path):
        return _see_file(path, options, data)
    if path.is_dir():
        _refuse_empty(path)
        tables = [] if options.labels or _holds_photos(path) else tables_in(path)
        if len(tables) > 1:
            raise StartError(
                f"{path}: holds {len(tables)} tables and no photos; name the one to learn from, such as {tables[0]}"
            )
        if tables:
            return see_table(tables[0], options, data)
    return see_photos(path, options, data)


def _see_file(path: Path, options: StartOptions, data: dict[str, Any]) -> SeenData:
    """A table, of rows or of photos."""
    if path.suffix.lower() not in TABLE_FILES:
        raise StartError(
            f"{path}: is neither a table ({', '.join(TABLE_FILES)}) nor an archive of photos ({', '.join(ARCHIVES)})"
        )
    if options.labels != NONE and _names_photos(path):
        folder = path.parent
        return see_photos(folder, replace(options, labels=path.name), {**data, "path": str(folder)})
    return see_table(path, options, data)


def _names_photos(file: Path) -> bool:
    """Whether a column of a table leads to files."""
    cells, places = read_cells(file), Places(file.parent, file.parent)
    return any(share_of_photos(cells[name], places) >= MOSTLY for name in cells.columns)


def _refuse_empty(folder: Path) -> None:
    if not any(not is_system_file(child.name) for child in folder.iterdir()):
        raise StartError(f"{folder}: is empty; give a folder with one sub-folder of photos a class, or a table")


def _holds_photos(folder: Path) -> bool:
    """Whether a photo lies at any depth, or an archive that may hold some."""
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not is_system_folder(name)]
        if any(looks_like_photo(Path(place, name)) for name in files if Path(name).suffix.lower() not in TABLE_FILES):
            return True
    return False


def _named_source(named: Data, options: StartOptions) -> SeenData:
    """A source that `fetch` brings: what params.yaml says of it stays."""
    given = [name for name in OF_OTHER_DATA if getattr(options, name) is not None]
    if given:
        raise StartError(
            f"--{given[0]}: is for own data, and params.yaml names the source {named.fetch[0]}; give the path of yours"
        )
    data = named.model_dump() | ({"image_size": options.image_size} if options.image_size else {})
    called = f"the source {named.fetch[0]}, which `fetch` brings into {FETCHED}"
    return SeenData(called, data, [], size_is_named=options.image_size is not None)


def _as_named(options: StartOptions, named: Data, named_size: int | None) -> StartOptions:
    """What params.yaml says of its own data holds where no option says otherwise."""
    known: dict[str, Any]
    if named.kind == "images":
        labels = named.labels
        known = {"labels": labels.file, "target": labels.label, "group": labels.group or NONE} if labels else {}
        known |= {"task": named.task} if labels else {}
        known["image_size"] = named_size
    else:
        known = {"target": named.target, "task": named.task, "time": named.time or NONE, "window": named.window}
        known["group"] = named.group or NONE
    return replace(options, **{key: value for key, value in known.items() if getattr(options, key) is None})


def _as_in_params(path: str) -> str:
    """`~` spelt out, and seen from here where it lies below: DVC reads the same."""
    place = os.path.abspath(os.path.expanduser(path))
    inside = os.path.relpath(place)
    return place if inside.startswith(os.pardir) else inside
