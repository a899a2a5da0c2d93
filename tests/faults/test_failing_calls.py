"""A short part of the faults of single calls: each call by which this project's files are written fails in turn."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.survival.shim import SHORT, Control, Shim, missing
from pipeline.dvc_command import VersioningError, keep
from pipeline.ownership import md5
from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))


@pytest.fixture
def shim(tmp_path: Path) -> Shim:
    return Shim(tmp_path)


def test_a_call_that_fails_leaves_the_old_or_the_new_version_and_says_what_was_refused(
    tmp_path: Path, shim: Shim
) -> None:
    folder = tmp_path / "written"
    folder.mkdir()
    command = [sys.executable, "-m", "tests.faults.under_faults", str(shim.file), str(folder)]
    done = subprocess.run(command, env=os.environ | shim.variables(folder), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["faults"] == [] and told["cases"] > 60


WRITING = """
import os, sys, time
file = os.open(os.path.join(sys.argv[1], "file"), os.O_WRONLY | os.O_CREAT)
for part in (b"aa", b"bb", b"cc", b"dd"):
    try:
        os.write(file, part)
    except OSError as error:
        print(error.errno, end=" ")
print(int(time.time()))
"""


@pytest.mark.parametrize(
    ("control", "written", "refused", "hours"),
    [
        (Control(fault=errno.EIO, at=2), b"aaccdd", [5], 0),
        (Control(fault=errno.ENOSPC, at=3, lasts=1), b"aabb", [28, 28], 0),
        (Control(fault=SHORT, at=1), b"abbccdd", [], 0),
        (Control(fault=errno.EIO, share=500_000, seed=2), b"bbdd", [5, 5], 0),
        (Control(clock=-86_400), b"aabbccdd", [], -24),
    ],
)
def test_the_calls_that_are_named_fail_and_no_others(
    tmp_path: Path, shim: Shim, control: Control, written: bytes, refused: list[int], hours: int
) -> None:
    under, beside = tmp_path / "under", tmp_path / "under it not"
    told: list[list[int]] = []
    for folder in (under, beside):
        folder.mkdir()
        shim.set(control)
        command = [sys.executable, "-S", "-c", WRITING, str(folder)]
        said = subprocess.check_output(command, env=os.environ | shim.variables(under), text=True)
        told.append([int(word) for word in said.split()])
    assert ((under / "file").read_bytes(), told[0][:-1]) == (written, refused)
    assert ((beside / "file").read_bytes(), told[1][:-1]) == (b"aabbccdd", [])
    assert abs(told[0][-1] - time.time() - hours * 3600) < 60


def test_mlflow_is_complete_after_a_full_file_system_of_artifacts_and_short_writes(tmp_path: Path, shim: Shim) -> None:
    checkout = tmp_path / "under/checkout"
    checkout.mkdir(parents=True)
    for file in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / file, checkout)
    (checkout / "pipeline").symlink_to(ROOT / "pipeline")
    command = [sys.executable, "-m", "tests.faults.track_under_faults", str(shim.file), str(checkout)]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
    done = subprocess.run(
        command, env=environment | shim.variables(checkout, "/mlartifacts/"), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["faults"] == [] and all(told["struck"])


def test_a_full_file_system_of_dvcs_cache_is_named_and_nothing_half_written_stays(
    tmp_path: Path, shim: Shim, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dvc.repo import Repo

    checkout = tmp_path / "checkout"
    checkout.mkdir()
    monkeypatch.chdir(checkout)
    Repo.init(no_scm=True).close()
    cache = checkout / ".dvc/cache"
    cache.mkdir()
    (checkout / "batch").mkdir()
    for name in ("a", "b", "c"):
        (checkout / "batch" / name).write_bytes(name.encode() * 300_000)
    with monkeypatch.context() as disturbed:
        for key, value in shim.variables(cache).items():
            disturbed.setenv(key, value)
        shim.set(Control(fault=errno.ENOSPC, at=2, lasts=1))
        with pytest.raises(VersioningError, match=r"`dvc add batch` failed: .*(?i:no space left on device)") as refused:
            keep(Path("batch"))
    assert shim.get().struck and "Traceback" not in str(refused.value)
    assert not Path("batch.dvc").exists() and len(list(Path("batch").iterdir())) == 3
    keep(Path("batch"))
    kept = [file for file in cache.rglob("*") if file.is_file() and not file.name.endswith(".dir")]
    assert sorted(md5(file) for file in kept) == sorted(md5(file) for file in Path("batch").iterdir())
