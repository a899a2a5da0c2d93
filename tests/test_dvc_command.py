"""DVC as a command: what a kill left behind does not stop it, and its failures have a reason without secrets."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pipeline import dvc_command
from pipeline.dvc_command import RWLOCK, VersioningError, remove_unreadable_lock, run_dvc


@pytest.fixture(autouse=True)
def empty_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(dvc_command.time, "sleep", lambda _: None)


@pytest.mark.parametrize("content", ["", '{"read": {'])
def test_a_list_of_locks_that_was_cut_off_is_removed(content: str) -> None:
    RWLOCK.parent.mkdir(parents=True)
    RWLOCK.write_text(content, encoding="utf-8")
    remove_unreadable_lock()
    assert not RWLOCK.exists()


def test_a_list_of_locks_that_can_be_read_stays_and_so_does_one_that_is_whole_a_moment_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    RWLOCK.parent.mkdir(parents=True)
    RWLOCK.touch()
    monkeypatch.setattr(dvc_command.time, "sleep", lambda _: RWLOCK.write_text("{}", encoding="utf-8"))
    remove_unreadable_lock()
    assert RWLOCK.read_text(encoding="utf-8") == "{}"


def test_a_failure_is_told_without_the_secrets_of_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", "")

    monkeypatch.setattr(dvc_command.subprocess, "run", fail)
    with pytest.raises(VersioningError) as error:
        run_dvc("get-url", "https://ada:pa55word@shop.example/new.zip", "here")
    assert "pa55word" not in str(error.value) and "failed: it gave no reason" in str(error.value)
