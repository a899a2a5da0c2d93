"""In a node's clone of the commit: pull what a stage, a trial or a shard reads, run it by DVC, push what it wrote.

    python -m pipeline.operations.scaling.on_nodes.worker ORDER.json OUTCOME.json LOG

`node.py` starts it, with LOG as its output, and a pipe as its input that closes when `node.py` is gone.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from pipeline.credentials import without_credentials
from pipeline.operations.scaling.on_nodes.handover import (
    add_finished_trials,
    add_trial_stage,
    keep_finished_trials,
    read_trial_entry,
    trial_folder,
)
from pipeline.operations.scaling.on_nodes.shard_stages import add_shard_stage, read_shard_entry, shard_folder

WAITS = (5.0, 30.0)  # seconds before DVC's remote is asked a second and a third time
OWN_ERROR = re.compile(r"kiyas [a-z-]+: ")
LOCK = Path("dvc.lock")
STAGE_EXIT = re.compile(r"exited with (-?\d+)$", re.MULTILINE)  # as DVC says it of a stage's command
UNWRITTEN = re.compile(r"output '.+' does not exist$", re.MULTILINE)  # as DVC says it of a stage that ended well
FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)  # for want of memory or time, mostly
KILLED = {status for number in FROM_OUTSIDE for status in (-number, 128 + number)}


class BrokenNodeError(Exception):
    """What is around a stage failed, and not the stage."""


def run_order(order: Mapping[str, Any], log: Path) -> dict[str, Any]:
    """Of the clone that is the current directory.

    Returns:
        The parts of `orders.Outcome` that are known here.
    """
    try:
        with trial_folder(), shard_folder():
            return _run(order, log)
    except BrokenNodeError as error:
        return {"state": "broken", "reason": f"{error}: {_last_error(log)}"}


def _run(order: Mapping[str, Any], log: Path) -> dict[str, Any]:
    """
    Raises:
        BrokenNodeError: DVC's remote does not answer.
    """
    add_lock_entries(order["lock"])
    if order["inputs"]:
        _dvc_or_broken("pull", "--force", *order["inputs"])
    trials = order.get("trials") or []
    if trials:
        _dvc_or_broken("pull", "--force", *add_finished_trials(trials))
        keep_finished_trials(trials)
    stage = _known_stage(order)
    if _dvc("repro", "--single-item", "--pull", stage):
        return _failure(log)
    _dvc_or_broken("push", "--run-cache", stage)
    return {"state": "done", "lock": _entry(order)}


def _known_stage(order: Mapping[str, Any]) -> str:
    """The stage, as `dvc repro` takes it; of a trial or a shard, one that DVC is told of here."""
    if trial := order.get("trial"):
        return add_trial_stage(trial)
    if shard := order.get("shard"):
        return add_shard_stage(shard)
    return str(order["stage"])


def _entry(order: Mapping[str, Any]) -> dict[str, Any]:
    """What DVC wrote of it into a dvc.lock."""
    if trial := order.get("trial"):
        return read_trial_entry(trial)
    if shard := order.get("shard"):
        return read_shard_entry(shard)
    return dict(read_lock()[order["stage"]])


def read_lock() -> dict[str, Any]:
    """{stage: entry} of dvc.lock as plain data; nothing where there is none."""
    if not LOCK.is_file():
        return {}
    content = YAML(typ="safe", pure=True).load(LOCK.read_text(encoding="utf-8")) or {}
    return dict(content.get("stages") or {})


def add_lock_entries(entries: Mapping[str, Any]) -> None:
    """So that DVC knows what stages wrote elsewhere, and can pull it. In DVC's own format, entries in their order."""
    yaml = YAML()
    yaml.default_flow_style = False
    content = (yaml.load(LOCK.read_text(encoding="utf-8")) if LOCK.is_file() else None) or {"schema": "2.0"}
    stages = content.setdefault("stages", {})
    for name, entry in entries.items():
        stages[name] = entry
    temporary = LOCK.with_suffix(".part")
    with temporary.open("w", encoding="utf-8") as stream:
        yaml.dump(content, stream)
    temporary.replace(LOCK)


def _dvc(*arguments: str) -> int:
    """DVC's command line, in this process: its imports take longer than its work."""
    from dvc.cli import main

    print(f"$ dvc {' '.join(arguments)}", flush=True)
    status = int(main(list(arguments)) or 0)
    sys.stdout.flush()
    sys.stderr.flush()
    return status


def _dvc_or_broken(*arguments: str) -> None:
    for wait in WAITS:
        if not _dvc(*arguments):
            return
        print(f"again in {wait:g} seconds", flush=True)
        time.sleep(wait)
    if status := _dvc(*arguments):
        raise BrokenNodeError(f"`dvc {arguments[0]}` ended with {status}")


def _failure(log: Path) -> dict[str, Any]:
    """Whose fault it is: the stage's, if its own command failed and was not killed, or left an out unwritten."""
    text = log.read_text(encoding="utf-8", errors="replace")
    exits = STAGE_EXIT.findall(text)
    failed = bool(UNWRITTEN.search(text)) or (bool(exits) and int(exits[-1]) not in KILLED)
    return {"state": "failed" if failed else "broken", "reason": _last_error(log)}


def _last_error(log: Path) -> str:
    """What a stage said of itself when it failed, or else what DVC said of it."""
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    own = [line for line in lines if OWN_ERROR.match(line)]
    errors = [line for line in lines if line.startswith("ERROR: ")]
    return without_credentials((own or errors or lines or ["it printed nothing"])[-1].removeprefix("ERROR: "))


def _end_with_parent() -> None:
    """Whoever started this is gone, however that happened: nobody waits for the stage any more."""
    while os.read(sys.stdin.fileno(), 1):  # not by Python's own stdin, whose lock would be held when this process ends
        pass
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    order = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    outcome = run_order(order, log=Path(sys.argv[3]))
    answer = Path(sys.argv[2])
    temporary = answer.with_suffix(".part")
    temporary.write_text(json.dumps(outcome), encoding="utf-8")
    temporary.replace(answer)


if __name__ == "__main__":
    main()
