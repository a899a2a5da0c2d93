"""A zip or tar of photos, unpacked with care: nothing is written outside the folder, links and devices are left out."""

from __future__ import annotations

import hashlib
import io
import lzma
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from pipeline.datasets.file_kinds import is_system_file, is_system_folder, looks_like_photo
from pipeline.datasets.photos.folders import SPLITS, FolderError, Quarantined, readable
from pipeline.datasets.zip_names import zip_names
from pipeline.ground.files import read_json, write_json
from pipeline.params.data import ARCHIVES

LONGEST_NAME = 255  # bytes of a file's or a folder's name, on all usual file systems
OUTSIDE = "leads out of the archive"
DAMAGED = (zlib.error, lzma.LZMAError)  # what the decompressors raise

Opener = Callable[[], IO[bytes] | None]
Member = tuple[str, int, str | None, Opener]  # name, bytes, why it is left out, and how to read it


def is_archive(path: Path) -> bool:
    return path.name.lower().endswith(ARCHIVES)


def unpack(archive: Path, keep: Path) -> tuple[Path, list[Quarantined]]:
    """Unpack into a folder within `keep`, once: (where the photos are, what was left out).

    Raises:
        FolderError: when it is no archive, or there is too little disk for it.
    """
    status = archive.stat()
    stamp = f"{archive.resolve()!s} {status.st_size} {status.st_mtime_ns}"
    folder = keep / hashlib.sha256(stamp.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    if not folder.is_dir():
        shutil.rmtree(keep, ignore_errors=True)
        keep.mkdir(parents=True)
        with tempfile.TemporaryDirectory(dir=keep, prefix=".part-") as temporary:
            faults = _unpack(archive, Path(temporary) / "files")
            write_json(Path(temporary) / "left_out.json", faults)
            Path(temporary).rename(folder)
            Path(temporary).mkdir()  # for its own removal
    left_out = [Quarantined(name, fault, "", "", "") for name, fault in read_json(folder / "left_out.json")]
    return folder / "files", left_out


def _unpack(archive: Path, folder: Path) -> list[tuple[str, str]]:
    folder.mkdir()
    free = shutil.disk_usage(folder).free
    left_out = []
    try:
        for name, size, fault, open_member in _members(archive):
            free -= size
            if free < 0:
                raise FolderError(f"{archive}: unpacked it is larger than the free disk here ({folder.parent.parent})")
            if fault := fault or _write(open_member, folder / name):
                left_out.append((readable(name), fault))
    except (tarfile.TarError, zipfile.BadZipFile, NotImplementedError, EOFError, OSError, *DAMAGED) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(":")
        raise FolderError(f"{archive}: the archive cannot be read: {reason}; make it, or download it, anew") from error
    return left_out


def _write(open_member: Opener, target: Path) -> str | None:
    """Write one member to its place; returns why it could not be read, where the others still can be."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as written:
            stream = open_member()
            shutil.copyfileobj(stream or io.BytesIO(), written, 1 << 20)
    except FileExistsError:
        return "stands twice in the archive"
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, NotADirectoryError, *DAMAGED) as error:
        target.unlink(missing_ok=True)
        return f"cannot be unpacked: {' '.join(str(error).split())}"
    return None


def _members(archive: Path) -> Iterator[Member]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            members = [info for info in opened.infolist() if not info.is_dir()]
            for info, name in zip(members, zip_names(members, str(archive)), strict=True):
                if not _hidden(name):
                    link = "is a link" if (info.external_attr >> 16) & 0o170000 == 0o120000 else None
                    yield name, info.file_size, _name_fault(name) or link, partial(opened.open, info)
        return
    if archive.suffix.lower() == ".zip" and not tarfile.is_tarfile(archive):
        raise zipfile.BadZipFile("it is no zip file, or is cut off")
    with tarfile.open(archive) as tar:
        for member in tar:
            if not member.isdir() and not _hidden(member.name):
                fault = _name_fault(member.name) or (None if member.isfile() else "is a link or a device")
                yield member.name, member.size, fault, partial(tar.extractfile, member)


def _hidden(name: str) -> bool:
    """What systems add by themselves: .DS_Store, the folders __MACOSX and @eaDir."""
    *folders, file = [part for part in PurePosixPath(name).parts if part not in (".", "..")] or [""]
    return is_system_file(file) or any(map(is_system_folder, folders))


def _name_fault(name: str) -> str | None:
    path = PurePosixPath(name)
    drive = len(name) > 1 and name[1] == ":"
    if path.is_absolute() or drive or ".." in path.parts or "\0" in name:
        return OUTSIDE
    too_long = any(len(part.encode("utf-8", "surrogateescape")) > LONGEST_NAME for part in path.parts)
    return f"has a name of more than {LONGEST_NAME} bytes, which no disk here takes; shorten it" if too_long else None


def only_folder(folder: Path) -> Path:
    """Into the only folder of an archive or a folder, and the only one in that, as long as it holds folders in turn.

    Files beside it, such as a README, do not matter; a class folder alone is left to be told of, and train/ is a split.
    """
    while True:
        children = [
            child for child in folder.iterdir() if not (is_system_folder(child.name) or is_system_file(child.name))
        ]
        folders = [child for child in children if child.is_dir()]
        files = [child for child in children if not child.is_dir()]
        if len(folders) != 1 or folders[0].name == SPLITS[0] or any(map(looks_like_photo, files)):
            return folder
        if not any(child.is_dir() and not is_system_folder(child.name) for child in folders[0].iterdir()):
            return folder
        folder = folders[0]
