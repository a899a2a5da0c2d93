"""Which files are asked about, from what was named: files, folders, tables of photos."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.operations.predicting.photos import PredictError, photos_of
from pipeline.operations.predicting.rows import TABLES


def list_files(named: Sequence[Path]) -> list[Path]:
    """Files as they were named, folders as all files under them, sorted.

    Raises:
        PredictError: naming what is not there.
    """
    files: list[Path] = []
    for path in named:
        if not path.exists():
            raise PredictError(f"{path}: there is no such file or folder")
        inside = files_under(path)
        if path.is_dir() and not inside:
            raise PredictError(f"{path}: holds no file; name photos, or a folder with photos")
        files += inside if path.is_dir() else [path]
    return files


def files_under(folder: Path) -> list[Path]:
    """All files, sorted, but hidden ones and those in hidden folders."""
    return sorted(child for child in folder.rglob("*") if child.is_file() and not _is_hidden(child, folder))


def photos_among(files: Sequence[Path], named: Sequence[Path]) -> list[Path]:
    """Photos as they are, tables as the photos that they name; but a table that merely lies in a folder is none.

    Args:
        files: what `list_files` makes of `named`.
        named: what the user has named.

    Raises:
        PredictError: a table names no photos, or there is nothing but tables in folders.
        TableError: it is no table.
    """
    asked = [path for path in files if path.suffix.lower() not in TABLES or path in named]
    if not asked:
        raise PredictError(f"{named[0]}: holds tables alone; name the table itself where it is a list of photos")
    return [photo for path in asked for photo in (photos_of(path) if path.suffix.lower() in TABLES else [path])]


def _is_hidden(file: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(folder).parts)
