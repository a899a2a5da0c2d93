"""What the machine refuses ends in one sentence with the file and the remedy, and nothing half-written stays."""

from __future__ import annotations

import contextlib
import errno
import logging
import marshal
import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pipeline
from pipeline import __main__ as command_line
from pipeline import downloads
from pipeline.__main__ import main
from pipeline.champions.log import LOG, Entry, append, now, read_log
from pipeline.datasets.store.prepared import write_prepared
from pipeline.ground.files import write_csv, write_json
from pipeline.ground.kept import KeptArrays
from pipeline.ground.system_faults import sentence

LIMIT = 4096  # bytes, in place of a disk that is full
ENTRY = Entry(now(), "refused", None, None, "data", ["x" * 600])


@contextmanager
def small_files() -> Iterator[None]:
    """Every write beyond LIMIT bytes of a file fails in the operating system, as it does on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _json(folder: Path) -> None:
    write_json(folder / "verdict.json", ["x" * 100] * 100)


def _csv(folder: Path) -> None:
    write_csv(folder / "history.csv", pd.DataFrame({"seed": range(5000)}))


def _parquet(folder: Path) -> None:
    from pipeline.ground.files import replacing

    with replacing(folder / "predictions.parquet") as temporary:
        pd.DataFrame({"p_0": np.random.default_rng(0).random(5000)}).to_parquet(temporary)


def _prepared(folder: Path) -> None:
    images = np.zeros((40, 8, 8, 3), np.uint8)
    write_prepared(folder, images, np.arange(40), np.zeros(40), [str(row) for row in range(40)], ["a", "b"])


def _kept(folder: Path) -> None:
    KeptArrays(folder, 1).find_or_gather("key", 5000, lambda: [np.zeros(5000)])


def _mapped(folder: Path) -> None:
    KeptArrays(folder, 1).fill("key", (5000,), np.float64, lambda values: values.__setitem__(slice(None), 1) or {})


@pytest.mark.parametrize("write", [_json, _csv, _parquet, _prepared, _kept, _mapped])
def test_a_write_that_the_disk_cannot_hold_names_the_file_and_leaves_none(
    tmp_path: Path, write: Callable[[Path], Any]
) -> None:
    with small_files(), pytest.raises(OSError) as refused:
        write(tmp_path)
    told = sentence(refused.value)
    assert told.startswith(f"{tmp_path}/") and "\n" not in told
    assert "file too large; raise the limit" in told or "could not be written" in told
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".") or file.stat().st_size > LIMIT] == []


def test_a_decision_that_the_disk_cannot_hold_leaves_the_log_as_it_was(checkout: Path) -> None:
    append(ENTRY)
    before = LOG.read_bytes()
    with small_files(), pytest.raises(OSError, match=r"champions/log\.jsonl"):
        for _ in range(10):
            append(ENTRY)
    assert LOG.read_bytes().startswith(before) and len(read_log()) < 10
    assert [file.name for file in Path("champions").iterdir()] == ["log.jsonl"]


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (errno.ENOSPC, "results/x/trial.json: no space left on device; make room there (`python -m pipeline prune`"),
        (errno.EROFS, "results/x/trial.json: read-only file system; its file system can only be read"),
        (errno.EACCES, "results/x/trial.json: permission denied; `chmod u+rwX` it"),
        (errno.EMFILE, "results/x/trial.json: too many open files; raise the limit on open files"),
        (errno.EIO, "results/x/trial.json: input/output error; the disk fails"),
    ],
)
def test_a_command_ends_with_what_was_refused_where_and_what_to_do(
    number: int, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> None:
        raise OSError(number, os.strerror(number), "results/x/trial.json")

    monkeypatch.setattr("pipeline.operations.enrol.run", refuse)
    assert main(["enrol"]) == 1
    assert capsys.readouterr().err.startswith(f"kiyas enrol: {told}")


def test_what_a_library_wraps_is_told_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse() -> None:
        try:
            raise OSError(errno.ENOSPC, "No space left on device", "champions/.part-1/model/code")
        except OSError as error:
            raise ValueError("the code path includes files that cannot be copied") from error

    monkeypatch.setattr("pipeline.operations.enrol.run", refuse)
    assert main(["enrol"]) == 1
    assert "enrol: champions/.part-1/model/code: no space left on device; make room" in capsys.readouterr().err


def test_what_dvc_cannot_note_is_told_with_its_place(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Such as where another user, or a disk with a flipped bit, has left it; DVC lets SQLite's own error through."""

    def refuse() -> None:
        raise sqlite3.OperationalError("attempt to write a readonly database")

    monkeypatch.setattr("pipeline.operations.enrol.run", refuse)
    assert main(["enrol"]) == 1
    told = "kiyas enrol: .kiyas/dvc-state: DVC cannot use what it notes there (attempt to write a readonly database); "
    assert capsys.readouterr().err == f"{told}delete .kiyas/dvc-state, which DVC makes anew\n"


