"""Whether git, DVC's remote and MLflow's server will do their part is asked before anything is computed."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from pipeline.__main__ import main
from pipeline.configuration.loading import load_params
from pipeline.operations import check, retrain
from pipeline.operations.checking import remotes
from pipeline.operations.checking.remotes import identity_fault, push_fault, remote_fault, server_fault
from pipeline.operations.checking.surroundings import notes, warn_of_silent_server
from tests.starts import dvc
from tests.tracking.simulated import small_params


def command(*arguments: str) -> None:
    subprocess.run(arguments, check=True, capture_output=True)


@pytest.fixture
def repository(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout in miniature under git and DVC, whose git knows nobody."""
    for name in [name for name in os.environ if name.startswith(("GIT_", "EMAIL"))]:
        monkeypatch.delenv(name)
    for name in ("GITHUB_ACTIONS", "KIYAS_WEBHOOK", "KIYAS_DEBUG", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(checkout / "nobody"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(checkout / "nobody"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    command("git", "init", "--quiet", "--initial-branch=main")
    command("git", "config", "user.useConfigOnly", "true")
    dvc(checkout, "init", "--quiet")
    small_params()
    return checkout


def introduce() -> None:
    command("git", "config", "user.name", "Test")
    command("git", "config", "user.email", "test@example.org")


def dvc_remote(url: str) -> None:
    dvc(Path(), "remote", "add", "--force", "--default", "storage", url)


@pytest.fixture
def nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*arguments: object) -> None:
        raise AssertionError("work has begun")

    monkeypatch.setattr(retrain, "reproduce", run)
    monkeypatch.setattr(retrain, "enrol_advised", run)


def refusal(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert main(["retrain", "--json", *options]) == 1
    (reason,) = json.loads(capsys.readouterr().out)["reasons"]
    return str(reason)


@pytest.mark.usefixtures("nothing_runs")
def test_retrain_with_a_commit_asks_for_an_identity_before_it_works(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refusal(capsys, "--commit").startswith(
        "git: has no identity to commit with; `git config user.name NAME` and `git config user.email ADDRESS`"
    )
    assert refusal(capsys) == "work has begun"
    introduce()
    assert refusal(capsys, "--commit") == "work has begun"


@pytest.mark.usefixtures("repository")
def test_a_comparison_needs_no_identity_of_git() -> None:
    assert identity_fault() is not None
    assert not [note for note in notes(load_params(), None) if "git" in note]


def test_outside_a_repository_nothing_can_be_committed(checkout: Path) -> None:
    fault = identity_fault()
    assert fault is not None and "not a git repository" in fault and "run from a clone" in fault


@pytest.mark.usefixtures("nothing_runs")
def test_retrain_with_a_push_asks_both_remotes_before_it_works(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    introduce()
    command("git", "add", "params.yaml")
    command("git", "commit", "--quiet", "--message", "First")
    reason = refusal(capsys, "--push")
    assert "DVC: has no remote to push to; `dvc remote add --default storage URL`" in reason
    assert "git: `git push origin HEAD` would fail" in reason and "mend the remote `origin`" in reason
    command("git", "init", "--quiet", "--bare", str(tmp_path / "origin.git"))
    command("git", "remote", "add", "origin", str(tmp_path / "origin.git"))
    dvc_remote(str(tmp_path / "remote"))
    assert refusal(capsys, "--push") == "work has begun"
    listed = subprocess.run(["git", "ls-remote", "origin"], check=True, capture_output=True, text=True).stdout
    assert listed == ""  # asking has sent nothing


def test_a_git_remote_that_is_ahead_is_told(repository: Path, tmp_path: Path) -> None:
    introduce()
    command("git", "add", "params.yaml")
    command("git", "commit", "--quiet", "--message", "First")
    command("git", "init", "--quiet", "--bare", str(tmp_path / "origin.git"))
    command("git", "remote", "add", "origin", str(tmp_path / "origin.git"))
    command("git", "push", "--quiet", "origin", "HEAD")
    assert push_fault() is None
    command("git", "commit", "--quiet", "--amend", "--message", "Another")
    fault = push_fault()
    assert fault is not None and "`git pull --rebase` where it is ahead" in fault


@pytest.mark.usefixtures("nothing_runs")
@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("s3://bucket/kiyas", r"requires 'dvc-s3' to be installed.*`pip install dvc-s3`"),
        ("http://127.0.0.1:9/kiyas", r"[Rr]efused"),
    ],
)
def test_a_remote_that_stages_would_pull_from_is_asked_first(
    repository: Path, capsys: pytest.CaptureFixture[str], url: str, says: str
) -> None:
    dvc_remote(url)
    fault = remote_fault(push=False)
    assert fault is not None and fault.startswith("DVC: the remote 'storage' cannot be reached (")
    assert "mend what `dvc remote list` shows" in fault
    with pytest.raises(AssertionError, match=says):
        raise AssertionError(fault)
    assert refusal(capsys) == fault
    check.run()
    assert f"note        {fault}. `retrain` would be refused\n" in capsys.readouterr().out


def test_a_folder_is_a_remote_even_where_the_first_push_makes_it(repository: Path, tmp_path: Path) -> None:
    assert remote_fault(push=False) is None
    dvc_remote(str(tmp_path / "far" / "remote"))
    assert remote_fault(push=True) is None


@pytest.fixture
def server() -> Iterator[Callable[[int], str]]:
    """An HTTP server that answers everything with one status."""
    started: list[HTTPServer] = []

    def start(status: int) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                return

        started.append(HTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=started[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{started[-1].server_port}"

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(("status", "answers"), [(200, True), (401, True), (404, True), (502, False)])
def test_a_server_answers_even_where_it_refuses(
    server: Callable[[int], str], monkeypatch: pytest.MonkeyPatch, status: int, answers: bool
) -> None:
    uri = server(status)
    for place in (uri, uri.replace("http://", "http://me:secret@")):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", place)
        assert (server_fault() is None) == answers


def test_check_and_retrain_say_that_the_server_does_not_answer_and_go_on(
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for uri in (f"http://me:secret@127.0.0.1:{port}", f"postgresql://me:secret@127.0.0.1:{port}/mlflow"):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        fault = server_fault()
        assert fault is not None and "secret" not in fault
        assert "does not answer" in fault and "refused" in fault and "start the server or correct the variable" in fault
        check.run()
        assert f"note        {fault}\n" in capsys.readouterr().out
        caplog.clear()
        with caplog.at_level(logging.WARNING, "kiyas"):
            warn_of_silent_server(load_params())
        assert fault in caplog.text


def test_a_server_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remotes, "SOON", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{silent.getsockname()[1]}")
        fault = server_fault()
    assert fault is not None and "timed out" in fault


def test_a_file_is_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    for uri in ("sqlite:///mlflow.db", "sqlite:////nowhere/mlflow.db"):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        assert server_fault() is None
