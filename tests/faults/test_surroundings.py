"""Surroundings that are not as usual: no home, a bare language, other users, a clock that went back, little memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from benchmarks.survival.miniature import draw_photos, state_of
from pipeline.__main__ import main
from pipeline.champions.log import BATCHES, Entry, append, current, open_question, previous, read_log
from pipeline.ground import locks
from pipeline.ground.files import write_json
from pipeline.ground.kept import KeptArrays
from pipeline.operations import start, track
from pipeline.operations.retraining.decision import looks_in_a_year
from pipeline.operations.retraining.intake.acceptance import Intake, with_unjudged
from pipeline.params.schema.reading import PARAMS_FILE
from pipeline.tracking.store import import_mlflow
from tests.operations.checking import test_disk
from tests.tracking.simulated import simulate, small_params

as_another_user = test_disk.as_another_user  # a fixture
SPEAKS = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "PYTHONUTF8", "PYTHONIOENCODING", "USER", "LOGNAME", "TERM")


def test_without_home_and_language_and_with_files_for_nobody_else_a_command_does_the_same(checkout: Path) -> None:
    draw_photos(checkout / "photos", each=12, seed=0)
    (checkout / "photos/plum").rename(checkout / "photos/şeftali ğ")
    start.run("photos", replace=True, no_measuring=True)
    expected = PARAMS_FILE.read_bytes()
    PARAMS_FILE.write_bytes((Path(start.__file__).parents[2] / "params.yaml").read_bytes())
    bare = {key: value for key, value in os.environ.items() if key not in SPEAKS} | {"LC_ALL": "C"}
    command = [sys.executable, "-m", "pipeline", "start", "photos", "--replace", "--no-measuring"]
    done = subprocess.run(command, env=bare, umask=0o077, capture_output=True, encoding="utf-8", timeout=120)
    assert done.returncode == 0 and "Traceback" not in done.stderr
    assert "şeftali ğ" in done.stdout + PARAMS_FILE.read_text(encoding="utf-8")
    assert PARAMS_FILE.read_bytes() == expected and PARAMS_FILE.stat().st_mode & 0o077 == 0


def test_files_from_tomorrow_change_nothing_of_what_is_shown_kept_or_waited_for(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    import_mlflow()
    simulate(small_params())
    kept = KeptArrays(checkout / ".kiyas/kept", limit_gb=1)
    kept.find_or_gather("key", 10, lambda: iter([np.arange(10.0)]))
    track.run()
    before = state_of(checkout)
    tomorrow = time.time() + 86_400
    for file in checkout.rglob("*"):
        if not file.is_symlink():
            os.utime(file, (tomorrow, tomorrow))
    track.run()
    assert state_of(checkout).differences(before) == []
    np.testing.assert_array_equal(kept.find_or_gather("key", 10, lambda: iter([np.zeros(10)])), np.arange(10.0))


def test_a_lock_that_was_taken_tomorrow_is_told_as_new(tmp_path: Path) -> None:
    note = tmp_path / "some.owner.json"
    started = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    write_json(note, {"command": "repro", "pid": 1, "host": "here", "started": started})
    assert locks._description(note) == "`repro` (process 1 on here, started 0 min ago)"


def test_what_is_decided_by_a_clock_that_went_back_counts_as_decided_last(checkout: Path) -> None:
    """The order of the log is that of its lines, and a batch is weighed by name."""
    hours = ["12", "11", "10"]  # of lines that follow one another
    numbers = {"p_value": 0.5, "examples": 10, BATCHES: ["2026-01-01-known"]}
    for hour, event, champion in zip(hours, ("promoted", "promoted", "asked"), (1, 2, 2), strict=True):
        append(Entry(f"2026-01-01T{hour}:00:00.000+00:00", event, champion, champion, "data", [], None, numbers))
    log = read_log()
    assert (current(log), previous(log)) == (2, 1)
    assert (question := open_question(log)) is not None and question.time.startswith("2026-01-01T10")
    assert looks_in_a_year(log, "2026-01-01T09:00:00.000+00:00", 10) == 3
    for name in ("known", "new"):
        manifest = {"batch": f"2026-01-01-{name}", "accepted": "2026-01-01T09:30:00.000+00:00", "drift": [name]}
        write_json(checkout / "data/accepted" / manifest["batch"] / "batch.json", manifest)
    taken = with_unjudged(Intake("accepted"), log)
    assert (taken.batch, taken.drift) == ("2026-01-01-new", ["new"])


@pytest.mark.parametrize("command", ["retrain", "enrol"])
def test_a_second_user_of_a_checkout_is_told_which_place_is_not_his_and_leaves_all_as_it_was(
    command: str, as_another_user: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in as_another_user.rglob("*")}
    assert main([command]) == 1
    told = capsys.readouterr().err
    assert f"kiyas {command}: " in told and ".kiyas/retrain" in told and "permission denied" in told
    if os.geteuid():
        assert "belongs to root, who can let the group write there (`chmod -R g+rwX " in told
    assert "Traceback" not in told
    assert {path: path.stat().st_mtime_ns for path in as_another_user.rglob("*")} == before


def test_one_run_after_another_leaves_no_more_behind_than_the_first(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    simulate(small_params())
    measured = []
    for _ in range(12):
        track.run()
        files = [file for file in checkout.rglob("*") if file.is_file() and not file.is_symlink()]
        open_files = len(os.listdir("/proc/self/fd"))
        measured.append((len(files), sum(file.stat().st_size for file in files if "-wal" not in file.name), open_files))
    assert measured[-1] == measured[2], "files, their bytes, and what this process has open"
