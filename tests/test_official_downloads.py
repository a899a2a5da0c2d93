"""A publisher's own files come first, checked and kept; a host that is out of reach is no error, another file is."""

from __future__ import annotations

import errno
import hashlib
import http.server
import io
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from pipeline import downloads
from pipeline.downloads import DownloadError, read_official


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KIYAS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("KIYAS_OFFLINE", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[str]:
    """The address of a server on this machine for tmp_path/site."""
    (tmp_path / "site").mkdir()
    serve = partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "site"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def md5(content: bytes) -> str:
    return f"md5:{hashlib.md5(content).hexdigest()}"


def test_a_file_is_checked_kept_and_not_fetched_again(host: str, tmp_path: Path, cache: Path) -> None:
    (tmp_path / "site" / "pears.gz").write_bytes(b"pears")
    files = {"pears.gz": (f"{host}/pears.gz", md5(b"pears"))}
    assert read_official(files, None) == {"pears.gz": b"pears"}
    (tmp_path / "site" / "pears.gz").unlink()
    assert read_official(files, None) == {"pears.gz": b"pears"}
    assert [file.name.endswith("-pears.gz") for file in cache.rglob("*") if file.is_file()] == [True]


def test_a_kept_file_that_was_changed_is_fetched_again(host: str, tmp_path: Path, cache: Path) -> None:
    (tmp_path / "site" / "pears.gz").write_bytes(b"pears")
    files = {"pears.gz": (f"{host}/pears.gz", md5(b"pears"))}
    read_official(files, None)
    (kept,) = (file for file in cache.rglob("*") if file.is_file())
    kept.write_bytes(b"plums")
    assert read_official(files, None) == {"pears.gz": b"pears"}


def test_of_an_archive_the_members_are_read(host: str, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "site" / "fruit.tar.gz", "w:gz") as archive:
        for name in ("fruit/pear_1.bin", "fruit/pear_2.bin", "readme.html"):
            info = tarfile.TarInfo(name)
            info.size = 1
            archive.addfile(info, io.BytesIO(name[-5:-4].encode()))
    digest = hashlib.sha256((tmp_path / "site" / "fruit.tar.gz").read_bytes()).hexdigest()
    files = {"fruit.tar.gz": (f"{host}/fruit.tar.gz", f"sha256:{digest}")}
    assert read_official(files, "fruit/*.bin") == {"fruit/pear_1.bin": b"1", "fruit/pear_2.bin": b"2"}


def test_another_file_than_was_published_is_an_error_and_not_kept(host: str, tmp_path: Path, cache: Path) -> None:
    (tmp_path / "site" / "pears.gz").write_bytes(b"plums")
    with pytest.raises(DownloadError, match=r"its md5 is .* not the file that was published"):
        read_official({"pears.gz": (f"{host}/pears.gz", md5(b"pears"))}, None)
    assert [file for file in cache.rglob("*") if file.is_file()] == []


def test_a_file_that_is_cut_off_is_as_one_that_cannot_be_had(cache: Path) -> None:
    class CutOff(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"pears")

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), CutOff) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}/pears.gz"
        assert downloads.get_official("pears.gz", address, md5(b"pears")) is None
        thread.join()
    assert [path for path in cache.rglob("*") if path.is_file()] == []


def test_a_full_disk_is_not_taken_for_a_host_that_is_out_of_reach(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "site" / "pears.gz").write_bytes(b"pears")
    monkeypatch.setattr(downloads.shutil, "copyfileobj", fill)
    with pytest.raises(OSError, match="No space left") as full:
        downloads.get_official("pears.gz", f"{host}/pears.gz", md5(b"pears"))
    assert full.value.errno == errno.ENOSPC and "pears.gz" in str(full.value.filename)


def test_what_cannot_be_had_is_no_error(host: str, monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    assert read_official({"a": (f"{host}/gone.gz", md5(b""))}, None) is None
    assert read_official({"a": ("http://127.0.0.1:1/closed.gz", md5(b""))}, None) is None
    assert [file for file in cache.rglob("*") if file.is_file()] == []


def test_a_host_that_does_not_answer_is_given_up(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.setattr(downloads, "PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/pears.gz"
        assert read_official({"pears.gz": (address, md5(b"pears"))}, None) is None


def test_offline_no_host_is_asked(host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "site" / "pears.gz").write_bytes(b"pears")
    monkeypatch.setenv("KIYAS_OFFLINE", "1")
    assert read_official({"pears.gz": (f"{host}/pears.gz", md5(b"pears"))}, None) is None
