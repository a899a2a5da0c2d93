"""DVC's command line, but that a stage is noted in dvc.lock without reading all of it.

    python -m pipeline.dvc_lock_file repro

For each stage that ends, DVC reads dvc.lock with a parser written in Python and writes all of it anew in place: 1.5 s a
stage once the 57 stages of the default grid stand there, and a kill meanwhile cuts the file off. Here the lines of the
stage alone are written anew, by DVC's own means, and a whole file takes the place of the old one. It is the file that
DVC would have written; a bare `dvc repro` writes it its own way, and both read what the other wrote.
"""

from __future__ import annotations

import itertools
import logging
import re
import sys
from collections.abc import Sequence
from functools import wraps
from pathlib import Path
from typing import Any

from pipeline.dvc_leftovers import HEAD, STAGE, replace_lock_file

DVC_QUICKLY = "pipeline.dvc_lock_file"  # to be started in place of `dvc`
SECTION = re.compile(r"^\S.*$", re.MULTILINE)  # a line with which a section of dvc.lock begins
IN_SECTION = re.compile(r"^  \S.*$", re.MULTILINE)  # a line with which something in a section begins

log = logging.getLogger("dvc.dvcfile")  # DVC's own, so that its options hold


def main(arguments: Sequence[str]) -> int:
    """As `dvc` has them; DVC's exit status."""
    from dvc.cli import main as dvc_main

    note_stages_quickly()
    return int(dvc_main([*arguments]))


def note_stages_quickly() -> None:
    """From now on, in this process."""
    from dvc.dvcfile import Lockfile

    in_dvcs_way = Lockfile.dump_stages

    @wraps(in_dvcs_way)
    def dump_stages(lock_file: Lockfile, stages: Sequence[Any], **options: Any) -> None:
        noted = _with_stages(path := Path(lock_file.path), stages, **options)
        if noted is None:
            in_dvcs_way(lock_file, stages, **options)
        elif noted != _text_of(path):
            log.info("Updating lock file '%s'", lock_file.relpath)
            replace_lock_file(noted, path, Path(lock_file.repo.tmp_dir))
            lock_file.repo.scm_context.track_file(lock_file.relpath)

    Lockfile.dump_stages = dump_stages


def _with_stages(path: Path, stages: Sequence[Any], **options: Any) -> str | None:
    """What dvc.lock has to hold; None where it does not look as DVC leaves it, or is not there."""
    from dvc.stage.serialize import to_lockfile
    from dvc.utils.serialize import dumps_yaml

    if (text := _text_of(path)) is None:
        return None
    entries = [dumps_yaml({"stages": to_lockfile(stage, **options)}).removeprefix("stages:\n") for stage in stages]
    if not all(_is_plain(section) for section in (text, *(HEAD + entry for entry in entries))):
        return None
    for entry in entries:
        text = _with_entry(text, entry)
    return text


def _is_plain(text: str) -> bool:
    """Whether it holds stages and nothing else, each under a line with its name, which long names are not."""
    sections = "".join(f"{line}\n" for line in SECTION.findall(text))
    return text.endswith("\n") and sections == HEAD and all(map(STAGE.fullmatch, IN_SECTION.findall(text)))


def _with_entry(text: str, entry: str) -> str:
    """The entry in the place of the stage's old one, or at the end.

    Args:
        entry: the line with the stage's name, and those of what it read and wrote.
    """
    name = entry.partition("\n")[0]
    places = [*STAGE.finditer(text), None]
    for place, following in itertools.pairwise(places):
        if place and place[0] == name:
            return text[: place.start()] + entry + (text[following.start() :] if following else "")
    return text + entry


def _text_of(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8")
    except (FileNotFoundError, UnicodeDecodeError):
        return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
