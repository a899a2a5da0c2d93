"""Many at once, and many in a row: two runs, `track` beside one, eight writers, a row of retrainings."""

from __future__ import annotations

import json
import os
import resource
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.survival.kills import SCENARIOS, await_processor_time, call, follow, start
from benchmarks.survival.miniature import draw_photos, make_miniature, restore, state_of

WRITERS = 8
MOST_GROWN = 0.5  # MB a retraining: a decision, its run in MLflow, a page of history and a log
REPRO, TRACK = SCENARIOS["dvc repro"], SCENARIOS["track"]


def run_many(retrainings: int) -> Iterator[dict[str, Any]]:
    """A row for each kind of crowd."""
    with tempfile.TemporaryDirectory(prefix="kiyas-many-") as home:
        folder, kept = Path(home, "checkout"), Path(home, "kept")
        make_miniature(folder, {})
        shutil.copytree(folder, kept, symlinks=True)
        length = call(folder, REPRO.command)
        follow(folder, REPRO)
        undisturbed = state_of(folder)
        for name, together in {
            "two dvc repro": [["dvc", "repro"]] * 2,
            "two pipeline repro": [["pipeline", "repro"]] * 2,
            "track beside dvc repro": [["dvc", "repro"], ["pipeline", "track"]],
        }.items():
            restore(kept, folder)
            codes = _at_once(folder, together, length)
            call(folder, REPRO.command)
            follow(folder, REPRO)
            yield _row(name, len(together), codes, state_of(folder).differences(undisturbed))
        for database in folder.glob("mlflow.db*"):
            database.unlink()
        shutil.rmtree(folder / "mlartifacts", ignore_errors=True)
        codes = _at_once(folder, [TRACK.command] * WRITERS, 0.0)
        faults = state_of(folder).differences(undisturbed)
        yield _row(f"{WRITERS} track", WRITERS, codes, [*faults, *(["one failed"] if any(codes) else [])])
        yield _in_a_row(folder, retrainings)


def _at_once(folder: Path, commands: Sequence[Sequence[str]], length: float) -> list[int]:
    """Start the first, the others once it is well on its way; the exit status of each."""
    first = start(folder, commands[0])
    if length:
        await_processor_time(first.pid, length / 3)
    processes = [first, *(start(folder, command) for command in commands[1:])]
    return [process.wait() for process in processes]


def _row(name: str, commands: int, codes: list[int], faults: list[str]) -> dict[str, Any]:
    return {"crowd": name, "commands": commands, "exit_codes": codes, "faults": faults}


def _in_a_row(folder: Path, times: int) -> dict[str, Any]:
    """Retrainings one after another, new photos for the first; what each leaves behind, by its number."""
    draw_photos(folder / "data/incoming", each=20, seed=1)
    measured = []
    for number in range(times):
        most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        seconds = call(folder, ["pipeline", "retrain", "--force"])
        measured.append(
            {
                "number": number,
                "processor_seconds": round(seconds, 1),
                "peak_mb": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024),
                "grew_peak": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss > most,
                "open_files": len(os.listdir("/proc/self/fd")),
                "database_mb": round((folder / "mlflow.db").stat().st_size / 1e6, 3),
                "checkout_mb": round(sum(f.lstat().st_size for f in folder.rglob("*") if f.is_file()) / 1e6, 2),
                "runs": _count_runs(folder / "mlflow.db"),
                "decisions": len((folder / "champions/log.jsonl").read_text(encoding="utf-8").splitlines()),
            }
        )
        print(json.dumps(measured[-1]), flush=True)
    half, last = measured[times // 2], measured[-1]
    return {
        "crowd": "retrainings in a row",
        "commands": times,
        "faults": growth(half, last),
        "first": measured[0],
        "last": last,
    }


def growth(half: dict[str, Any], last: dict[str, Any]) -> list[str]:
    """What the second half of a row of retrainings has left behind more than it may, by what was measured then."""
    faults, between = [], max(1, last["number"] - half["number"])
    if last["peak_mb"] > 1.1 * half["peak_mb"]:
        faults.append(f"memory grew from {half['peak_mb']} to {last['peak_mb']} MB")
    if last["open_files"] > half["open_files"]:
        faults.append(f"open files grew from {half['open_files']} to {last['open_files']}")
    for key, what in (("database_mb", "MLflow's database"), ("checkout_mb", "the checkout")):
        if (grown := (last[key] - half[key]) / between) > MOST_GROWN:
            faults.append(f"{what} grew by {grown:.2f} MB with each")
    return faults


def _count_runs(database: Path) -> int:
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        return int(connection.execute("select count(*) from runs").fetchone()[0])
    finally:
        connection.close()
