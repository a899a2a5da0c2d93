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
from contextlib import contextmanager
from types import FrameType
from typing import Any

from pipeline.forking.messages import (
    ADDRESS,
    FORKED,
    LONGEST,
    STREAMS,
    WITH_KERAS,
    address,
    is_same_user,
    new_socket,
    packed,
    surroundings,
    unpacked,
)

PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_forked(module: str, arguments: Sequence[str]) -> int | None:
    """Have `python -m …` of a stage run in a fork of the server, with this process's streams, folder and environment.

    This process waits for it: signals are passed on, and where either of the two is killed, the other one ends too.

    Args:
        module: what is to run.
        arguments: its own.

    Returns:
        Its exit status; None where it has to run in this process: there is no server, it knows other surroundings, or
        it was killed, and what it had forked with it.
    """
    name = os.environ.get(ADDRESS)
    if not name or FORKED in os.environ:
        return None
    keras = module == "pipeline" and os.environ.get("DVC_STAGE") in os.environ.get(WITH_KERAS, "").split()
    with new_socket() as connection:
        try:
            connection.connect(address(name, keras))
            if not is_same_user(connection):
                return None
            socket.send_fds(connection, [_order(module, arguments)], STREAMS)
            started = _answer(connection)
            return None if started is None else _follow(connection, int(started["process"]))
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
        }
    )


def _follow(connection: socket.socket, process: int) -> int | None:
    with _passing_on_signals(process):
        ended = _answer(connection)
    if ended is None:
        return None
    status = int(ended["status"])
    if status < 0:  # the same signal ends this process, so that DVC sees the same
        signal.signal(-status, signal.SIG_DFL) if -status not in (signal.SIGKILL, signal.SIGSTOP) else None
        os.kill(os.getpid(), -status)
    return status


def _answer(connection: socket.socket) -> dict[str, Any] | None:
    """None where the server has gone, or does not take this stage."""
    content = connection.recv(LONGEST)
    return unpacked(content) if content else None


@contextmanager
def _passing_on_signals(process: int) -> Iterator[None]:
    def pass_on(number: int, frame: FrameType | None) -> None:
        os.kill(process, number)

    before = {number: signal.signal(number, pass_on) for number in PASSED_ON if signal.getsignal(number)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


if __name__ == "__main__":
    del sys.argv[0]
    if (forked := run_forked(sys.argv[0], sys.argv[1:])) is not None:
        sys.exit(forked)
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
