"""A stage that DVC has started hands itself over to its run's server, where there is one.

python -m pipeline.forking.client pipeline.… argument   # the same for another module of this project
"""

from __future__ import annotations

import os
import runpy
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from pipeline.forking.messages import (
    ADDRESS,
    FORKED,
    LONGEST,
    PATIENCE,
    SECRET,
    STREAMS,
    WITH_KERAS,
    address,
    is_same_user,
    new_socket,
    packed,
    surroundings,
    unpacked,
)


def run_forked(module: str, arguments: Sequence[str]) -> int | None:
    """Have `python -m …` of a stage run in a fork of the server, with this process's streams, folder and environment.

    This process waits for it. It passes signals on, and where either of the two is killed, the other one ends too.

    Args:
        module: what is to run.
        arguments: its own.

    Returns:
        Its exit status; None where it has to run in this process: there is no server, or it does not take this stage,
        or it was killed, and its forks with it.
    """
    name = os.environ.get(ADDRESS)
    if not name or FORKED in os.environ:
        return None
    keras = module == "pipeline" and os.environ.get("DVC_STAGE") in os.environ.get(WITH_KERAS, "").split()
    try:
        with new_socket() as connection:
            connection.settimeout(PATIENCE)
            connection.connect(address(name, keras))
            if not is_same_user(connection):
                return None
            socket.send_fds(connection, [_order(module, arguments)], STREAMS)
            started = unpacked(connection.recv(LONGEST))
            connection.settimeout(None)
            return _follow(connection, int(started["process"]))
    except (OSError, ValueError):
        return None


def _order(module: str, arguments: Sequence[str]) -> bytes:
    umask = os.umask(0)
    os.umask(umask)
    return packed(
        {
            "module": module,
            "arguments": list(arguments),
            "environment": os.environ | {FORKED: "1"},
            "umask": umask,
            "surroundings": surroundings(),
            "secret": os.environ.get(SECRET, ""),
        }
    )


def _follow(connection: socket.socket, process: int) -> int | None:
    """
    Args:
        process: the fork, which leads a group of processes of its own.
    """
    with _passing_on_signals(process):
        content = connection.recv(LONGEST)
    if not content:
        return None
    status = int(unpacked(content)["status"])
    if status < 0:
        _end_by(-status)
    return status


def _end_by(number: int) -> None:
    """End this process by the signal that ended the fork, so that DVC sees the same."""
    if number not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


@contextmanager
def _passing_on_signals(process: int) -> Iterator[None]:
    def pass_on(number: int, frame: FrameType | None) -> None:
        with suppress(ProcessLookupError):  # it has ended just now
            os.killpg(process, number)

    before: dict[int, Any] = {
        number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    heard = [number for number, handler in before.items() if handler != signal.SIG_IGN]
    for number in heard:
        signal.signal(number, pass_on)
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, before[number])


if __name__ == "__main__":
    del sys.argv[0]
    if (forked := run_forked(sys.argv[0], sys.argv[1:])) is not None:
        sys.exit(forked)
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
