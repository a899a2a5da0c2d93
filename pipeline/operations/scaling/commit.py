"""The commit that nodes run: it has to say all that this checkout holds, and travels as an archive."""

from __future__ import annotations

import configparser
import io
import subprocess
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.credentials import without_credentials
from pipeline.dvc_command import VersioningError, default_remote

ARCHIVED = "commit.git"  # the folder in the archive
BRANCH = "refs/heads/fanout"  # in that repository
OWN_CHANGES = {
    "dvc.lock",  # a run writes it; nodes are told the entries that they need
    "champions.dvc",  # `track` and `enrol` write it at the end of a run; no stage reads it
}
SHOWN = 5


def clean_commit(checkout: Path, examples: Path | None = None) -> str:
    """The commit that is checked out; what stands on disk is what it holds.

    Args:
        examples: the user's own folder or file, which need not be committed: nodes get what is prepared from it.

    Raises:
        VersioningError: there is none, or something is not committed.
    """
    entries = _git(checkout, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all").split("\0")
    names = [entry[3:] for entry in entries if entry]
    changed = [name for name in names if name not in OWN_CHANGES and not _lies_in(checkout / name, examples)]
    if changed:
        more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
        raise VersioningError(
            f"{', '.join(changed[:SHOWN])}{more}: not committed, and nodes run what a commit holds; commit it "
            "(`git commit --all`, new files after `git add`), or put it aside (`git stash --include-untracked`)"
        )
    return _git(checkout, "rev-parse", "--verify", "HEAD").strip()


def _lies_in(file: Path, examples: Path | None) -> bool:
    return examples is not None and file.resolve().is_relative_to(examples.resolve())


def pack_commit(checkout: Path, commit: str) -> bytes:
    """A gzipped tar of a bare repository with this commit alone, without its history.

    Whoever takes the commit out of it by its hash has exactly its files, whichever way the archive came.

    Raises:
        VersioningError: git refuses.
    """
    with TemporaryDirectory() as scratch:
        bare = Path(scratch, ARCHIVED)
        _git(checkout, "init", "--quiet", "--bare", str(bare))
        _git(bare, "fetch", "--quiet", "--depth", "1", str(checkout.resolve()), "HEAD")
        _git(bare, "update-ref", BRANCH, commit)
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w:gz") as archive:
            archive.add(bare, ARCHIVED)
        return stream.getvalue()


def refuse_private_remote(checkout: Path) -> None:
    """Nodes find the remote in the commit, so it has to stand there, and mean the same everywhere.

    Raises:
        VersioningError: naming the file, the key and what to do.
    """
    name = default_remote()
    if name is None:
        raise VersioningError(
            "DVC has no remote, and data reach the nodes and come back through one: "
            "`dvc remote add --default storage URL` (a folder that all machines share, ssh://…, s3://…), then commit "
            ".dvc/config (docs/how-to/several-machines.md)"
        )
    committed = configparser.ConfigParser(interpolation=None, strict=False)
    committed.read_string(_git(checkout, "show", "HEAD:.dvc/config"))
    url = committed.get(f"'remote \"{name}\"'", "url", fallback=None)
    if url is None or committed.get("core", "remote", fallback=None) != name:
        raise VersioningError(
            f".dvc/config: the remote {name!r} is not committed there as the default, and nodes have only the commit; "
            f"`dvc remote add --force --default {name} URL`, then commit .dvc/config"
        )
    if "://" not in url and not Path(url).is_absolute():
        raise VersioningError(
            f".dvc/config: remote {name!r}, url = {url}: leads elsewhere from a node's clone; give the whole path of a "
            "folder that all machines share, or ssh://… or s3://…"
        )


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, encoding="utf-8", errors="surrogateescape"
    )
    if done.returncode:
        raise VersioningError(without_credentials(f"`git {' '.join(arguments)}` failed: {done.stderr.strip()}"))
    return done.stdout
