"""Faults of single calls in whole commands, by shim.c: a disk breaks, takes a part, or is full in one folder alone.

A command either bears them and ends well, or ends with what was refused.
"""

from __future__ import annotations

import json
import random
import time
from math import exp, log
from pathlib import Path

from benchmarks.survival.called import WELL, Fault, about, run
from benchmarks.survival.kills import SCENARIOS, Scenario
from benchmarks.survival.miniature import environment
from benchmarks.survival.shim import FAULTS as KINDS
from benchmarks.survival.shim import SHORT, Control, Shim
from pipeline.champions.log import LOG

REPRO, TRACK, RETRAIN = (SCENARIOS[name] for name in ("dvc repro", "track", "retrain"))
SHARES = (5_000, 200_000)  # of a million calls that write a part only
CALLS = 400  # of which one is drawn to fail, early ones more often
SAID = {"input/output errors": "input/output error|i/o error", "no space left": "no space left|disk is full"}
CACHE, ARTIFACTS = ".dvc/cache", "mlartifacts"


def short_writes(folder: Path, scenario: Scenario, drawn: random.Random) -> tuple[list[str], bool]:
    """Which the system may answer any call with, so that nothing may come of it."""
    control = Control(fault=SHORT, share=drawn.randrange(*SHARES), seed=drawn.randrange(2**31))
    code, said, seconds, struck = _call(folder, scenario, folder, control)
    if code not in WELL:
        return [f"ended with {code}: {said[-400:]}"], struck
    return list(about(code, said, seconds, "")), struck


def failing(kind: str, within: str = "", lasts: bool = False) -> Fault:
    """
    Args:
        kind: a key of shim.py's FAULTS.
        within: the folder of the checkout in which calls fail; "": all of it.
        lasts: whether all calls after the first one fail too, as on a disk that is full.
    """

    def fault(folder: Path, scenario: Scenario, drawn: random.Random) -> tuple[list[str], bool]:
        at = round(exp(drawn.uniform(0, log(CALLS))))
        control = Control(fault=KINDS[kind], at=at, lasts=int(lasts))
        code, said, seconds, struck = _call(folder, scenario, folder / within, control)
        return list(about(code, said, seconds, SAID[kind])), struck

    return fault


def clock_set_back(folder: Path, scenario: Scenario, drawn: random.Random) -> tuple[list[str], bool]:
    """By the clock the decision is made before those that stand in the log; on the same day, which names batches."""
    since_midnight = int(time.time()) % 86_400
    control = Control(clock=-drawn.randrange(since_midnight // 2, since_midnight))
    code, said, seconds, _ = _call(folder, scenario, folder, control)
    if code not in WELL:
        return [f"ended with {code}: {said[-400:]}"], True
    times = [entry["time"] for entry in map(json.loads, (folder / LOG).read_text(encoding="utf-8").splitlines())]
    told = [] if times != sorted(times) else [f"the log has its times in order: {times}"]
    return told + list(about(code, said, seconds, "")), True


def _call(folder: Path, scenario: Scenario, under: Path, control: Control) -> tuple[int, str, float, bool]:
    """(exit status, what it said, seconds, whether a call failed)"""
    shim = Shim(folder.parent)
    shim.set(control)
    code, said, seconds = run(folder, scenario.command, env=environment(folder) | shim.variables(under))
    return code, said, seconds, shim.get().struck > 0


FAULTS: dict[str, tuple[Scenario, Fault, bool]] = {
    "short writes, track": (TRACK, short_writes, True),
    "short writes, dvc repro": (REPRO, short_writes, True),
    "input/output error, track": (TRACK, failing("input/output errors"), True),
    "input/output error, dvc repro": (REPRO, failing("input/output errors"), True),
    "input/output error, retrain": (RETRAIN, failing("input/output errors"), True),
    "full file system of MLflow's artifacts, track": (TRACK, failing("no space left", ARTIFACTS, lasts=True), True),
    "full file system of DVC's cache, dvc repro": (REPRO, failing("no space left", CACHE, lasts=True), True),
    "full file system of DVC's cache, retrain": (RETRAIN, failing("no space left", CACHE, lasts=True), True),
    "clock set back within the log of decisions, retrain": (RETRAIN, clock_set_back, False),
}
