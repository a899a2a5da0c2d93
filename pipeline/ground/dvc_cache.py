"""DVC's cache of this checkout: where it lies, and what it keeps under a hash."""

from __future__ import annotations

import configparser
import contextlib
import os
from pathlib import Path

import platformdirs

DVC = "dvc", "iterative"  # the program and its author, as folders are named after them


def cached_object(md5: str) -> Path:
    """Where DVC keeps the file, or the listing of the folder, with this hash."""
    return cache_folder() / "files/md5" / md5[:2] / md5[2:]


def cache_folder() -> Path:
    """DVC's cache folder, as its configuration has it: that of the system, of the user, and of this checkout.

    DVC's own reader takes half a second to import, and every stage asks.
    """
    folder = Path(".dvc/cache")
    for file in _configurations():  # the later one wins
        settings = configparser.ConfigParser(interpolation=None, strict=False)
        with contextlib.suppress(configparser.Error, UnicodeDecodeError):  # DVC refuses them itself
            settings.read(file, encoding="utf-8")
        if configured := settings.get("cache", "dir", fallback="").strip("\"'"):
            folder = Path(file.parent, Path(configured).expanduser())
    return folder


def _configurations() -> list[Path]:
    """The files that DVC's configuration comes from, as dvc.dirs finds them."""
    of_system = os.environ.get("DVC_SYSTEM_CONFIG_DIR") or platformdirs.site_config_dir(*DVC)
    of_user = os.environ.get("DVC_GLOBAL_CONFIG_DIR") or platformdirs.user_config_dir(*DVC)
    return [*(Path(folder, "config") for folder in (of_system, of_user, ".dvc")), Path(".dvc/config.local")]


def linked_copy(file: Path) -> Path | None:
    """DVC's copy of a file, where both are one file on disk; None where they are two.

    DVC links what it keeps, so that a damage in one place is one in both, and never looks at its copies again.
    """
    with contextlib.suppress(OSError):  # there is no such file, or no cache, or somebody removes one
        status = file.stat()
        if status.st_nlink > 1:  # else nothing needs to be looked for
            return next((copy for copy in cache_folder().glob("files/md5/*/*") if copy.samefile(file)), None)
    return None
