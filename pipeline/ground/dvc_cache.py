"""DVC's cache of this checkout: where it lies, and what it keeps under a hash."""

from __future__ import annotations

import configparser
import contextlib
from pathlib import Path


def cached_object(md5: str) -> Path:
    """Where DVC keeps the file, or the listing of the folder, with this hash."""
    return cache_folder() / "files/md5" / md5[:2] / md5[2:]


def cache_folder() -> Path:
    """DVC's cache folder, as its configuration has it."""
    settings = configparser.ConfigParser(interpolation=None, strict=False)
    with contextlib.suppress(configparser.Error, UnicodeDecodeError):  # DVC refuses them itself
        settings.read([".dvc/config", ".dvc/config.local"], encoding="utf-8")  # the later one wins
    return Path(".dvc", settings.get("cache", "dir", fallback="cache"))


def linked_copy(file: Path) -> Path | None:
    """DVC's copy of a file, where both are one file on disk; None where they are two.

    DVC links what it keeps, so that a damage in one place is one in both, and never looks at its copies again.
    """
    with contextlib.suppress(OSError):  # there is no such file, or no cache, or somebody removes one
        status = file.stat()
        if status.st_nlink > 1:  # else nothing needs to be looked for
            return next((copy for copy in cache_folder().glob("files/md5/*/*") if copy.samefile(file)), None)
    return None
