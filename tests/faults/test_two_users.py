"""Two users of one group share a checkout: what the second one runs works, or says who is to let him write what."""

from __future__ import annotations

import ctypes
import os
import shutil
import sqlite3
import struct
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.champions.log import Entry, append, read_log
from pipeline.configuration.loading import load_params
from pipeline.ground.files import write_json
from pipeline.ground.locks import hold, hold_at_once
from pipeline.ground.system_faults import sentence
from pipeline.tracking.store import import_mlflow
from pipeline.tracking.sync import sync
from tests.conftest import ROOT
from tests.tracking.simulated import simulate, small_params

FIRST, SECOND, GROUP = 5001, 5002, 4242  # which no system has
KEEP_CAPABILITIES = 8  # PR_SET_KEEPCAPS
needs_root = pytest.mark.skipif(os.geteuid() != 0 or sys.platform != "linux", reason="only root can be two users")


def become(user: int) -> None:
    """Another user of the group, who may read everything: this Python may lie where only root gets to."""
    libc = ctypes.CDLL(None, use_errno=True)
    os.setgroups([])
    os.setgid(GROUP)
    libc.prctl(KEEP_CAPABILITIES, 1, 0, 0, 0)
    os.setuid(user)
    version, read = struct.pack("=Ii", 0x20080522, 0), 1 << 2  # CAP_DAC_READ_SEARCH
    assert libc.capset(version, struct.pack("=6I", read, read, 0, 0, 0, 0)) == 0


def as_user(user: int, work: Callable[[], object], umask: int = 0o002) -> str:
    """What is told of the error with which something ends in a child of this process; "" where it ends well."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            become(user)
            os.umask(umask)
            work()
        except (ValueError, OSError) as error:
            os.write(writing, sentence(error).encode())
        except BaseException:
            os.write(writing, traceback.format_exc().encode()[-4000:])
        os._exit(0)
    os.close(writing)
    with open(reading, encoding="utf-8") as told:
        said = told.read()
    os.waitpid(child, 0)
    return said


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch, real_tables: None) -> Iterator[Path]:
    """A checkout of the first user, which its group may write."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with tempfile.TemporaryDirectory() as home:  # not tmp_path, which another user may not even enter
        Path(home).chmod(0o755)
        folder = Path(home, "checkout")
        folder.mkdir()
        for file in ("params.yaml", "dvc.yaml"):
            shutil.copy(ROOT / file, folder)
        (folder / "pipeline").symlink_to(ROOT / "pipeline")
        monkeypatch.chdir(folder)
        for path in [folder, *folder.iterdir()]:
            os.chown(path, FIRST, GROUP, follow_symlinks=False)
        folder.chmod(0o2775)
        yield folder


@needs_root
def test_what_one_user_has_written_the_other_one_goes_on_with(shared: Path) -> None:
    import_mlflow()  # but nothing is opened here: a database must not be carried into a child

    def work(event: str) -> Callable[[], None]:
        def write() -> None:
            with hold(Path(".kiyas/some.lock")), hold_at_once(Path(".kiyas/other.lock"), "a test"):
                write_json(Path("results/some.json"), [event])
            sync(load_params())
            append(Entry("2026-01-01T00:00:00.000+00:00", "refused", None, None, "data", [event]))

        return write

    def first() -> None:
        simulate(small_params())
        work("first")()

    assert as_user(FIRST, first) == ""
    assert as_user(SECOND, work("second")) == ""
    assert [entry.reasons for entry in read_log()] == [["first"], ["second"]]
    os.chmod("mlflow.db", 0o644)
    sqlite3.connect("mlflow.db").execute("pragma wal_checkpoint(truncate)")
    (shared / "results/classical-majority/cost.json").write_text('{"new": 1}')
    told = as_user(SECOND, lambda: sync(load_params()))
    assert f"{shared}/mlflow.db belongs to user {FIRST}, who can let the group write there (`chmod -R g+rwX" in told
