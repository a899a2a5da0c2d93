"""Files that `prepare` would leave out, but that DVC, which reads them first, cannot take.

It stops at a link that leads nowhere and at a name that is not UTF-8, and waits for ever at a pipe.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pipeline.params.schema.reading import PARAMS_FILE, ParamsError

SHOWN = 5


def refuse_what_dvc_cannot_take(folder: Path) -> None:
    """
    Raises:
        ParamsError: naming some of them, how many there are, and what to do.
    """
    if found := sorted(_untakeable(folder)):
        names = "; ".join(f"{name!a} ({why})" for name, why in found[:SHOWN])
        raise ParamsError(
            f"{PARAMS_FILE}: data.path = {str(folder)!r}: DVC cannot take {len(found)} of its files, such as {names}: "
            "remove or rename them"
        )


def _untakeable(folder: Path) -> Iterator[tuple[str, str]]:
    for place, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = Path(place, name)
            inside = path.relative_to(folder).as_posix()
            if name != name.encode("utf-8", "replace").decode("utf-8"):
                yield inside, "a name that is not UTF-8"
            elif path.is_symlink() and not _leads_somewhere(path):
                yield inside, "a link that leads nowhere"
            elif name in files and not path.is_file():
                yield inside, "no regular file"


def _leads_somewhere(link: Path) -> bool:
    try:
        return link.exists()
    except OSError:  # a link to itself
        return False
