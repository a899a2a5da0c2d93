"""Whether what a run needs elsewhere answers: git's identity and remote, DVC's remote, MLflow's server.

Each function gives one line that says what is wrong and what to do about it, or None.
"""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from pipeline.credentials import without_credentials
from pipeline.dvc_command import default_remote
from pipeline.ground.system_faults import may_write
from pipeline.operations.checking.disk import nearest
from pipeline.tracking.address import is_server, reason_of, tracking_uri

PATIENCE = 60  # seconds that a remote may take to answer
SOON = 5  # seconds for a server
PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}
# DVC's own way of opening its default remote. A folder that is not there yet is made by the first push.
ASK_REMOTE = """
import sys
from dvc.repo import Repo
try:
    remote = Repo().cloud.get_remote()
    remote.fs.exists(remote.path)
    print(remote.fs.protocol, remote.path)
except Exception as error:
    sys.exit(str(error) or type(error).__name__)
"""


def identity_fault() -> str | None:
    """Whether git would take a commit here: it needs a repository and somebody's name."""
    if reason := _git_fault("rev-parse", "--git-dir"):
        return f"git: {reason}; run from a clone, or without --commit and --push"
    if _git_fault("var", "GIT_AUTHOR_IDENT") or _git_fault("var", "GIT_COMMITTER_IDENT"):
        return (
            "git: has no identity to commit with; `git config user.name NAME` and `git config user.email ADDRESS`, or "
            "run without --commit and --push"
        )
    return None


def push_fault() -> str | None:
    """Whether git's remote `origin` would take the commit; nothing is sent."""
    if reason := _git_fault("push", "--dry-run", "--quiet", "--no-verify", "origin", "HEAD"):
        return (
            f"git: `git push origin HEAD` would fail ({reason}); mend the remote `origin` or its credentials "
            "(`git pull --rebase` where it is ahead), or run without --push"
        )
    return None


def remote_fault(push: bool) -> str | None:
    """Whether DVC's default remote can be opened.

    Args:
        push: whether there has to be one, which takes what is pushed.
    """
    name = default_remote()
    if name is None:
        return "DVC: has no remote to push to; `dvc remote add --default storage URL`" if push else None
    reason = _remote_reason(push)
    if reason is None:
        return None
    package = " (for instance `pip install dvc-s3`)" if "to be installed" in reason else ""
    return (
        f"DVC: the remote {name!r} cannot be reached ({reason}); mend what `dvc remote list` shows, or its "
        f"credentials{package}; `dvc remote default --unset` does without"
    )


def server_fault() -> str | None:
    """Whether MLflow's tracking server, or its database, answers. A SQLite file is no server."""
    uri = tracking_uri()
    reason = _silence(f"{uri.rstrip('/')}/health" if is_server(uri) else uri)
    if reason is None:
        return None
    return (
        f"MLFLOW_TRACKING_URI = {without_credentials(uri)!r}: does not answer ({reason}); start the server or correct "
        "the variable. Training goes on without it, and `python -m pipeline track` brings what it missed"
    )


def _git_fault(*arguments: str) -> str | None:
    """What git says where it fails; it asks no questions."""
    try:
        done = subprocess.run(
            ["git", *arguments],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env=os.environ | {"GIT_TERMINAL_PROMPT": "0"},
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {PATIENCE} seconds"
    except FileNotFoundError:
        return "the command git is not installed"
    said = without_credentials(" ".join(done.stderr.split()))
    return (said or f"it ended with {done.returncode}") if done.returncode else None


def _remote_reason(push: bool) -> str | None:
    command = [sys.executable, "-c", ASK_REMOTE]
    try:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return f"no answer within {PATIENCE} seconds"
    if done.returncode:
        return without_credentials((done.stderr.strip().splitlines() or ["no reason given"])[-1])
    protocol, _, path = done.stdout.strip().partition(" ")
    if protocol == "local":
        place = nearest(Path(path))
        return f"{place} may not be written" if push and not may_write(place) else None
    return _silence(path) if is_server(path) else None  # DVC takes a host that is down for one without files


def _silence(uri: str) -> str | None:
    """Why nobody answers there; None where somebody does, even to refuse."""
    parts = urlsplit(uri)
    try:
        if is_server(uri):
            anonymous = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()  # urllib takes no passwords
            with urllib.request.urlopen(anonymous, timeout=SOON):
                return None
        port = parts.port or PORTS.get(parts.scheme.partition("+")[0])
        if parts.hostname and port:
            socket.create_connection((parts.hostname, port), SOON).close()
        return None
    except urllib.error.HTTPError as error:
        return f"HTTP {error.code}" if error.code >= 500 else None
    except urllib.error.URLError as error:
        refused = isinstance(error.reason, ssl.SSLCertVerificationError)  # it answered; MLflow may be told to trust it
        return None if refused else reason_of(error.reason if isinstance(error.reason, Exception) else error)
    except (OSError, ValueError) as error:
        return reason_of(error)
