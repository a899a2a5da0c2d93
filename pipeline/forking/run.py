"""The server of one run: there from its beginning to its end."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress

from pipeline.forking.messages import ADDRESS, WITH_KERAS
from pipeline.mlflow_environment import ENVIRONMENT

PATIENCE = 2  # seconds for its end; where stages of a killed `dvc` are still at work, it ends after them
SOME = 3  # stages that are worth a server: it takes as long to start as they do


@contextmanager
def fork_server(
    environment: Mapping[str, str], stages: Collection[str], with_keras: Collection[str]
) -> Iterator[dict[str, str]]:
    """A server for the stages of a run, where there are enough of them. Until it is ready they start by themselves.

    Linux alone has what it is made of: other systems' libraries do not all bear a fork.

    Args:
        environment: of the run.
        stages: the names of those that are due.
        with_keras: those among them that use networks.

    Yields:
        The environment of the run, by which its stages find the server.
    """
    environment = {**environment}
    if sys.platform != "linux" or len(stages) < SOME:
        yield environment
        return
    environment = ENVIRONMENT | environment  # MLflow reads it while it is imported
    name = f"kiyas-{secrets.token_hex(8)}"
    command = [sys.executable, "-m", "pipeline.forking.server", name, *(["--keras"] if with_keras else [])]
    nowhere = subprocess.DEVNULL
    server = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=nowhere, stderr=nowhere, env=environment, process_group=0
    )
    try:
        yield environment | {ADDRESS: name, WITH_KERAS: " ".join(with_keras)}
    finally:
        assert server.stdin
        server.stdin.close()
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)  # in the midst of its imports it would not look
        with suppress(subprocess.TimeoutExpired):
            server.wait(PATIENCE)
