"""Servers on free loopback ports, started for a test and ended with it, children included."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path


def free_port() -> int:
    """A port below those that systems hand out, so that no connection takes it before its server does, or restarts."""
    while True:
        port = secrets.choice(range(20_000, 32_000))
        with suppress(OSError), socket.socket() as free:
            free.bind(("127.0.0.1", port))
            return port


def start(
    command: Sequence[str], folder: Path, log: Path, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """A process in a session of its own, so that whatever it starts can be killed with it."""
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


@contextmanager
def running(
    command: Sequence[str], folder: Path, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    process = start(command, folder, log, environment)
    try:
        yield process
    finally:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL to the process and all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_until_it_answers(url: str, process: subprocess.Popen[bytes], log: Path, seconds: float = 90) -> None:
    """Until `url` answers 200; a process that ends before shows its log."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(OSError, urllib.error.URLError), urllib.request.urlopen(url, timeout=5):
            return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise AssertionError(f"{url} never answered:\n{log.read_text(encoding='utf-8', errors='replace')[-3000:]}")


@dataclass
class TrackingServer:
    """`mlflow server` as deploy/tracking-server.md starts it.

    Attributes:
        database: URI of what is behind it.
        folder: where its artifacts and its log are.
    """

    database: str
    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        here = ["--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"]
        artifacts = ["--serve-artifacts", "--artifacts-destination", str(self.folder / "artifacts")]
        command = [sys.executable, "-m", "mlflow", "server", *here, *artifacts]
        environment = {"MLFLOW_BACKEND_STORE_URI": self.database, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        self.process = start(command, self.folder, self.folder / "server.log", environment)
        wait_until_it_answers(f"{self.uri}/health", self.process, self.folder / "server.log")

    def kill(self) -> None:
        if self.process:
            kill(self.process)
            self.process = None
