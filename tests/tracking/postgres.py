"""A PostgreSQL cluster of a test's own: a temporary folder, a free loopback port, an ordinary user, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from tests.tracking.servers import free_port, running

USER, PASSWORD = "kiyas", "not-to-be-logged"
DEBIAN = Path("/usr/lib/postgresql")  # one folder a version, none of them on the path


def programs() -> Path | None:
    """The folder of initdb and postgres, of the newest version; None where there is none."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    versions = [folder for folder in DEBIAN.glob("*/bin") if (folder / "initdb").exists()]
    return max(versions, key=lambda folder: float(folder.parent.name), default=None)


@contextmanager
def cluster() -> Iterator[str]:
    """A running cluster; gives the URI of its database for SQLAlchemy, password included."""
    bin_folder = programs()
    assert bin_folder
    folder = Path(tempfile.mkdtemp(prefix="kiyas-postgres-"))  # pytest's own folders are closed to other users
    try:
        (folder / "password").write_text(PASSWORD)
        user = _give_away(folder)
        data, port = folder / "data", free_port()
        options = ["--username", USER, "--pwfile", str(folder / "password"), "--auth", "scram-sha-256", "--no-sync"]
        _run([*user, str(bin_folder / "initdb"), "--pgdata", str(data), "--encoding", "UTF8", *options], folder)
        settings = ["-c", "fsync=off", "-c", "unix_socket_directories=", "-c", "listen_addresses=127.0.0.1"]
        start = [*user, str(bin_folder / "postgres"), "-D", str(data), "-p", str(port), *settings]
        with running(start, folder, folder / "log"):
            uri = f"postgresql+psycopg://{USER}:{PASSWORD}@127.0.0.1:{port}/postgres"
            _wait_for(uri, folder / "log")
            yield uri
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def connect(uri: str) -> psycopg.Connection:
    return psycopg.connect(uri.replace("+psycopg", ""), autocommit=True)


def _give_away(folder: Path) -> list[str]:
    """What starts a command as an ordinary user: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return []
    user = next(name for name in ("postgres", "nobody") if _is_known(name))
    known = pwd.getpwnam(user)
    for path in (folder, *folder.iterdir()):
        os.chown(path, known.pw_uid, known.pw_gid)
    return ["setpriv", f"--reuid={known.pw_uid}", f"--regid={known.pw_gid}", "--clear-groups"]


def _is_known(user: str) -> bool:
    with suppress(KeyError):
        return bool(pwd.getpwnam(user))
    return False


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def _wait_for(uri: str, log: Path, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(psycopg.OperationalError):
            connect(uri).close()
            return
        time.sleep(0.1)
    raise AssertionError(f"PostgreSQL never answered:\n{log.read_text(errors='replace')}")
