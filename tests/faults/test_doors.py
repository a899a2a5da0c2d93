"""Doors that are closed: what other users of the machine may write, and what a server that we recommend lets in."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from dvc.repo import Repo

from tests.conftest import ROOT

STATE = Path(".kiyas/dvc-state")
SERVERS = {
    "Makefile": "$(BIN)/mlflow server",
    "deploy/tracking-server.md": ".venv/bin/mlflow server",
    "docs/how-to/tracking-server.md": ".venv/bin/mlflow server",
    "publishing/pictures.py": '"mlflow", "server"',
    "tests/tracking/servers.py": '"mlflow", "server"',
}


@pytest.mark.parametrize("umask", [0o022, 0o002, 0o077])
def test_what_dvc_remembers_stays_in_the_checkout_where_nobody_else_may_write(
    tmp_path: Path, umask: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its databases hold pickles (CVE-2025-69872); by default they lie where every user of the machine may write."""
    tracked = subprocess.run(["git", "ls-files", str(STATE)], cwd=ROOT, capture_output=True, text=True, check=True)
    before = os.umask(umask)
    try:
        for name in (".dvc/config", *tracked.stdout.split()):  # as a clone has them
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, tmp_path / name)
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("DVC_SITE_CACHE_DIR", raising=False)
        subprocess.run(["git", "init", "--quiet"], check=True)
        with Repo() as repo:
            (tmp_path / "file").write_text("content", encoding="utf-8")
            repo.add("file")
            home = Path(repo.site_cache_dir).resolve()
    finally:
        os.umask(before)
    assert home.is_relative_to(tmp_path / STATE) and list(home.rglob("cache.db"))
    open_to_all = [
        place for place in tmp_path.rglob("*") if not place.is_symlink() and place.stat().st_mode & stat.S_IWOTH
    ]
    assert open_to_all == []
    status = subprocess.run(["git", "status", "--porcelain", str(STATE)], capture_output=True, text=True, check=True)
    assert "cache.db" not in status.stdout


@pytest.mark.parametrize("file", SERVERS)
def test_no_server_of_mlflow_that_we_start_or_recommend_takes_jobs(file: str) -> None:
    """Whoever reaches it could start processes there (CVE-2026-2652, CVE-2026-0545)."""
    text = (ROOT / file).read_text(encoding="utf-8")
    assert text.count(SERVERS[file]) >= 1
    switched_off = text.count("MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false") + text.count('JOB_EXECUTION": "false"')
    assert switched_off >= text.count(SERVERS[file])


def test_no_other_file_tells_how_to_start_one() -> None:
    done = subprocess.run(["git", "grep", "-lE", r"mlflow[\", ]+server"], cwd=ROOT, capture_output=True, text=True)
    known = {*SERVERS, "tests/faults/test_doors.py", "tests/documented.py"}
    assert done.returncode == 0 and set(SERVERS) <= set(done.stdout.split()) <= known
