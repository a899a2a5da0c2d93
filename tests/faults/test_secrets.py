"""Secrets planted in the environment and in addresses are found nowhere that somebody else can read."""

from __future__ import annotations

import importlib
import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from pipeline.__main__ import main
from pipeline.dvc_command import VersioningError
from pipeline.operations import retrain, track
from tests.tracking.simulated import simulate, small_params

PLANTED = "pl4nted"
SOURCE = f"https://ada:{PLANTED}-password@127.0.0.1:1/new.zip?X-Amz-Credential={PLANTED}&X-Amz-Signature={PLANTED}"


@pytest.fixture(autouse=True)
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "MLFLOW_TRACKING_PASSWORD", "GITHUB_TOKEN", "DATABASE_URL"):
        monkeypatch.setenv(name, f"{PLANTED}-{name.lower()}")


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """Whatever is sent to it; the secret is in its path, as it is with the usual services."""
    bodies: list[bytes] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(500)  # so that the sender tells of it
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv(retrain.WEBHOOK, f"http://127.0.0.1:{server.server_port}/services/{PLANTED}/{PLANTED}")
        yield bodies
        server.shutdown()


def files_with_secrets(folder: Path) -> list[str]:
    files = (
        file for file in folder.rglob("*") if file.is_file() and not file.is_symlink() and ".git" not in file.parts
    )
    return [str(file.relative_to(folder)) for file in files if PLANTED.encode() in file.read_bytes()]


def test_a_retraining_that_fails_tells_nobody_the_password_of_its_source(
    checkout: Path, webhook: list[bytes], capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    status = retrain.run(as_json=True, full=False, force=False, source=SOURCE, commit_it=False, push=False)
    told = capfd.readouterr()
    assert status == 1 and json.loads(told.out)["ending"] == "failed"
    assert "127.0.0.1:1/new.zip?X-Amz-Credential=***&X-Amz-Signature=***" in told.out, "the rest of it is told"
    (body,) = webhook
    assert PLANTED not in told.out + told.err + caplog.text + body.decode()
    assert "webhook http://127.0.0.1: not told" in caplog.text
    assert files_with_secrets(checkout) == []


def test_what_mlflow_shows_and_what_stands_beside_it_holds_no_secret(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    subprocess.run(["git", "init", "--quiet"], check=True)
    address = f"https://ada:{PLANTED}-token@git.example/kiyas.git"
    subprocess.run(["git", "remote", "add", "origin", address], check=True)
    simulate(small_params())
    track.run()
    told = capfd.readouterr()
    assert PLANTED not in told.out + told.err
    assert (checkout / "mlflow.db").is_file() and files_with_secrets(checkout) == []


def test_a_server_that_cannot_be_reached_is_named_without_the_password_in_its_address(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"postgresql+psycopg://ada:{PLANTED}@127.0.0.1:1/runs")
    simulate(small_params())
    assert main(["track"]) == 1
    told = capfd.readouterr()
    assert "postgresql+psycopg://***@127.0.0.1:1/runs" in told.err
    assert PLANTED not in told.out + told.err and files_with_secrets(checkout) == []


@pytest.mark.parametrize(
    "module",
    [
        "pipeline.operations.repro",
        "pipeline.operations.plan",
        "pipeline.operations.status",
        "pipeline.operations.fanout",
    ],
)
def test_no_command_tells_the_password_in_the_address_that_failed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], module: str
) -> None:
    operation = importlib.import_module(module)

    def fail(*_: object) -> None:
        raise VersioningError(f"cannot reach https://ada:{PLANTED}@shop.example/store")

    monkeypatch.setattr(operation, "load_params", fail)
    if module.endswith("repro"):
        monkeypatch.setattr(operation, "_refuse_second_run", fail)
    assert operation.run() == 2
    assert f"kiyas {module.rpartition('.')[2]}: cannot reach https://***@shop.example/store" in capsys.readouterr().err
