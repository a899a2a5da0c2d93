"""DVC's list of which process reads and writes what (.dvc/tmp/rwlock), cleared of what a kill left in it."""

from __future__ import annotations

import json
import logging
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from pipeline.processes import still_runs

RWLOCK = Path(".dvc/tmp/rwlock")
GUARD = RWLOCK.with_name("rwlock.lock")  # held while the list is changed

log = logging.getLogger("kiyas")

Entries = dict[str, dict[str, Any]]


def clear_dead_locks() -> None:
    """Remove what would make DVC refuse every run from now on, though nothing runs.

    That is the list itself where a kill while it was written has left it empty or cut off (one that is being written at
    this moment is whole soon after), and the entries of processes that have ended. DVC removes such entries itself, but
    not those whose process nobody has waited for yet, nor those whose number another process has by now.
    """
    for _ in range(5):
        if not RWLOCK.is_file():
            return
        if (entries := _read()) is not None:
            if _ended(entries):
                _remove_ended()
            return
        time.sleep(0.2)
    RWLOCK.unlink(missing_ok=True)
    log.info("%s was cut off by a kill and is removed", RWLOCK)


def _read() -> Entries | None:
    """The list; None where it is not one."""
    try:
        entries = json.loads(RWLOCK.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        return None
    return entries if isinstance(entries, dict) else None


def _remove_ended() -> None:
    from dvc.config import Config
    from dvc.lock import LockError, make_lock

    hardlink = Config(".dvc", validate=False)["core"].get("hardlink_lock", False)
    try:
        with make_lock(str(GUARD), tmp_dir=str(GUARD.parent), hardlink_lock=hardlink):
            if entries := _read():
                kept = _without(_ended(entries), {"write": {}, "read": {}} | entries)
                whole = RWLOCK.with_name("rwlock.new")
                whole.write_text(json.dumps(kept), encoding="utf-8")
                whole.replace(RWLOCK)
    except LockError:
        return  # another DVC changes it all the time; what it makes of the list, this run will see
    log.info("%s: entries of processes that have ended are removed", RWLOCK)


def _ended(entries: Entries) -> list[Any]:
    """The entries of processes that have ended."""
    written = RWLOCK.stat().st_mtime
    return [entry for entry in _all(entries) if not _may_run(entry, written)]


def _all(entries: Entries) -> list[Any]:
    """`write` has one entry a path, `read` a list of them."""
    readers = [entry for those in entries.get("read", {}).values() for entry in those]
    return [*entries.get("write", {}).values(), *readers]


def _without(ended: list[Any], entries: Entries) -> Entries:
    readers = {path: [entry for entry in those if entry not in ended] for path, those in entries["read"].items()}
    return {
        "write": {path: entry for path, entry in entries["write"].items() if entry not in ended},
        "read": {path: those for path, those in readers.items() if those},
    }


def _may_run(entry: dict[str, Any], written: float) -> bool:
    """Whether the process of an entry runs, and not another program that has its number by now.

    DVC writes the whole list anew for each stage, so the list's time alone does not tell these apart. The last word of
    what was called does, which an entry holds; its first words may be written in several ways.
    """
    return still_runs(entry["pid"], written) and _last_word(_command(entry["pid"])) == _last_word(entry["cmd"])


def _command(process: int) -> str:
    """Empty where the process has just ended."""
    with suppress(psutil.NoSuchProcess):
        return " ".join(psutil.Process(process).cmdline())
    return ""


def _last_word(command: str) -> str:
    return command.split()[-1] if command.split() else ""
