"""New photos from elsewhere → data/incoming/: a folder, a DVC remote, a bucket, or an archive behind a URL."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from pipeline.datasets.photos.archives import is_archive, only_folder, unpack
from pipeline.operations.retraining.incoming import INCOMING, IncomingError, clear_accepted
from pipeline.operations.retraining.versioning import run_dvc


def fetch_into_incoming(source: str) -> list[str]:
    """Bring `source` (anything that `dvc get-url` reads: a path, https://, s3://, ssh://, remote://name/path) here.

    It holds one folder a class, or is a zip or tar of such folders. Files that data/incoming has already are replaced;
    what an earlier call accepted stays out, so that a source which did not change brings nothing.

    Returns:
        What it brought, by its place in data/incoming.

    Raises:
        VersioningError: DVC cannot get it.
        IncomingError: it holds no class folder.
        FolderError: an archive that cannot be read.
    """
    INCOMING.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=INCOMING.parent, prefix=".part-") as temporary:
        got = Path(temporary) / Path(source.partition("?")[0].rstrip("/")).name
        run_dvc("get-url", "--quiet", source, str(got))
        folder = got
        if got.is_file() and is_archive(got):
            folder = only_folder(unpack(got, Path(temporary) / "unpacked")[0])
        classes = [child for child in sorted(folder.iterdir()) if child.is_dir()] if folder.is_dir() else []
        if not classes:
            raise IncomingError(f"{source}: holds no class folder; it needs one folder a class, with photos inside")
        files = [file for child in classes for file in child.rglob("*") if file.is_file()]
        for child in classes:
            shutil.copytree(child, INCOMING / child.name, dirs_exist_ok=True)
    clear_accepted()
    return [place for file in files if (INCOMING / (place := file.relative_to(folder).as_posix())).is_file()]
