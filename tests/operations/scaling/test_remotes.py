"""Data over real remotes: SSH by this machine's own sshd, S3 by a server in memory. What carries it is DVC's part; that
a node with nothing but the commit, its own credentials and the remote comes to what one machine does is ours."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from pipeline.operations.scaling.commit import clean_commit, pack_commit, refuse_private_remote
from pipeline.operations.scaling.on_nodes.node import run_stage
from pipeline.operations.scaling.on_nodes.worker import add_lock_entries, read_lock
from tests.operations.scaling import services
from tests.operations.scaling.conftest import Place
from tests.operations.scaling.graph import dvc, git, lock_of, orders, tasks_of

STAGES = ("train@quick", "evaluate@quick")


@pytest.fixture
def over_ssh(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    if reason := services.missing_for_ssh():
        pytest.skip(reason)
    (tmp_path / "ssh").mkdir()
    with services.ssh_server(tmp_path / "ssh") as server:
        monkeypatch.setenv("HOME", str(server.home))  # with the user's key, and the host's to know it by
        use_remote(place, server.url(tmp_path / "stored"))
        yield place
    assert any((tmp_path / "stored").rglob("*"))


@pytest.fixture
def over_s3(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    if reason := services.missing_for_s3():
        pytest.skip(reason)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "of-this-node")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with services.s3_server(tmp_path, "kiyas") as address:
        use_remote(place, "s3://kiyas/stored", ("endpointurl", address))
        yield place


def use_remote(place: Place, url: str, *settings: tuple[str, str]) -> None:
    """Commit it as the only one, and push what is made before stages are spread."""
    dvc(place.checkout, "remote", "add", "-q", "--force", "--default", "storage", url)
    for key, value in settings:
        dvc(place.checkout, "remote", "modify", "storage", key, value)
    git(place.checkout, "commit", "-q", "-a", "-m", "another remote")
    shutil.rmtree(place.outside / "remote")
    dvc(place.checkout, "push", "-q", "data")


@pytest.mark.parametrize("kind", ["over_ssh", "over_s3"])
def test_two_nodes_that_share_nothing_but_a_remote_come_to_what_one_machine_does(
    kind: str, request: pytest.FixtureRequest
) -> None:
    place: Place = request.getfixturevalue(kind)
    refuse_private_remote(place.checkout)
    archive = pack_commit(place.checkout, clean_commit(place.checkout))
    lock = read_lock()
    for number, task in enumerate(tasks_of(*STAGES)):
        order = orders(place.checkout, place.cache / str(number))(task, {name: lock[name] for name in task.waits_for})
        outcome: dict[str, Any] = run_stage(asdict(order), archive)
        assert outcome["state"] == "done", outcome
        lock[task.name] = outcome["lock"]
    add_lock_entries(lock)
    dvc(place.checkout, "pull", "-q", "--force", "--run-cache", *STAGES)
    assert (place.checkout / "score-quick.txt").read_text() == "1 2 3quick scored"
    dvc(place.checkout, "repro", "-q", *STAGES)
    assert place.starts("quick") == 1  # nothing is left to do here
    assert {name: lock_of(place.checkout)[name] for name in STAGES} == {name: lock[name] for name in STAGES}
