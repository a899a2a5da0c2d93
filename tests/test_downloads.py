"""A download is the file that was expected, or an error that says what to do; nothing else stays on disk."""

from __future__ import annotations

import hashlib
import io
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import downloads
from pipeline.downloads import DownloadError, cache_folder, get_package, read_package
from pipeline.params.schema.packages import Package

FILES = {"fruit/pears.bin": b"pears", "fruit/shard1of2": b"a", "fruit/shard2of2": b"b", "setup.py": b"raise SystemExit"}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KIYAS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands in for a registry, for the real pip."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    return shelf


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Puts a shell script on the PATH, alone, under the name of a client."""

    def install(name: str, script: str) -> None:
        programs = tmp_path / "programs"
        programs.mkdir(exist_ok=True)
        (programs / name).write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n", encoding="utf-8")
        (programs / name).chmod(stat.S_IRWXU)
        monkeypatch.setenv("PATH", str(programs))

    return install


def wheel_on(shelf: Path, files: dict[str, bytes] = FILES, member: str = "fruit/pears.bin") -> Package:
    archive = shelf / "tiny_fruit-1.0-py3-none-any.whl"
    about = {
        "tiny_fruit-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: tiny-fruit\nVersion: 1.0\n",
        "tiny_fruit-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "tiny_fruit-1.0.dist-info/RECORD": b"",
    }
    with zipfile.ZipFile(archive, "w") as opened:
        for name, content in (files | about).items():
            opened.writestr(name, content)
    return package("pypi", archive.read_bytes(), member)


def package(registry: str, archive: bytes, member: str) -> Package:
    sha256 = hashlib.sha256(archive).hexdigest()
    return Package.model_validate(
        {"registry": registry, "name": "tiny-fruit", "version": "1.0", "sha256": sha256, "member": member}
    )


def tar_of(files: dict[str, bytes], mode: str, prefix: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as opened:  # type: ignore[call-overload]
        for name, content in files.items():
            entry = tarfile.TarInfo(prefix + name)
            entry.size = len(content)
            opened.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def deb_of(files: dict[str, bytes]) -> bytes:
    parts = {
        b"debian-binary": b"2.0\n",
        b"control.tar.gz": tar_of({"control": b"odd"}, "w:gz", "./"),
        b"data.tar.xz": tar_of(files, "w:xz", "./"),
    }
    archive = b"!<arch>\n"
    for name, content in parts.items():
        archive += b"%-16s%-12d%-6d%-6d%-8s%-10d`\n" % (name, 0, 0, 0, b"100644", len(content))
        archive += content + b"\n" * (len(content) % 2)
    return archive


def test_a_member_of_a_wheel_is_read_in_place(shelf: Path, cache: Path) -> None:
    assert read_package(wheel_on(shelf)) == {"fruit/pears.bin": b"pears"}
    assert [file.suffix for file in cache.rglob("*") if file.is_file()] == [".whl"]


def test_a_pattern_reads_all_members_that_it_names(shelf: Path) -> None:
    assert read_package(wheel_on(shelf, member="fruit/shard*")) == {"fruit/shard1of2": b"a", "fruit/shard2of2": b"b"}


def test_an_npm_package_is_read_in_place(tmp_path: Path, client: Callable[[str, str], None]) -> None:
    archive = tmp_path / "archive"
    archive.write_bytes(tar_of(FILES, "w:gz", "package/"))
    client("npm", f"cp {archive} tiny-fruit-1.0.tgz")
    found = read_package(package("npm", archive.read_bytes(), "package/fruit/shard*"))
    assert found == {"package/fruit/shard1of2": b"a", "package/fruit/shard2of2": b"b"}


def test_a_debian_package_is_read_in_place(tmp_path: Path, client: Callable[[str, str], None]) -> None:
    archive = tmp_path / "archive"
    archive.write_bytes(deb_of(FILES))
    client("apt-get", f"cp {archive} tiny-fruit_1.0_all.deb")
    assert read_package(package("debian", archive.read_bytes(), "fruit/pears.bin")) == {"fruit/pears.bin": b"pears"}


def test_a_second_read_needs_no_registry(shelf: Path) -> None:
    wanted = wheel_on(shelf)
    read_package(wanted)
    shutil.rmtree(shelf)
    assert read_package(wanted) == {"fruit/pears.bin": b"pears"}


def test_another_archive_than_the_expected_is_refused_and_removed(shelf: Path, cache: Path) -> None:
    wanted = wheel_on(shelf)
    other = wheel_on(shelf, files={"fruit/pears.bin": b"something else"})
    with pytest.raises(DownloadError) as raised:
        get_package(wanted)
    for part in ("pypi package tiny-fruit 1.0", wanted.sha256, other.sha256, "do not use it"):
        assert part in str(raised.value)
    assert not [file for file in cache.rglob("*") if file.is_file()]


def test_a_damaged_file_in_the_cache_is_fetched_again(shelf: Path) -> None:
    wanted = wheel_on(shelf)
    get_package(wanted).write_bytes(b"cut off")
    assert read_package(wanted) == {"fruit/pears.bin": b"pears"}


def test_a_package_that_cannot_be_had_names_itself_the_command_and_what_it_said(shelf: Path, cache: Path) -> None:
    wanted = wheel_on(shelf).model_copy(update={"version": "9.9"})
    with pytest.raises(DownloadError) as raised:
        get_package(wanted)
    for part in ("pypi package tiny-fruit 9.9", "pip download", "No matching distribution", "check the network"):
        assert part in str(raised.value)
    assert not [file for file in cache.rglob("*") if file.is_file()]


def test_pip_is_never_let_near_a_source_archive(shelf: Path) -> None:
    """It would run its setup.py, even only to download it."""
    source = shelf / "tiny_fruit-1.0.tar.gz"
    source.write_bytes(tar_of({"setup.py": b"open('ran', 'w')", "PKG-INFO": b""}, "w:gz", "tiny_fruit-1.0/"))
    with pytest.raises(DownloadError, match="No matching distribution"):
        get_package(package("pypi", source.read_bytes(), "setup.py"))


def test_a_missing_client_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DownloadError, match=r"npm package tiny-fruit 1.0: there is no npm on this machine; install it"):
        get_package(package("npm", b"", "x"))


def test_a_client_that_is_killed_half_way_leaves_nothing(cache: Path, client: Callable[[str, str], None]) -> None:
    client("npm", "printf half > tiny-fruit-1.0.tgz; kill -9 $$")
    with pytest.raises(DownloadError, match="failed"):
        get_package(package("npm", b"whole", "x"))
    assert not [file for file in cache.rglob("*") if file.is_file()]


def test_a_member_that_is_not_there_is_an_error(shelf: Path) -> None:
    with pytest.raises(DownloadError, match=r"has no member 'fruit/apples.bin'"):
        read_package(wheel_on(shelf, member="fruit/apples.bin"))


def test_an_archive_of_another_kind_is_an_error(client: Callable[[str, str], None]) -> None:
    client("npm", "printf nonsense > tiny-fruit-1.0.tgz")
    with pytest.raises(DownloadError, match="cannot be read"):
        read_package(package("npm", b"nonsense", "x"))


def test_a_cache_that_cannot_be_written_names_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("KIYAS_CACHE", str(tmp_path / "file"))
    with pytest.raises(DownloadError, match="set KIYAS_CACHE"):
        get_package(package("npm", b"", "x"))


def test_downloads_are_kept_in_the_users_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("KIYAS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "kiyas"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert downloads.cache_folder() == Path.home() / ".cache" / "kiyas"
