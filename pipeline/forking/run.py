"""The server of one run: there from its beginning to its end."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from pipeline.forking.messages import ADDRESS, SECRET, WITH_KERAS
from pipeline.mlflow_environment import ENVIRONMENT

NOTES = Path(".kiyas/forked.log")  # a line for each stage of the last run that was forked, or was not and why
PATIENCE = 2  # seconds for its end; where stages of a killed `dvc` are still at work, it ends after them
FEWEST_STAGES = 3  # that are worth a server: it takes as long to start as they do
LONGEST_LIST = 2**16  # bytes of names of stages: a variable of the environment has to be shorter than twice that


@contextmanager
def fork_server(
    environment: Mapping[str, str], stages: Collection[str], with_keras: Collection[str]
) -> Iterator[dict[str, str]]:
    """A server for the stages of a run, where there are enough of them. Until it is ready they start by themselves.

    There is none where this shell limits memory, which the libraries of both servers would take up in each fork. Linux
    alone has what it is made of, and other systems' libraries do not all bear a fork.

    Args:
        environment: of the run.
        stages: the names of those that are due.
        with_keras: those among them that use networks.

    Yields:
        The environment of the run, by which its stages find the server.
    """
    environment, names = {**environment}, " ".join(with_keras)
    if sys.platform != "linux" or len(stages) < FEWEST_STAGES or len(names) > LONGEST_LIST or _has_memory_limit():
        yield environment
        return
    environment = ENVIRONMENT | environment  # MLflow reads it while it is imported
    name, secret = f"kiyas-{secrets.token_hex(8)}", secrets.token_hex(16)
    server = _start(name, environment | {SECRET: secret}, bool(with_keras))
    try:
        yield environment | {ADDRESS: name, SECRET: secret, WITH_KERAS: names}
    finally:
        _end(server)


def _has_memory_limit() -> bool:
    import resource

    return resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY


def _start(name: str, environment: Mapping[str, str], keras: bool) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "pipeline.forking.server", name, *(["--keras"] if keras else [])]
    NOTES.parent.mkdir(exist_ok=True)
    with NOTES.open("wb") as notes:
        nowhere, pipe = subprocess.DEVNULL, subprocess.PIPE
        return subprocess.Popen(command, stdin=pipe, stdout=nowhere, stderr=notes, env=environment, process_group=0)


def _end(server: subprocess.Popen[bytes]) -> None:
    assert server.stdin
    server.stdin.close()
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGTERM)  # while it imports it does not watch its input
    with suppress(subprocess.TimeoutExpired):
        server.wait(PATIENCE)
