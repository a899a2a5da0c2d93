"""What a node does with an order, outside of any checkout: a clone of the commit, and in it the worker.

    python node.py ORDER.json COMMIT.tar.gz OUTCOME.json

It is sent to nodes as it stands, so it needs Python's own library and nothing of this project. It runs nothing but the
commit that it was told, which git knows by its hash. All that it leaves behind lies in one folder:

    <cache>/clones/<project>-<host>-<number>   a clone for each stage that runs at the same time: DVC locks a clone
    <cache>/clones/….scratch            orders, answers, logs and temporary files of the stage that runs in it
    <cache>/dvc                         DVC's cache, of all clones
    <cache>/dvc-state                   what DVC remembers of their files
    <cache>/kept                        what need not be computed twice, of all clones; `keep` in params.yaml bounds it
    <cache>/in-use                      the lock of them all
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ARCHIVED, BRANCH = "commit.git", "refs/heads/fanout"  # in the archive of the commit
BOUNDED = ("clones", "dvc", "dvc-state")  # in the node's folder, by `cache_gb`
KEPT = ("activations", "trials", "altered")  # in .kiyas of a checkout
MARK = "KIYAS_CLONE"  # in the environment of all that runs in a clone; configuration.own_data reads it
MOST_LOG = 200_000  # characters
LONGEST_TMPDIR = 70  # characters: libraries add 30 for their sockets, whose paths may have 107
# A shell that waits: Ray kills the children of a process of its own that ends, but not theirs, and the worker has to
# live long enough to end its whole group.
BETWEEN = ("sh", "-c", '"$@"; exit $?', "sh")
WORKER = "pipeline.operations.scaling.on_nodes.worker"


def run_stage(order: dict[str, Any], archive: bytes) -> dict[str, Any]:
    """Run one stage; what goes wrong comes back as an outcome, too.

    Args:
        order: `orders.Order` as plain data.
        archive: of the commit, see `commit.pack_commit`.

    Returns:
        `orders.Outcome` as plain data.
    """
    begun = time.monotonic()
    outcome = {"stage": order["stage"], "host": socket.gethostname()}
    cache = Path(order["cache"]).expanduser()
    try:
        with _in_use(cache, order["cache_gb"]), _free_clone(cache, order["project"]) as clone:
            with _scratch(clone) as scratch:
                _take_commit(clone, order["commit"], archive, scratch)
            _share(cache, clone, order["checkout"])
            with _scratch(clone) as scratch:
                outcome |= _run_worker(clone, order, scratch)
    except (OSError, subprocess.CalledProcessError, tarfile.TarError) as error:
        outcome |= {"state": "broken", "reason": _reason(error)}
    return outcome | {"seconds": time.monotonic() - begun}


@contextlib.contextmanager
def _in_use(cache: Path, limit_gb: float) -> Iterator[None]:
    """While it lasts, nobody removes what lies in the folder; before that, it is emptied where it holds too much."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "in-use").open("a+") as lock:
        folders = [cache / name for name in BOUNDED]
        if _size(*folders) > limit_gb * 1e9:
            fcntl.flock(lock, fcntl.LOCK_EX)  # waits for the stages that run here
            if _size(*folders) > limit_gb * 1e9:
                for folder in folders:
                    shutil.rmtree(folder, ignore_errors=True)
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def _size(*folders: Path) -> int:
    """Bytes on disk; files under several names (clones link DVC's cache) count once."""
    files = {}
    for folder in folders:
        for place, _, names in os.walk(folder):
            for name in names:
                with contextlib.suppress(OSError):
                    status = os.lstat(os.path.join(place, name))
                    files[status.st_dev, status.st_ino] = status.st_size
    return sum(files.values())


@contextlib.contextmanager
def _free_clone(cache: Path, project: str) -> Iterator[Path]:
    """The folder of a clone that no other stage uses."""
    folder = cache / "clones"
    folder.mkdir(exist_ok=True)
    number = 0
    while True:
        clone = folder / f"{project}-{socket.gethostname()}-{number}"  # the folder may be shared by several nodes
        with clone.with_name(f"{clone.name}.lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                number += 1
                continue
            _end_leftovers(clone)
            yield clone
            return


@contextlib.contextmanager
def _scratch(clone: Path) -> Iterator[Path]:
    """An empty folder for what the clone's stage needs once; what a kill leaves there goes with the next stage."""
    folder = clone.with_name(f"{clone.name}.scratch")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _end_leftovers(clone: Path) -> None:
    """What outlived a killed run in this clone would write into it."""
    for process in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):  # it has ended meanwhile, or belongs to somebody else
            if f"{MARK}={clone}".encode() in Path("/proc", process, "environ").read_bytes().split(b"\0"):
                os.kill(int(process), signal.SIGKILL)


