"""DVC's own files: nothing in them that a kill left stops the next run, and what runs stays."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import zc.lockfile
from dvc.fs import localfs
from dvc.lock import LockError
from dvc.repo import Repo
from dvc.rwlock import rwlock

from pipeline import dvc_leftovers
from pipeline.dvc_leftovers import LOCK_FILE, RWLOCK, clear_dead_locks, make_lock_file_whole


@pytest.fixture(autouse=True)
def empty_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(dvc_leftovers.time, "sleep", lambda _: None)
    Repo.init(no_scm=True).close()


@pytest.fixture
def other() -> Iterator[subprocess.Popen[bytes]]:
    """A process that runs until its input ends, and that nobody has waited for."""
    command = [sys.executable, "-c", "import sys; sys.stdin.read()", "dvc", "repro"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    yield process
    process.communicate()


def test_a_list_of_locks_that_another_dvc_is_writing_is_left_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    RWLOCK.touch()
    monkeypatch.setattr(dvc_leftovers.time, "sleep", lambda _: None)
    guard = zc.lockfile.LockFile(str(RWLOCK.with_name("rwlock.lock")))
    try:
        clear_dead_locks()
    finally:
        guard.close()
    assert RWLOCK.read_bytes() == b""


@pytest.mark.parametrize("content", ["", '{"read": {'])
def test_a_list_of_locks_that_was_cut_off_is_removed(content: str) -> None:
    RWLOCK.write_text(content, encoding="utf-8")
    clear_dead_locks()
    assert not RWLOCK.exists()


def test_a_list_of_locks_that_can_be_read_stays_and_so_does_one_that_is_whole_a_moment_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    RWLOCK.touch()
    monkeypatch.setattr(dvc_leftovers.time, "sleep", lambda _: RWLOCK.write_text("{}", encoding="utf-8"))
    clear_dead_locks()
    assert RWLOCK.read_text(encoding="utf-8") == "{}"


def hold(process: int, command: str = "/some folder/dvc repro") -> None:
    """As a DVC that was killed leaves the list while it wrote `out` and read `photos`."""
    entry = {"pid": process, "cmd": command}
    RWLOCK.write_text(json.dumps({"write": {"/out": entry}, "read": {"/photos": [entry]}}), encoding="utf-8")


def may_write(path: str) -> bool:
    """What DVC itself says."""
    try:
        with rwlock(str(RWLOCK.parent), localfs, "dvc repro", [], [path], False):
            return True
    except LockError:
        return False


def test_what_a_process_holds_that_ended_and_was_not_waited_for_is_let_go(other: subprocess.Popen[bytes]) -> None:
    other.kill()
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
    hold(other.pid)
    assert not may_write("/out") and not may_write("/photos")
    clear_dead_locks()
    assert may_write("/out") and may_write("/photos")


def test_what_a_process_holds_whose_number_another_one_has_by_now_is_let_go(other: subprocess.Popen[bytes]) -> None:
    hold(other.pid)
    before = time.time() - 60
    os.utime(RWLOCK, (before, before))
    assert not may_write("/out") and not may_write("/photos")
    clear_dead_locks()
    assert may_write("/out") and may_write("/photos")


def test_a_list_that_dvc_wrote_anew_for_other_files_meanwhile_tells_them_apart_all_the_same(
    other: subprocess.Popen[bytes],
) -> None:
    hold(other.pid, "/some folder/dvc repro cnn@lecture")
    assert may_write("/elsewhere"), "DVC has written the list since"
    assert not may_write("/out")
    clear_dead_locks()
    assert may_write("/out") and may_write("/photos")


def test_what_a_process_holds_that_runs_stays(other: subprocess.Popen[bytes]) -> None:
    hold(other.pid)
    before = RWLOCK.read_bytes()
    clear_dead_locks()
    assert RWLOCK.read_bytes() == before
    assert not may_write("/out") and not may_write("/photos")


def test_a_list_that_another_dvc_is_changing_is_left_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    hold(os.getpid())
    monkeypatch.setattr(dvc_leftovers, "_may_run", lambda *_: False)
    before = RWLOCK.read_bytes()
    guard = zc.lockfile.LockFile(str(RWLOCK.with_name("rwlock.lock")))
    try:
        clear_dead_locks()
    finally:
        guard.close()
    assert RWLOCK.read_bytes() == before
    clear_dead_locks()
    assert json.loads(RWLOCK.read_text(encoding="utf-8")) == {"write": {}, "read": {}}


STAGES = """stages:
  first:
    cmd: echo first >> ../ran && python -c "open('first.txt', 'w').write('1')"
    deps: [begin.txt]
    outs: [first.txt]
  second:
    cmd: echo second >> ../ran && python -c "open('second.txt', 'w').write('2')"
    deps: [first.txt]
    outs: [second.txt]
"""


@pytest.fixture
def finished() -> str:
    """A project whose stages have run; what dvc.lock then holds."""
    Path("dvc.yaml").write_text(STAGES, encoding="utf-8")
    Path("begin.txt").write_text("0", encoding="utf-8")  # DVC's run cache knows stages by what they depend on
    with Repo() as repo:
        repo.reproduce()
    return LOCK_FILE.read_text(encoding="utf-8")


def test_dvc_lock_cut_off_anywhere_is_cut_back_to_whole_stages_and_dvc_runs_nothing_for_it(finished: str) -> None:
    second = finished.index("  second:")
    for end in (0, 5, 15, 20, 25, second + 4, second + 20, finished.rindex("md5") + 1, len(finished) - 2):
        LOCK_FILE.write_text(finished[:end], encoding="utf-8")
        make_lock_file_whole()
        kept = LOCK_FILE.read_text(encoding="utf-8") if LOCK_FILE.exists() else ""
        assert kept in (finished[:second], "", finished[:end])
        with Repo() as repo:
            repo.reproduce()
        assert LOCK_FILE.read_text(encoding="utf-8") == finished, end
        assert Path("../ran").read_text(encoding="utf-8") == "first\nsecond\n", "by DVC's run cache"


def test_dvc_lock_in_whose_last_stage_two_commits_differ_is_left_to_who_merges_them(finished: str) -> None:
    last = finished.rindex("md5")
    text = f"{finished[:last]}<<<<<<< ours\n      md5: 1\n=======\n      md5: 2\n>>>>>>> theirs\n"
    LOCK_FILE.write_text(text, encoding="utf-8")
    make_lock_file_whole()
    assert LOCK_FILE.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    "text", [None, "<<<<<<< ours\nschema: '2.0'\n", "schema: [\nstages: {}\n", "schema: '2.0'\n{}\n"]
)
def test_dvc_lock_that_is_not_cut_off_is_left_to_who_wrote_it(finished: str, text: str | None) -> None:
    content = finished if text is None else text + finished
    LOCK_FILE.write_text(content, encoding="utf-8")
    make_lock_file_whole()
    assert LOCK_FILE.read_text(encoding="utf-8") == content


def test_dvc_lock_that_another_dvc_is_writing_is_waited_for(finished: str) -> None:
    LOCK_FILE.write_text(finished[:-20], encoding="utf-8")
    writer = zc.lockfile.LockFile(str(RWLOCK.with_name("lock")))

    def end(seconds: float) -> None:
        LOCK_FILE.write_text(finished, encoding="utf-8")
        writer.close()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("dvc.lock.time.sleep", end)  # as DVC waits for its lock
        make_lock_file_whole()
    assert LOCK_FILE.read_text(encoding="utf-8") == finished
