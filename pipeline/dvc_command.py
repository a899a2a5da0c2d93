"""DVC, run as a command of its own beside this process."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.credentials import without_credentials
from pipeline.dvc_full_disk import SENTENCE, refuse_full_disk, run_on_any_disk
from pipeline.dvc_leftovers import mend_leftovers
from pipeline.dvc_lock_file import DVC_QUICKLY
from pipeline.forking.run import fork_server

POLL = 0.5  # seconds
UNWATCHED = "KIYAS_UNWATCHED"  # in the environment of a run that nobody watches: no preliminary ranking is made
KILLED = re.compile(r"exited with (?:-9|137)\b")  # what DVC says of a stage that a signal 9 ended
OUT_OF_MEMORY = (
    "a stage was killed from outside (signal 9), as Linux does where memory runs out (`dmesg` says so); end other "
    "programs, or make data.image_size, data.limit or batch sizes smaller, then call this again: it goes on from there"
)
NO_REASON = "it gave no reason; the same command with --verbose may say more"
OFFER = "Having any troubles?"  # stands in a line of DVC's that says nothing of the fault

log = logging.getLogger("kiyas")


class VersioningError(ValueError):
    """DVC or git refused to do what it was asked."""


def run_dvc(*arguments: str) -> str:
    """Run DVC and return what it printed; never with --quiet, which hides the reason where it fails.

    Raises:
        VersioningError: with what DVC said.
    """
    mend_leftovers()
    command = [sys.executable, "-m", "dvc", "--wait-for-lock", *arguments]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    done, without_room = run_on_any_disk(command, **pipes, encoding="utf-8", errors="replace")
    if done.returncode:
        reason = SENTENCE if without_room else _said(done.stderr) or _said(done.stdout)
        raise VersioningError(without_credentials(f"`dvc {' '.join(arguments)}` failed: {reason or NO_REASON}"))
    return str(done.stdout)


def _said(printed: str) -> str:
    return "\n".join(line for line in printed.splitlines() if OFFER not in line).strip()


@contextlib.contextmanager
def dvc_lock_held() -> Iterator[None]:
    """Hold DVC's own lock of this checkout for the block: no other DVC command reads or writes dvc.lock meanwhile.

    Raises:
        VersioningError: DVC cannot read this project.
        OSError: the disk has next to no room.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    refuse_full_disk()
    try:
        repo = Repo(_wait_for_lock=True)
    except DvcException as error:
        raise VersioningError(f"DVC cannot read this project: {error}") from None
    with repo, repo.lock:
        yield


def dvc_environment() -> dict[str, str]:
    """Of a `dvc repro`: its stages find this Python and its programs, whether or not the environment is activated."""
    return os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def keep(path: Path) -> None:
    """`dvc add`: the files go to DVC's cache, and <path>.dvc, which git keeps, says which they are.

    Raises:
        VersioningError: with what DVC said.
    """
    run_dvc("add", str(path))


def default_remote() -> str | None:
    """The name of DVC's default remote; None where there is none, or the configuration cannot be read."""
    return _configuration().get("core", {}).get("remote") or None


def default_remote_address() -> str | None:
    """Where DVC's default remote is, such as s3://bucket/kiyas; None as `default_remote` has it."""
    return remote_address(f"remote://{name}/") if (name := default_remote()) else None


def remote_address(address: str) -> str:
    """The same, with the address of a remote in place of remote://NAME/; a remote may be told by another one, too.

    An address of a remote that there is not stays as it is.
    """
    if not address.startswith("remote://"):
        return address
    remotes = _configuration().get("remote", {})
    for _ in range(len(remotes) + 1):
        name, _, rest = address.removeprefix("remote://").partition("/")
        if not address.startswith("remote://") or "url" not in remotes.get(name, {}):
            break
        address = f"{remotes[name]['url']}/{rest}"
    return address


def _configuration() -> Mapping[str, Any]:
    """Of DVC, from all its files; nothing where it cannot be read."""
    from dvc.config import Config
    from dvc.exceptions import DvcException

    try:
        return Config(".dvc", validate=False)
    except (DvcException, OSError):
        return {}


def wait_for_other_runs() -> None:
    """Wait for a `dvc repro` of this checkout, or a stage of one, that another command has started.

    A killed command leaves its `dvc repro` at work, and a killed `dvc` its stage. DVC itself waits for its lock alone,
    which it lets go of while a stage runs: what is being written then is "busy", and a second run fails.
    """
    told: set[str] = set()
    while others := _other_runs():
        for process, name in others.items():
            if name not in told:
                log.warning("%s (process %d) still runs in this checkout; waiting for it to end", name, process)
            told.add(name)
        time.sleep(POLL)
    if told:
        log.info("it has ended")


def _other_runs() -> dict[int, str]:
    """{process: what it is} of every `dvc repro` and stage in this checkout that this process does not descend from."""
    import psutil

    here, found = Path.cwd(), {}
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid in own or process.status() == psutil.STATUS_ZOMBIE or Path(process.cwd()) != here:
                continue
            programs = [Path(part).name for part in process.cmdline()]
            if "repro" in programs and {"dvc", DVC_QUICKLY} & {*programs[: programs.index("repro")]}:
                found[process.pid] = "`dvc repro`"
            elif stage := process.environ().get("DVC_STAGE"):
                found[process.pid] = f"stage {stage}"
    return found


def _mask(log_file: Path) -> str:
    """Take secrets out of what DVC and its stages have printed into a file; returns what stands there then."""
    printed = log_file.read_text(encoding="utf-8", errors="replace")
    masked = without_credentials(printed)
    if masked != printed:
        with contextlib.suppress(OSError):  # a full disk, which is told otherwise
            log_file.write_text(masked, encoding="utf-8")  # in place: the log of this process goes on in the same file
    return masked


def reproduce(
    targets: list[str], log_file: Path, stages: Collection[str] = (), with_keras: Collection[str] = ()
) -> None:
    """`dvc repro` of some stages, after whatever other one still runs in this checkout.

    Args:
        targets: names of stages; the whole graph if there are none.
        log_file: takes all that DVC and the stages print, so that they go on when this process is killed.
        stages: the names of those that may be due, where they are to share one import of the libraries.
        with_keras: those among them that use networks.

    Raises:
        VersioningError: with the end of what DVC said.
    """
    wait_for_other_runs()
    mend_leftovers()
    pull = ["--pull"] if default_remote() else []
    command = [sys.executable, "-m", DVC_QUICKLY, "--wait-for-lock", "repro", *pull, *targets]
    environment = dvc_environment() | {UNWATCHED: "1"}
    with log_file.open("a", encoding="utf-8") as stream:
        stream.write(f"$ dvc repro {' '.join([*pull, *targets])}\n")
        stream.flush()
        with fork_server(environment, stages, with_keras) as given:
            done, without_room = run_on_any_disk(
                command, stdout=stream, stderr=stream, stdin=subprocess.DEVNULL, env=given
            )
    printed = _mask(log_file)
    if without_room:
        raise VersioningError(f"`dvc repro {' '.join(targets)}` failed: {SENTENCE}")
    if done.returncode:
        last = printed.strip().splitlines()[-8:]
        last += [OUT_OF_MEMORY] if KILLED.search("\n".join(last)) else []
        raise VersioningError(f"`dvc repro {' '.join(targets)}` failed:\n" + "\n".join(last))