def _take_commit(clone: Path, commit: str, archive: bytes, scratch: Path) -> None:
    """Make the clone hold the commit and no other file that git does not ignore."""
    clone.mkdir(exist_ok=True)
    _git(clone, "init", "--quiet")
    for lock in (clone / ".git").glob("*.lock"):  # of a git that was killed
        lock.unlink()
    if subprocess.run(["git", "cat-file", "-e", f"{commit}^{{commit}}"], cwd=clone, capture_output=True).returncode:
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(scratch, filter="data")
        _git(clone, "fetch", "--quiet", "--depth", "1", str(scratch / ARCHIVED), BRANCH)
    _git(clone, "checkout", "--quiet", "--force", "--detach", commit)
    _git(clone, "clean", "--quiet", "--force", "-d")


def _share(cache: Path, clone: Path, checkout: str) -> None:
    """Let the clone use the node's folders of what DVC has and of what was computed before, and the driver's name."""
    folders = {"cache": ("dir", "dvc"), "core": ("site_cache_dir", "dvc-state")}
    lines = [f"[{section}]\n    {key} = {cache.resolve() / name}\n" for section, (key, name) in folders.items()]
    (clone / ".dvc/config.local").write_text("".join(lines), encoding="utf-8")
    for lock in ("lock", "rwlock"):  # of a DVC that was killed
        (clone / ".dvc/tmp" / lock).unlink(missing_ok=True)
    own = clone / ".kiyas"
    own.mkdir(exist_ok=True)
    (own / "checkout").write_text(checkout, encoding="utf-8")  # MLflow's runs are those of the driver's checkout
    for name in KEPT:
        (cache / "kept" / name).mkdir(parents=True, exist_ok=True)
        if not (own / name).is_symlink():
            (own / name).symlink_to(cache.resolve() / "kept" / name)


def _run_worker(clone: Path, order: dict[str, Any], scratch: Path) -> dict[str, Any]:
    """Run the commit's own worker in the clone, in a process group that ends with this process."""
    letter, answer, log = (scratch / name for name in ("order.json", "outcome.json", "log"))
    letter.write_text(json.dumps(order), encoding="utf-8")
    with log.open("w", encoding="utf-8") as stream:
        child = subprocess.Popen(
            [*BETWEEN, sys.executable, "-m", WORKER, str(letter), str(answer), str(log)],
            cwd=clone,
            env=_environment(clone, {**order["environment"], **_temporary_folder(scratch)}),
            stdin=subprocess.PIPE,  # the worker sees it close when this process is gone, and ends the group
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = child.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):  # all have ended
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            if child.stdin:
                child.stdin.close()
    text = log.read_text(encoding="utf-8", errors="replace")[-MOST_LOG:]
    if answer.is_file():
        return json.loads(answer.read_text(encoding="utf-8")) | {"log": text}
    last = (text.strip().splitlines() or ["it printed nothing"])[-1]
    return {
        "state": "broken",
        "reason": f"the worker ended with {status} before it had an answer: {last}",
        "log": text,
    }


def _temporary_folder(scratch: Path) -> dict[str, str | None]:
    """Where libraries lay temporary files: a killed stage leaves some, which go with the scratch folder."""
    folder = scratch / "tmp"
    if len(str(folder)) > LONGEST_TMPDIR:
        return {}
    folder.mkdir()
    return {"TMPDIR": str(folder)}


def _environment(clone: Path, given: dict[str, str | None]) -> dict[str, str]:
    """This process' own, with what the order sets, and without what would bring other code in."""
    changed: dict[str, str | None] = {"PYTHONPATH": None, "DVC_ROOT": None, **given, MARK: str(clone)}
    kept = {name: value for name, value in os.environ.items() if name not in changed}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', os.defpath)}"
    return kept | {name: value for name, value in changed.items() if value is not None} | {"PATH": path}


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def _reason(error: Exception) -> str:
    stderr = getattr(error, "stderr", None) or b""
    return f"{error} {stderr.decode(errors='replace').strip()}".strip()


def main() -> None:
    letter, archive, answer = map(Path, sys.argv[1:4])
    outcome = run_stage(json.loads(letter.read_text(encoding="utf-8")), archive.read_bytes())
    temporary = answer.with_suffix(".part")
    temporary.write_text(json.dumps(outcome), encoding="utf-8")
    temporary.replace(answer)


if __name__ == "__main__":
    main()