def test_a_user_whom_the_system_does_not_know_by_name_gets_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that is started with `--user 5001`: DVC asks for it, and ends with a KeyError."""

    def unknown() -> str:
        raise KeyError("getpwuid(): uid not found: 5001")

    monkeypatch.setenv("LOGNAME", "somebody")
    command_line._name_user()
    assert os.environ["LOGNAME"] == "somebody"
    monkeypatch.setattr("getpass.getuser", unknown)
    assert main([]) == 0 and os.environ["LOGNAME"] == "somebody", "the list of commands needs none"
    command_line._name_user()
    assert os.environ["LOGNAME"] == f"user-{os.getuid()}"


def test_memory_that_runs_out_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pipeline.operations.enrol.run", lambda: np.zeros(1 << 60, np.uint8))
    assert main(["enrol"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("kiyas enrol: memory ran out (Unable to allocate 1.00 EiB")
    assert "smaller" in told and told.count("\n") == 1


def test_a_shell_that_allows_too_little_memory_is_told_so_before_a_library_hangs() -> None:
    script = f"ulimit -v 900000; exec {sys.executable} -m pipeline enrol"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "memory ran out (this shell allows 0.9 GB, and 2 GB are needed); end other programs, lift" in done.stderr


def test_networks_need_more_memory_than_other_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_line, "memory_limit", lambda: 5 * 2**29)
    command_line._refuse_small_memory(command_line.NEEDED)
    with pytest.raises(MemoryError, match=r"allows 2\.5 GB, and 3 GB are needed"):
        command_line._refuse_small_memory(command_line.NEEDED_BY_NETWORKS)


def test_a_user_without_a_home_keeps_downloads_in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("KIYAS_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(downloads.Path, "home", homeless)
    assert downloads.cache_folder() == Path(".kiyas/downloads")


@pytest.mark.parametrize("room", [5000, None], ids=["a disk that takes a part", "room"])
def test_compiled_code_is_kept_whole_or_not_at_all(tmp_path: Path, room: int | None) -> None:
    """Python keeps what a full disk took of it, and then nothing starts any more."""
    (tmp_path / "long.py").write_text("\n".join(f"def f{n}(a, b={n}):\n    return a + b" for n in range(200)))
    script = f"""
import resource, sys
import pipeline
sys.path.insert(0, {str(tmp_path)!r})
if {room}:
    resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))
import long
"""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)
    written = list((tmp_path / "__pycache__").iterdir())
    assert bool(written) == (room is None)
    assert all(file.suffix == ".pyc" and file.stat().st_size > 5000 for file in written)


def test_compiled_code_that_is_written_before_that_fits_into_a_block() -> None:
    source = Path(str(pipeline.__file__))
    compiled = compile(source.read_text(encoding="utf-8"), str(source), "exec")
    assert len(marshal.dumps(compiled)) + 16 < LIMIT, "a disk takes a block whole or not at all"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is Linux'")
def test_a_log_that_a_full_disk_does_not_take_brings_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    from pipeline.operations.retrain import _LogFile

    log_file = _LogFile("/dev/full", encoding="utf-8")
    log_file.handle(logging.LogRecord("kiyas", logging.INFO, __file__, 1, "no space left on device", (), None))
    assert capsys.readouterr().err == ""
    log_file.handle(logging.LogRecord("kiyas", logging.INFO, __file__, 1, "%d photos", ("many",), None))
    assert "--- Logging error ---" in capsys.readouterr().err, "a fault of ours is still told"
    with contextlib.suppress(OSError):
        log_file.close()
