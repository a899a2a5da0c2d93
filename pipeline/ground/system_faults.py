"""What the operating system refused, in one sentence: which file, what was refused, what to do."""

from __future__ import annotations

import errno
import importlib
import os
import sys
from contextlib import suppress
from pathlib import Path

from pipeline.credentials import without_credentials

ROOM = (
    "make room there (`python -m pipeline prune` removes results that are no longer named, `dvc gc --workspace` what "
    "only earlier runs need), then run this again; nothing half-written was kept"
)
REMEDIES = {
    errno.ENOSPC: ROOM,
    errno.EDQUOT: ROOM,
    errno.EFBIG: "raise the limit on the size of files (`ulimit -f unlimited`), then run this again",
    errno.EROFS: "its file system can only be read; work in a checkout on a disk that can be written",
    errno.EACCES: "`chmod u+rwX` it, or run as its owner (`ls -ld` says who that is)",
    errno.EPERM: "`chmod u+rwX` it, or run as its owner (`ls -ld` says who that is)",
    errno.EMFILE: "raise the limit on open files (`ulimit -n 4096`), then run this again",
    errno.ENFILE: "this machine has no more files to open; end other programs, then run this again",
    errno.EIO: "the disk fails; see what the system says of it (`dmesg`), and go on on another one",
    errno.ENOMEM: "memory ran out; end other programs, or lift the limit (`ulimit -v unlimited`)",
}
OWNER = (
    "{place} belongs to {owner}, who can let the group write there (`chmod -R g+rwX {place}`, and from then on `umask "
    "002`); or run this as that user"
)
DVC_STATE = Path(".kiyas/dvc-state")  # core.site_cache_dir in .dvc/config
MEMORY = (
    "memory ran out{detail}; end other programs, lift a limit on it (`ulimit -v unlimited`), or make data.image_size, "
    "data.limit or the batch sizes of params.yaml smaller"
)


def sentence(error: BaseException) -> str:
    """What is told of an error that ends a command: its own words, or those for what the system refused."""
    if isinstance(error, MemoryError):
        detail = " ".join(str(error).split())
        return MEMORY.format(detail=f" ({detail})" if detail else "")
    if type(error).__module__ == "sqlite3":  # of MLflow's database it would be a TrackingError
        remedy = f"delete {DVC_STATE}, which DVC makes anew"
        return f"{DVC_STATE}: DVC cannot use what it notes there ({error}); {owners_remedy(DVC_STATE) or remedy}"
    refused = error if isinstance(error, OSError) else _behind(error)
    if refused is None or refused.errno not in REMEDIES:
        return str(error)
    named, remedy = "", REMEDIES[refused.errno]
    if refused.filename:
        named = f"{refused.filename}: "
        if refused.errno in (errno.EACCES, errno.EPERM):
            remedy = owners_remedy(Path(os.fsdecode(refused.filename))) or remedy
    return f"{named}{os.strerror(refused.errno).lower()}; {remedy}"


def owners_remedy(path: Path) -> str | None:
    """What another user has to do so that this one may write a file, or run as; None where it is in nobody's way.

    Looked at are the file itself and the folder that it is in, or the nearest one above that is there.
    """
    with suppress(OSError):
        folder = next(place for place in path.absolute().parents if place.exists())
        for place in (path, folder):
            if place.exists() and not may_write(place):
                owner = place.stat().st_uid
                return None if owner == os.geteuid() else OWNER.format(place=place, owner=_name(owner))
    return None


def may_write(path: Path) -> bool:
    """Whether this user may write a file, or make files in a folder."""
    mode = os.W_OK | (os.X_OK if path.is_dir() else 0)
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def _name(user: int) -> str:
    """Of a user; in containers many have only a number."""
    try:
        return str(importlib.import_module("pwd").getpwuid(user).pw_name)
    except (ImportError, KeyError):
        return f"user {user}"


def tell_failure(command: str, error: BaseException) -> None:
    """Print to stderr what is told of an error that ends a command; an address in it loses its secrets."""
    print(f"kiyas {command}: {without_credentials(sentence(error))}", file=sys.stderr)


def _behind(error: BaseException) -> OSError | None:
    """What the system refused, where a library has wrapped it into an error of its own."""
    seen: list[BaseException] = []
    cause = error.__cause__ or error.__context__
    while cause is not None and cause not in seen:
        if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO):
            return cause
        seen.append(cause)
        cause = cause.__cause__ or cause.__context__
    return None


def memory_limit() -> int | None:
    """Bytes of address space that this process may use (`ulimit -v`); None where there is no limit."""
    try:
        resource = importlib.import_module("resource")
    except ImportError:  # not a Unix
        return None
    limit: int = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if limit == resource.RLIM_INFINITY else limit
