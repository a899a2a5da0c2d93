"""How a retraining ends: exit codes that a scheduler can use, and a webhook that is told and never trusted."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from pipeline.operations.retraining.outcome import Outcome, notify

SUMMARY = Outcome("promoted", ["Better."], champion=2, version=2).summary("x.log", 1.25)


class Receiver(BaseHTTPRequestHandler):
    status = 200
    received: list[tuple[str, Any]] = []  # noqa: RUF012

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append((self.headers["Content-Type"], json.loads(body)))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    Receiver.status, Receiver.received = 200, []
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook?token=secret"
    server.shutdown()
    server.server_close()


def test_a_webhook_receives_the_summary_as_json(address: str) -> None:
    assert notify(address, SUMMARY)
    assert Receiver.received == [("application/json", json.loads(json.dumps(SUMMARY)))]
    assert Receiver.received[0][1]["exit_code"] == 10


def test_a_webhook_that_answers_an_error_costs_a_warning_that_keeps_its_secret(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    Receiver.status = 500
    assert not notify(address, SUMMARY)
    assert "127.0.0.1" in caplog.text and "500" in caplog.text and "secret" not in caplog.text


@pytest.mark.parametrize("wrong", ["http://127.0.0.1:9/nobody", "file:///etc/passwd", "nonsense"])
def test_an_address_where_nobody_listens_costs_a_warning(wrong: str, caplog: pytest.LogCaptureFixture) -> None:
    assert not notify(wrong, SUMMARY)
    assert "not told" in caplog.text


@pytest.mark.parametrize(
    ("ending", "code"), [("nothing", 0), ("kept", 0), ("promoted", 10), ("asked", 20), ("failed", 1)]
)
def test_each_ending_has_the_exit_code_that_schedulers_are_promised(ending: Any, code: int) -> None:
    assert Outcome(ending, []).exit_code == code
