"""What the operating system refused, in one sentence: which file, what was refused, what to do."""

from __future__ import annotations

import errno
import importlib
import os
import sys

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
MEMORY = (
    "memory ran out{detail}; end other programs, lift a limit on it (`ulimit -v unlimited`), or make data.image_size, "
    "data.limit or the batch sizes of params.yaml smaller"
)


def sentence(error: BaseException) -> str:
    """What is told of an error that ends a command: its own words, or those for what the system refused."""
    if isinstance(error, MemoryError):
        detail = " ".join(str(error).split())
        return MEMORY.format(detail=f" ({detail})" if detail else "")
    refused = error if isinstance(error, OSError) else _behind(error)
    if refused is None or refused.errno not in REMEDIES:
        return str(error)
    named = f"{refused.filename}: " if refused.filename else ""
    return f"{named}{os.strerror(refused.errno).lower()}; {REMEDIES[refused.errno]}"


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
