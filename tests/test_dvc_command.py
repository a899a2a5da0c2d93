"""DVC as a command: what a kill left behind does not stop it, and its failures have a reason without secrets."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import zc.lockfile
from dvc.repo import Repo

from pipeline import dvc_command
from pipeline.dvc_command import (
    VersioningError,
    default_remote,
    dvc_lock_held,
    reproduce,
    run_dvc,
    wait_for_other_runs,
)


@pytest.fixture(autouse=True)
def empty_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(dvc_command.time, "sleep", lambda _: None)


@pytest.mark.parametrize(
    ("config", "local", "named"),
    [
        ("['remote \"far\"']\n    url = /far\n[core]\n    remote = far\n", "", "far"),
        ("[core]\n    remote = far\n", "[core]\n    remote = near\n", "near"),
        ("[core]\n    analytics = false\n", "", None),
        ("[core\n", "", None),
        (None, None, None),
    ],
)
def test_the_default_remote_is_that_of_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: str | None, local: str | None, named: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    assert default_remote() is None
    Path(".dvc/config").mkdir(parents=True) if config is None else Path(".dvc").mkdir()
    for name, text in (("config", config), ("config.local", local)):
        if text:
            Path(".dvc", name).write_text(text, encoding="utf-8")
    assert default_remote() == named


def test_no_other_dvc_command_has_dvcs_own_lock_while_it_is_held() -> None:
    Repo.init(no_scm=True).close()
    lock = str(Path(".dvc/tmp/lock").resolve())
    with dvc_lock_held(), pytest.raises(zc.lockfile.LockError):
        zc.lockfile.LockFile(lock)
    zc.lockfile.LockFile(lock).close()


OFFER = "\n\x1b[33mHaving any troubles?\x1b[0m Hit us up at https://dvc.org/support, we are always happy to help!\n"


def test_a_failure_is_told_without_what_dvc_adds_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(command: list[str], **_: object) -> tuple[subprocess.CompletedProcess[str], bool]:
        return subprocess.CompletedProcess(
            command, 1, "", "ERROR: unexpected error - database or disk is full\n" + OFFER
        ), False

    monkeypatch.setattr(dvc_command, "run_on_any_disk", fail)
    with pytest.raises(VersioningError) as error:
        run_dvc("push")
    assert str(error.value) == "`dvc push` failed: ERROR: unexpected error - database or disk is full"


def test_a_failure_is_told_without_the_secrets_of_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(command: list[str], **_: object) -> tuple[subprocess.CompletedProcess[str], bool]:
        return subprocess.CompletedProcess(command, 1, "", OFFER), False

    monkeypatch.setattr(dvc_command, "run_on_any_disk", fail)
    with pytest.raises(VersioningError) as error:
        run_dvc("get-url", "https://ada:pa55word@shop.example/new.zip", "here")
    assert "pa55word" not in str(error.value) and "failed: it gave no reason" in str(error.value)


def test_what_dvc_prints_into_a_log_loses_its_secrets_where_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(command: list[str], **options: Any) -> tuple[subprocess.CompletedProcess[str], bool]:
        options["stdout"].write("pulling from https://ada:pa55word@shop.example/store\n")
        options["stdout"].flush()
        return subprocess.CompletedProcess(command, 1), False

    monkeypatch.setattr(dvc_command, "run_on_any_disk", fail)
    file = tmp_path / "retrain.log"
    with pytest.raises(VersioningError) as error:
        reproduce(["prepare"], file)
    assert "https://***@shop.example/store" in file.read_text(encoding="utf-8")
    assert "pa55word" not in file.read_text(encoding="utf-8") + str(error.value)


@pytest.mark.parametrize(
    ("arguments", "stage", "told"),
    [(["dvc", "repro"], "", "`dvc repro`"), (["pipeline", "cnn"], "cnn@lecture", "stage cnn@lecture")],
)
def test_what_a_killed_command_left_at_work_in_this_checkout_is_named_and_waited_for(
    arguments: list[str],
    stage: str,
    told: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    command = [sys.executable, "-c", "import sys; sys.stdin.read()", *arguments]
    environment = os.environ | ({"DVC_STAGE": stage} if stage else {})
    elsewhere = subprocess.Popen(command, cwd=tmp_path.parent, stdin=subprocess.PIPE)
    try:
        with subprocess.Popen(command, cwd=tmp_path, env=environment, stdin=subprocess.PIPE) as orphan:
            monkeypatch.setattr(dvc_command.time, "sleep", lambda _: orphan.communicate())  # now it may end
            wait_for_other_runs()
            assert orphan.poll() == 0, "not before it has ended"
        assert f"{told} (process {orphan.pid}) still runs in this checkout; waiting for it to end" in caplog.text
        monkeypatch.setattr(dvc_command.time, "sleep", lambda _: pytest.fail("a run of another checkout is waited for"))
        wait_for_other_runs()
    finally:
        elsewhere.kill()
        elsewhere.communicate()
