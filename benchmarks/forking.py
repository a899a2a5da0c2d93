"""What a stage saves that is forked from a process which has imported the libraries, in processor seconds.

    python -m benchmarks.forking                                    (what a checkout in which `repro` has ended can ask)
    python -m benchmarks.forking --stages "compare" --repeats 5 --results benchmarks/results/forking.json

Each stage runs alone and forked, in turns. It writes what it wrote before, so the checkout stays as it is. Beside other
work on the machine processor seconds hold better than time does.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median

from benchmarks.record import record
from pipeline.dvc_command import UNWATCHED, dvc_environment
from pipeline.forking.messages import ADDRESS
from pipeline.forking.run import NOTES, fork_server

OUT = Path("benchmarks/out/forking.json")
STAGES = [
    "folders",
    "evaluate --candidate classical-logistic_hog",
    "evaluate --candidate finetune-resnet50-feature_extractor",
    "compare",
]
PLAIN, KERAS = "without-networks", "with-networks"  # as DVC would call the stages
ENDED = re.compile(r"^process (?P<process>\d+) ended: status 0, (?P<seconds>[\d.]+) processor seconds$", re.MULTILINE)
READY = 60.0  # seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--stages", nargs="+", default=STAGES)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--results", type=Path, default=OUT, help=f"where to write them as JSON (default: {OUT})")
    options = parser.parse_args()
    rows = []
    with fork_server(dvc_environment() | {UNWATCHED: "1"}, options.stages, [KERAS]) as environment:
        await_server(environment[ADDRESS])
        for stage in options.stages:
            pairs = [(alone(stage), forked(stage, environment)) for _ in range(options.repeats)]
            before, after = (median(seconds) for seconds in zip(*pairs, strict=True))
            rows.append({"stage": stage, "alone": round(before, 2), "forked": round(after, 2)})
            print(f"{stage:60s} alone {before:6.2f}   forked {after:6.2f}", flush=True)
    record(options.results, {"stages": rows})


def await_server(name: str) -> None:
    """Until both of its sockets are there."""
    end = time.monotonic() + READY
    while Path("/proc/net/unix").read_text(encoding="utf-8").count(name) < 2:
        if time.monotonic() > end:
            sys.exit(f"no server after {READY:.0f} seconds; {NOTES} may say why")
        time.sleep(0.1)


def alone(stage: str) -> float:
    return run(stage, os.environ)


def forked(stage: str, environment: Mapping[str, str]) -> float:
    """The stage's own seconds beside those of the process that handed it over."""
    name = PLAIN if stage in ("folders", "compare") or "classical" in stage else KERAS
    before = len(_seconds_noted())
    seconds = run(stage, {**environment, "DVC_STAGE": name})
    ended = _seconds_noted()[before:]
    if len(ended) != 1:
        sys.exit(f"{stage} was not forked; {NOTES} says why")
    return seconds + ended[0]


def _seconds_noted() -> list[float]:
    return [float(ended["seconds"]) for ended in ENDED.finditer(NOTES.read_text(encoding="utf-8"))]


def run(stage: str, environment: Mapping[str, str]) -> float:
    """Processor seconds of one call."""
    command = [sys.executable, "-m", "pipeline", *shlex.split(stage)]
    before = os.times()
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    after = os.times()
    if done.returncode:
        sys.exit(f"python -m pipeline {stage}: {done.stderr}")
    return after.children_user + after.children_system - before.children_user - before.children_system


if __name__ == "__main__":
    main()
