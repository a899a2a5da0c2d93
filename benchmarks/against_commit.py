"""How long a command takes beside an earlier commit: in a clone of each, one after the other.

    python -m benchmarks.against_commit 3196aa4           # `make quick`
    python -m benchmarks.against_commit 3196aa4 --target repro --params 'seeds: [0]'

The clones stand in workspaces/benchmark-against/ and have environments of their own, whose set-up is not counted.
Nothing else should run meanwhile. Processor seconds are those of the command and of all that it started. Test
accuracies show whether both found the same. Results stand in benchmarks/results/against_commit.json, by target, changed
parameters and processor; `python -m publishing` writes them into docs/results/speed.md.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from benchmarks.record import measured_here, processor, record_rows, recorded_rows
from pipeline.operations.study import merge

RESULTS = Path(__file__).parent / "results/against_commit.json"
WITH_ORPHANS = """
import ctypes, os, subprocess, sys
PR_SET_CHILD_SUBREAPER = 36  # of Linux: processes below whose parents have ended become this one's children, and count
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
status = subprocess.call(sys.argv[1:])
try:
    while True:
        os.wait()
except ChildProcessError:
    sys.exit(status)
"""
CLONES = Path("workspaces/benchmark-against")
RANKINGS = {"quick": "workspaces/quick/comparison/ranking.csv", "repro": "comparison/ranking.csv"}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("commit", help="the earlier one")
    parser.add_argument("--target", choices=sorted(RANKINGS), default="quick", help="what `make` is to make")
    parser.add_argument("--params", default="", help="YAML: what changes in params.yaml of both")
    options = parser.parse_args()
    commits = {"earlier": options.commit, "now": "HEAD"}
    clones = {which: clone_of(commit) for which, commit in commits.items()}
    for clone in clones.values():
        change(clone / "params.yaml", options.params)
    measured = {which: timed(clone, options.target) for which, clone in clones.items()}
    settings = {"target": options.target, "params": options.params, "processor": processor()}
    found = accuracies(clones, RANKINGS[options.target])
    keep({**settings, **measured, "accuracies": found, "ran": measured_here()})
    ratios = [measured["now"][key] / measured["earlier"][key] for key in ("seconds", "processor_seconds")]
    print(f"make {options.target}: {ratios[0]:.2f} of the time, {ratios[1]:.2f} of the processor time")


def keep(row: dict[str, Any]) -> None:
    """In the place of what was measured before with the same settings."""
    same = ("target", "params", "processor")
    kept = recorded_rows(RESULTS) if RESULTS.exists() else []
    others = [one for one in kept if any(one[key] != row[key] for key in same)]
    record_rows(RESULTS, [*others, row])


def change(params: Path, text: str) -> None:
    """
    Args:
        text: YAML of what is different, as much of it as differs.
    """
    changed = merge(yaml.safe_load(params.read_text(encoding="utf-8")), yaml.safe_load(text) or {})
    params.write_text(yaml.safe_dump(changed, sort_keys=False), encoding="utf-8")


def clone_of(commit: str) -> Path:
    """A clone at the commit, with its environment and nothing of an earlier run."""
    name = subprocess.run(["git", "rev-parse", "--short=10", commit], check=True, capture_output=True, text=True)
    clone = CLONES / name.stdout.strip()
    if not clone.exists():
        subprocess.run(["git", "clone", "--quiet", ".", str(clone)], check=True)
        subprocess.run(["git", "checkout", "--quiet", clone.name], cwd=clone, check=True)
    subprocess.run(["git", "clean", "-ffdxq", "--exclude", ".venv"], cwd=clone, check=True)
    subprocess.run(["make", "setup"], cwd=clone, check=True)
    return clone


def timed(clone: Path, target: str) -> dict[str, Any]:
    """Seconds by the clock and of processors."""
    began = time.monotonic()
    making = subprocess.Popen([sys.executable, "-c", WITH_ORPHANS, "make", target], cwd=clone)
    _, status, usage = os.wait4(making.pid, 0)
    seconds = time.monotonic() - began
    if status:
        raise SystemExit(f"{clone}: `make {target}` failed, so nothing was compared")
    return {
        "commit": clone.name,
        "seconds": round(seconds, 1),
        "processor_seconds": round(usage.ru_utime + usage.ru_stime, 1),
    }


def accuracies(clones: dict[str, Path], ranking: str) -> dict[str, list[float]]:
    """On test examples, earlier and now, of the candidates that both have."""
    columns = [pd.read_csv(clone / ranking, index_col="candidate")["test_accuracy"] for clone in clones.values()]
    both = pd.concat(columns, axis=1, join="inner")
    return {
        str(name): [round(float(value), 4) for value in row]
        for name, row in zip(both.index, both.to_numpy(), strict=True)
    }


if __name__ == "__main__":
    main()
