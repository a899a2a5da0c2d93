"""New photos from elsewhere → data/incoming/: a folder, a DVC remote, a bucket, or an archive behind a URL."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from pipeline.datasets.photos.archives import is_archive, only_folder, unpack
from pipeline.dvc_command import run_dvc
from pipeline.operations.retraining.intake.batches import clear_accepted
from pipeline.operations.retraining.intake.incoming import INCOMING, IncomingError


def fetch_into_incoming(source: str) -> list[str]:
    """Copy new photos from a source into data/incoming/.

    Files that data/incoming has already are replaced. What an earlier call accepted stays out, so that a source which
    did not change brings nothing.

    Args:
        source: anything that `dvc get-url` reads (a path, https://, s3://, ssh://, remote://name/path); one folder a
            class, or a zip or tar of such folders.

    Returns:
        The files that it brought, by their place in data/incoming.

    Raises:
        VersioningError: DVC cannot get it.
        IncomingError: it holds no class folder, or something that is neither a photo nor a folder of it.
        FolderError: an archive that cannot be read.
    """
    _refuse_links_out(Path(source))
    INCOMING.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=INCOMING.parent, prefix=".part-") as temporary:
        download = Path(temporary) / Path(source.partition("?")[0].rstrip("/")).name
        run_dvc("get-url", source, str(download))
        folder = download
        if download.is_file() and is_archive(download):
            folder = only_folder(unpack(download, Path(temporary) / "unpacked")[0])
        classes = [child for child in sorted(folder.iterdir()) if child.is_dir()] if folder.is_dir() else []
        if not classes:
            raise IncomingError(f"{source}: holds no class folder; it needs one folder a class, with photos inside")
        files = [file for child in classes for file in child.rglob("*") if file.is_file()]
        for child in classes:
            shutil.copytree(child, INCOMING / child.name, dirs_exist_ok=True)
    clear_accepted()
    return [place for file in files if (INCOMING / (place := file.relative_to(folder).as_posix())).is_file()]


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
