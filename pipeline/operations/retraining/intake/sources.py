"""New examples from elsewhere → data/incoming/: a folder, a DVC remote, a bucket, or a file behind a URL."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from pipeline.datasets.accepted import CHOSEN
from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.cells.reading import read_cells
from pipeline.datasets.photos.archives import is_archive, only_folder, unpack
from pipeline.dvc_command import remote_address, run_dvc
from pipeline.ground.fingerprints import hash_path
from pipeline.operations.retraining.intake.batches import FETCHED_PART, clear_accepted
from pipeline.operations.retraining.intake.incoming import INCOMING, TABLES, IncomingError
from pipeline.operations.retraining.intake.labelled_photos import bring_labelled
from pipeline.params.schema.vocabulary import Kind


def fetch_into_incoming(source: str, kind: Kind = "images", has_classes: bool = True) -> list[str]:
    """Copy new examples from a source into data/incoming/.

    Files that data/incoming has already are replaced, since a table at one address grows; but for those that
    `label-next` wrote, which are all called alike and hold other rows each time. What an earlier call accepted stays
    out, so that a source which did not change brings nothing.

    Args:
        source: anything that `dvc get-url` reads (a path, https://, s3://, ssh://, remote://name/path). Of photos one
            folder a class, or a zip or tar of such folders; of tables and series a file, or a folder of files.
        kind: images, table or series.
        has_classes: whether labels are classes; photos of which a number is predicted come as one folder, with a table.

    Returns:
        The files that it brought, by their place in data/incoming.

    Raises:
        VersioningError: DVC cannot get it.
        IncomingError: it holds no class folder, or no table; or something that is neither a file nor a folder.
        FolderError: an archive that cannot be read.
    """
    if kind == "images" and has_classes and Path(source).is_file() and Path(source).suffix.lower() in TABLES:
        return _left(bring_labelled(Path(source)))
    _refuse_links_out(Path(remote_address(source)))  # a DVC remote may be a folder on this machine
    INCOMING.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=INCOMING.parent, prefix=FETCHED_PART) as temporary:
        download = Path(temporary) / Path(source.partition("?")[0].rstrip("/")).name
        run_dvc("get-url", source, str(download))
        folder = download
        if download.is_file() and is_archive(download):
            folder = only_folder(unpack(download, Path(temporary) / "unpacked")[0])
        if kind != "images":
            brought = _bring_tables(folder, source)
        else:
            brought = _bring_photos(folder, source) if has_classes else _bring_numbers(folder, source)
    return _left(brought)


def _left(brought: list[str]) -> list[str]:
    """Without what an earlier call accepted."""
    clear_accepted()
    return [place for place in brought if (INCOMING / place).is_file()]


def _bring_photos(folder: Path, source: str) -> list[str]:
    classes = [child for child in sorted(folder.iterdir()) if child.is_dir()] if folder.is_dir() else []
    if not classes:
        raise IncomingError(f"{source}: holds no class folder; it needs one folder a class, with photos inside")
    files = [file for child in classes for file in child.rglob("*") if file.is_file()]
    for child in classes:
        shutil.copytree(child, INCOMING / child.name, dirs_exist_ok=True)
    return [file.relative_to(folder).as_posix() for file in files]


def _bring_numbers(folder: Path, source: str) -> list[str]:
    """Photos, and the tables at their top that name each number. A table that has grown takes the place of the one of
    its name that waits.

    Raises:
        IncomingError: there is no table; or one of its name waits already with other rows, which others may need.
    """
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()] if folder.is_dir() else []
    tables = [file for file in files if file.parent == folder and file.suffix.lower() in TABLES]
    if not tables:
        raise IncomingError(
            f"{source}: holds no table; it needs photos and beside them a CSV or Parquet file with each one's number"
        )
    for table in tables:
        waiting = INCOMING / table.name
        if waiting.is_file() and waiting.read_bytes() != table.read_bytes() and not _holds_all_of(waiting, table):
            raise IncomingError(
                f"{waiting}: waits already, and {source} brings another one of that name, which lacks some of its "
                "rows; give it a name of its own"
            )
    shutil.copytree(folder, INCOMING, dirs_exist_ok=True)
    return [file.relative_to(folder).as_posix() for file in files]


def _holds_all_of(waiting: Path, table: Path) -> bool:
    """Whether a table has each row of one that waits, cell by cell."""
    try:
        old, new = (read_cells(file, rows_needed=False) for file in (waiting, table))
    except TableError:
        return False
    if set(old.columns) != set(new.columns):
        return False
    rows = [set(cells[old.columns].astype(str).itertuples(index=False, name=None)) for cells in (old, new)]
    return rows[0] <= rows[1]


def _bring_tables(place: Path, source: str) -> list[str]:
    children = sorted(place.iterdir()) if place.is_dir() else [place]
    tables = [child for child in children if child.is_file() and child.suffix.lower() in TABLES]
    if not tables:
        raise IncomingError(f"{source}: holds no table; it needs a CSV or Parquet file with the study's columns")
    INCOMING.mkdir(parents=True, exist_ok=True)
    names = {_name_of(table): table for table in tables}
    for name, table in names.items():
        shutil.copyfile(table, INCOMING / name)
    return list(names)


def _name_of(table: Path) -> str:
    """Its own; what `label-next` wrote is known by its content, too, or a second round would replace the first."""
    if not table.name.startswith(CHOSEN):
        return table.name
    return f"{table.stem}-{hash_path(table)[:8]}{table.suffix}"


def _refuse_links_out(folder: Path) -> None:
    """Of a folder on this machine: a link that leads out of it would bring in what nobody offered, and reading a pipe
    never ends.

    Raises:
        IncomingError: naming the first of these.
    """
    home = folder.resolve()
    for file in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if not file.resolve().is_relative_to(home):
            raise IncomingError(f"{file}: is a link that leads out of {folder}; put the photo itself there")
        if not file.is_file() and not file.is_dir():
            raise IncomingError(f"{file}: is neither a file nor a folder; remove it")
