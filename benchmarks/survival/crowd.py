"""Many at once, and many in a row: two runs, `track` beside one, eight writers, a row of retrainings."""

from __future__ import annotations

import json
import os
import resource
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Sequence
from math import inf
from pathlib import Path
from typing import Any

from benchmarks.survival.kills import SCENARIOS, Scenario, await_processor_time, call, follow, start
from benchmarks.survival.miniature import draw_photos, make_miniature, restore, state_of
from pipeline.ground.files import read_json, write_json

WRITERS = 8
MOST_GROWN = 0.5  # MB a retraining: a decision with DVC's copy of the log, its run in MLflow, and what it said
REPRO, TRACK, RETRAIN = (SCENARIOS[name] for name in ("dvc repro", "track", "retrain"))
IN_A_ROW = "retrainings in a row"
# Of each crowd what is undisturbed, and what runs at once. A second `retrain` ends at once and names the first.
CROWDS: dict[str, tuple[Scenario, list[Sequence[str]]]] = {
    "two dvc repro": (REPRO, [["dvc", "repro"]] * 2),
    "two pipeline repro": (REPRO, [["pipeline", "repro"]] * 2),
    "track beside dvc repro": (REPRO, [["dvc", "repro"], TRACK.command]),
    "two retrain": (RETRAIN, [RETRAIN.command] * 2),
    f"{WRITERS} track": (TRACK, [TRACK.command] * WRITERS),
}


def run_many(
    retrainings: int, only: str = "", minutes: float = inf, place: Path | None = None
) -> Iterator[dict[str, Any]]:
    """A row for each kind of crowd that has a word in its name, and one for the retrainings in a row.

    Args:
        minutes: no retraining is begun after these; without the last one there is no row.
        place: a folder in which the retrainings in a row happen, which go on there; None: a temporary one.
    """
    until = time.monotonic() + 60 * minutes
    for name, (scenario, together) in CROWDS.items():
        if only in name:
            yield _crowd(name, scenario, together)
    if only in IN_A_ROW:
        with tempfile.TemporaryDirectory(prefix="kiyas-many-") as home:
            measured = _retrain_in_a_row(place or Path(home), retrainings, until)
        if len(measured) == retrainings:
            yield _told(measured)


def _crowd(name: str, scenario: Scenario, together: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Commands at once, then the scenario's own; against what that one makes undisturbed."""
    with tempfile.TemporaryDirectory(prefix="kiyas-many-") as home:
        folder, kept = Path(home, "checkout"), Path(home, "kept")
        make_miniature(folder, scenario.overlay)
        if scenario.before:
            scenario.before(folder)
        shutil.copytree(folder, kept, symlinks=True)
        length = call(folder, scenario.command)
        follow(folder, scenario)
        undisturbed = state_of(folder)
        restore(kept, folder)
        faults: list[str] = []
        if scenario is TRACK:  # they write from the beginning, none may fail, and they leave nothing for a further call
            codes = _at_once(folder, together, 0.0)
            faults += ["one failed"] if any(codes) else []
        else:
            codes = _at_once(folder, together, length / 3)
            call(folder, scenario.command)
            follow(folder, scenario)
        faults += state_of(folder).differences(undisturbed)
    return {"crowd": name, "commands": len(together), "exit_codes": codes, "faults": faults}


def _at_once(folder: Path, commands: Sequence[Sequence[str]], seconds: float) -> list[int]:
    """Start the first, the others once it has had so many processor seconds; the exit status of each."""
    first = start(folder, commands[0])
    if seconds:
        await_processor_time(first.pid, seconds)
    processes = [first, *(start(folder, command) for command in commands[1:])]
    return [process.wait() for process in processes]


def _retrain_in_a_row(place: Path, times: int, until: float) -> list[dict[str, Any]]:
    """Retrainings one after another, new photos for the first; what each leaves behind, by its number."""
    folder, notes = place / "checkout", place / "measured.json"
    measured: list[dict[str, Any]] = read_json(notes) if notes.is_file() else []
    if not measured:
        shutil.rmtree(folder, ignore_errors=True)
        make_miniature(folder, {})
        for command in (REPRO.command, *REPRO.after):
            call(folder, command)
        draw_photos(folder / "data/incoming", each=20, seed=1)
    while len(measured) < times and time.monotonic() < until:
        most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        seconds = call(folder, ["pipeline", "retrain", "--force"])
        measured.append(
            {
                "number": len(measured),
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
        write_json(notes, measured)
        print(json.dumps(measured[-1]), flush=True)
    return measured


def _told(measured: list[dict[str, Any]]) -> dict[str, Any]:
    half, last = measured[len(measured) // 2], measured[-1]
    return {
        "crowd": IN_A_ROW,
        "commands": len(measured),
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
