"""What a run leaves in verdict.json, dvc.lock and DVC's locks, so that two runs can be compared."""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.params.schema.reading import ParamsError, read_yaml

# What a clock decides, in verdict.json by a part of the key's name, in dvc.lock by the end of the out's path. Archives
# of models carry dates.
TIMED = ("cost", "seconds", "work", "alternative")
TIMED_OUTS = ("cost.json", "/models", "/champions")
DVC = ("rwlock", "lock", "rwlock.lock")  # in .dvc/tmp


def verdicts(folder: Path) -> dict[str, str]:
    """{place of a verdict.json: digest of what no clock decides in it}, of studies' workspaces too."""
    found = {}
    for file in sorted([*folder.glob("comparison/verdict.json"), *folder.glob("workspaces/*/comparison/verdict.json")]):
        content = json.dumps(timeless(json.loads(file.read_text(encoding="utf-8"))), sort_keys=True)
        found[file.relative_to(folder).as_posix()] = hashlib.sha256(content.encode()).hexdigest()
    return found


def timeless(content: Any) -> Any:
    """JSON without the keys that a clock decides."""
    if isinstance(content, dict):
        return {key: timeless(one) for key, one in content.items() if not any(word in key for word in TIMED)}
    return [timeless(one) for one in content] if isinstance(content, list) else content


def locked_outs(folder: Path) -> dict[str, str]:
    """{path: hash} by dvc.lock of what comes out alike in any two runs."""
    lock = folder / "dvc.lock"
    stages = (read_yaml(lock).get("stages") or {}).values() if lock.is_file() else ()
    outs = {out["path"]: out["md5"] for stage in stages for out in stage.get("outs", []) if "md5" in out}
    return {path: digest for path, digest in outs.items() if not path.endswith(TIMED_OUTS) and "comparison" not in path}


def held_locks(folder: Path) -> Iterator[str]:
    """A line for each lock of DVC that somebody still has, or that the next run could not read."""
    for place in sorted([folder / ".dvc/tmp", *folder.glob("workspaces/*/.dvc/tmp")]):
        for name in DVC:
            file = place / name
            if file.is_file():
                yield from (f"{file.relative_to(folder)}: {fault}" for fault in _faults(file))
    try:
        locked_outs(folder)
    except ParamsError as error:
        yield str(error)


def _faults(file: Path) -> Iterator[str]:
    if file.name != "rwlock":
        with file.open("r+b") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield "is still held"
        return
    text = file.read_text(encoding="utf-8")
    try:
        entries = json.loads(text)
    except ValueError:
        yield f"is no JSON: {text[:40]!r}"
        return
    if not isinstance(entries, dict) or any(entries.values()):
        yield f"still has {str(entries)[:120]}"
