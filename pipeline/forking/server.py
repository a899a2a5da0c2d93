"""The process that stages are forked from.

    python -m pipeline.forking.server NAME           (NAME: of its sockets)
    python -m pipeline.forking.server NAME --keras   (and a second one, with Keras, for stages with networks)

It runs nothing but imports, so a fork has no state of another stage: no random number drawn, no thread of TensorFlow,
no graph, and none of this project's modules. Stages without networks are forked from a process without TensorFlow,
since a library may set the processor's treatment of very small numbers as it is loaded.

It ends as soon as its standard input does, which its owner holds open: no stage is taken any more, and those at work go
on to their end, as they do when a `dvc repro` is killed around them.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import runpy
import selectors
import signal
import socket
import sys
from dataclasses import dataclass
from typing import Any, TextIO, cast

from pipeline.forking.libraries import import_keras_quietly, import_libraries, uncollected
from pipeline.forking.messages import (
    LONGEST,
    STREAMS,
    address,
    is_same_user,
    new_socket,
    packed,
    surroundings,
    unpacked,
)

PR_SET_PDEATHSIG = 1
LIFELINE = 0  # standard input
WAITING = 16  # stages that may wait to be taken


@dataclass(frozen=True)
class Order:
    """A stage that is to run in this process.

    Attributes:
        module: of this project, as `python -m` takes it.
        arguments: its own.
        environment: all of it.
        umask: of files.
        streams: its standard streams.
    """

    module: str
    arguments: list[str]
    environment: dict[str, str]
    umask: int
    streams: list[int]


class Server:
    """Takes orders until its owner has gone.

    Args:
        name: of the socket.
        known: what this process found around it, before any library was imported and left traces of its own.
    """

    def __init__(self, name: str, known: dict[str, Any]) -> None:
        self.surroundings = known
        self.process = os.getpid()
        self.selector = selectors.DefaultSelector()
        self.children: dict[socket.socket, int] = {}  # the connection to a stage → its fork
        self.listener = new_socket()
        self.listener.bind(name)
        self.listener.listen(WAITING)
        self.selector.register(self.listener, selectors.EVENT_READ, self._take)
        self.selector.register(LIFELINE, selectors.EVENT_READ, self._finish)

    def run(self) -> Order | None:
        """
        Returns:
            The order, in a process that was forked for it; None in the server itself, once it is no longer needed.
        """
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # which ends it while it imports; from now on its input tells
        while self.selector.get_map():
            for key, _ in self.selector.select():
                if order := key.data():
                    return order
        return None

    def _take(self) -> Order | None:
        connection, _ = self.listener.accept()
        order = _read_order(connection, self.surroundings)
        if not order:
            connection.close()
            return None
        child = os.fork()
        if not child:
            self._leave(connection)
            return order
        for stream in order.streams:
            os.close(stream)
        self._watch(connection, child)
        return None

    def _watch(self, connection: socket.socket, child: int) -> None:
        ending = os.pidfd_open(child)
        self.children[connection] = child

        def ended() -> None:
            self.selector.unregister(ending)
            os.close(ending)
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            _tell(connection, {"status": status})
            if self.children.pop(connection, None):
                self.selector.unregister(connection)
            connection.close()

        def left() -> None:
            """The stage was killed, and its fork with it."""
            self.selector.unregister(connection)
            del self.children[connection]
            os.kill(child, signal.SIGKILL)

        self.selector.register(ending, selectors.EVENT_READ, ended)
        self.selector.register(connection, selectors.EVENT_READ, left)
        _tell(connection, {"process": child})

    def _finish(self) -> None:
        os.read(LIFELINE, 1)
        self.selector.unregister(LIFELINE)
        self.selector.unregister(self.listener)
        self.listener.close()

    def _leave(self, connection: socket.socket) -> None:
        """In a fork: close what is the server's, and end with it."""
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != self.process:
            os._exit(1)
        os.setpgid(0, 0)  # the stage that was started is in DVC's group, and passes on what that is sent
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        for key in list(self.selector.get_map().values()):
            if key.fd != LIFELINE:
                os.close(key.fd)
                if isinstance(key.fileobj, socket.socket):
                    key.fileobj.detach()
        self.selector.close()
        connection.close()


def _read_order(connection: socket.socket, ours: dict[str, Any]) -> Order | None:
    """None where the stage has to start by itself."""
    if not is_same_user(connection):
        return None
    content, streams, _, _ = socket.recv_fds(connection, LONGEST, len(STREAMS))
    message = unpacked(content) if content else {}
    if message.get("surroundings") == ours and len(streams) == len(STREAMS):
        return Order(message["module"], message["arguments"], message["environment"], message["umask"], streams)
    for stream in streams:
        os.close(stream)
    return None


def _tell(connection: socket.socket, message: dict[str, Any]) -> None:
    """What a stage that was killed meanwhile no longer hears."""
    with contextlib.suppress(OSError):
        connection.send(packed(message))


def obey(order: Order) -> None:
    """Become what `python -m …` would have been, and do it.

    Raises:
        SystemExit: when it is done.
    """
    for number, stream in zip(STREAMS, order.streams, strict=True):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin = _opened(0, "r", sys.stdin)
    sys.stdout = _opened(1, "w", sys.stdout)
    sys.stderr = _opened(2, "w", sys.stderr, buffering=1)
    os.environ.clear()
    os.environ.update(order.environment)
    os.umask(order.umask)
    random.seed()
    sys.argv = [order.module, *order.arguments]
    runpy.run_module(order.module, run_name="__main__", alter_sys=True)


def _opened(number: int, mode: str, before: TextIO, buffering: int = -1) -> TextIO:
    encoding, errors = before.encoding, before.errors
    return cast(TextIO, open(number, mode, buffering, encoding=encoding, errors=errors, closefd=False))


def main() -> None:
    name, keras, known = sys.argv[1], "--keras" in sys.argv[2:], surroundings()
    import_libraries()
    if keras and not os.fork():
        with uncollected():
            import_keras_quietly()
    else:
        keras = False
    if order := Server(address(name, keras), known).run():
        obey(order)


if __name__ == "__main__":
    main()
