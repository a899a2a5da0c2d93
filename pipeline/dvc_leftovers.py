"""DVC's own files, mended where a kill left them so that every later run would be refused.

.dvc/tmp/rwlock    which process reads and writes what
dvc.lock           what each stage read and wrote; DVC writes both anew in place, for each stage

Whatever starts DVC here calls `mend_leftovers` first; whoever only looks does not.
"""

from __future__ import annotations

import errno
import json
import logging
import re
import time
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from pipeline.processes import still_runs

if TYPE_CHECKING:
    from dvc.lock import LockBase

RWLOCK = Path(".dvc/tmp/rwlock")
GUARD = RWLOCK.with_name("rwlock.lock")  # held while the list is changed
LOCK_FILE = Path("dvc.lock")
DVC_LOCK = RWLOCK.with_name("lock")  # held while dvc.lock is changed
LOOKS = 3  # at a dvc.lock that another DVC may be writing; each takes up to DVC's own three seconds
HEAD = "schema: '2.0'\nstages:\n"  # with which dvc.lock begins
MERGED = re.compile(r"^(?:<<<<<<<|=======|>>>>>>>)", re.MULTILINE)  # what git leaves where two commits differ
STAGE = re.compile(r"^  [^\s#].*:$", re.MULTILINE)  # the line with which a stage begins in dvc.lock

log = logging.getLogger("kiyas")

Entries = dict[str, dict[str, Any]]


def mend_leftovers() -> None:
    clear_dead_locks()
    make_lock_file_whole()


def clear_dead_locks() -> None:
    """Remove of the list what would make DVC refuse every run from now on, though nothing runs.

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
    from dvc.lock import LockError

    with suppress(LockError), _lock(GUARD):  # else another DVC has it, and writes the list anew
        if _read() is None:
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
    from dvc.lock import LockError

    try:
        with _lock(GUARD):
            if entries := _read():
                kept = _without(_ended(entries), {"write": {}, "read": {}} | entries)
                whole = RWLOCK.with_name("rwlock.new")
                whole.write_text(json.dumps(kept), encoding="utf-8")
                whole.replace(RWLOCK)
    except LockError:
        return  # another DVC changes it all the time; what it makes of the list, this run will see
    log.info("%s: entries of processes that have ended are removed", RWLOCK)


def make_lock_file_whole() -> None:
    """Cut dvc.lock back to its last whole stage, where a kill while DVC wrote it cut it off.

    What is missing then, DVC restores from its run cache and runs nothing for it. A file that is being written at this
    moment is whole soon after.
    """
    if _is_whole(_read_lock_file()) or not DVC_LOCK.parent.is_dir():
        return
    from dvc.lock import LockError  # which takes a second to import, so that it is left to those who need it

    for _ in range(LOOKS):
        with suppress(LockError), _lock(DVC_LOCK):  # else another DVC has it, and may be writing
            if not _is_whole(text := _read_lock_file()) and text is not None:
                _keep_whole_stages(text)
            return
        if _is_whole(_read_lock_file()):
            return


def _read_lock_file() -> str | None:
    try:
        return LOCK_FILE.read_bytes().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return None


@lru_cache(maxsize=2)
def _is_whole(text: str | None) -> bool:
    """Whether DVC could read it, and has written its last line to the end; so is a file that is not there."""
    import yaml

    if text is None:
        return True
    if not text.endswith("\n"):
        return False
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C, and faster than the one that DVC has
    try:
        content = yaml.load(text, loader)
    except yaml.YAMLError:
        return False
    return isinstance(content, dict) and isinstance(content.get("stages"), dict)


def _keep_whole_stages(text: str) -> None:
    """Nothing is done to a file that is not simply cut off, such as one with the marks of a merge."""
    starts = [match.start() for match in STAGE.finditer(text)]
    whole = text[: starts[-1] if starts else len(HEAD)]
    if MERGED.search(text):
        return
    if _is_whole(whole):
        replace_lock_file(whole)
    elif HEAD.startswith(whole):  # no stage is whole
        LOCK_FILE.unlink()
    else:
        return
    log.warning(
        "%s was cut off by a kill, and is cut back to %d whole stages; DVC has the results of the others in its cache",
        LOCK_FILE,
        len(STAGE.findall(whole)),
    )


def replace_lock_file(text: str, path: Path = LOCK_FILE, folder: Path = RWLOCK.parent) -> None:
    """A whole file in the place of dvc.lock; written in place, as DVC writes it, where `folder` is on another disk.

    Args:
        folder: for the file until it is whole, where nobody takes it for one of theirs.
    """
    part, target = folder / f"{path.name}.new", path.resolve()  # which may be a link
    part.write_bytes(text.encode())
    try:
        part.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        target.write_bytes(part.read_bytes())
        part.unlink()


def _lock(path: Path) -> LockBase:
    """A lock of DVC's own, as its configuration has them.

    Entering it raises dvc.lock.LockError after some seconds in which another process has it.
    """
    from dvc.config import Config
    from dvc.lock import make_lock

    hardlink = Config(".dvc", validate=False)["core"].get("hardlink_lock", False)
    return make_lock(str(path), tmp_dir=str(path.parent), hardlink_lock=hardlink)


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
