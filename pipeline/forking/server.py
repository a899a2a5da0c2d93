"""The process that stages are forked from.

    python -m pipeline.forking.server NAME           (NAME: of its sockets)
    python -m pipeline.forking.server NAME --keras   (and a second one, with Keras, for stages with networks)

It runs nothing but imports, so a fork has no state of another stage: no random number drawn, no thread of TensorFlow,
no graph, and none of this project's modules. Stages without networks are forked from a process without TensorFlow,
whose memory would count as theirs.

It ends as soon as its standard input does, which its owner holds open: no stage is taken any more, and those at work go
on to their end, as they do when a `dvc repro` is killed around them. Its standard error has a line for each stage.
"""

from __future__ import annotations

import ctypes
import gc
import hmac
import os
import runpy
import selectors
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pipeline.forking.libraries import import_keras_quietly, import_libraries, uncollected
from pipeline.forking.messages import (
    LONGEST,
    PATIENCE,
    SECRET,
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


class RefusalError(ValueError):
    """A stage has to start by itself."""


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

    @property
    def title(self) -> str:
        return " ".join([self.module, *self.arguments])


class Server:
    """Takes orders until its owner has gone.

    Args:
        name: of the socket.
        known: a hash of what was around this process before libraries, while they were imported, added to it.

    Raises:
        OSError: this system cannot tell when a fork ends.
    """

    def __init__(self, name: str, known: str) -> None:
        self.surroundings = known
        self.process = os.getpid()
        os.close(os.pidfd_open(self.process))  # Linux 5.3 and later, where nothing forbids it
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
        # Its owner ends it by this signal while it imports; from now on its input tells. It is blocked too, so that
        # one that is meant for a new fork waits until that has a handler for it.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        while self.selector.get_map():
            for key, _ in self.selector.select():
                if order := key.data():
                    return order
        return None

    def _take(self) -> Order | None:
        try:
            connection, _ = self.listener.accept()
        except OSError:
            return None
        try:
            order = _read_order(connection, self.surroundings)
        except (OSError, ValueError, LookupError, TypeError) as error:
            _refuse(connection, error)
            return None
        try:
            child = os.fork()
        except OSError as error:
            _close(order.streams)
            _refuse(connection, error)
            return None
        if not child:
            self._leave(connection)
            return order
        _close(order.streams)
        self._watch(connection, child, order)
        return None

    def _watch(self, connection: socket.socket, child: int, order: Order) -> None:
        with suppress(OSError):
            os.setpgid(child, child)  # as it does itself: whoever is first
        try:
            ending = os.pidfd_open(child)
        except OSError as error:
            _note(f"gave up process {child}: {error}")
            _kill(child)
            os.waitpid(child, 0)
            connection.close()
            return
        _note(f"process {child}: {order.title}")
        self.children[connection] = child

        def ended() -> None:
            self.selector.unregister(ending)
            os.close(ending)
            _, code, used = os.wait4(child, 0)
            status = os.waitstatus_to_exitcode(code)
            _note(f"process {child} ended: status {status}, {used.ru_utime + used.ru_stime:.1f} processor seconds")
            if self.children.pop(connection, None):
                self.selector.unregister(connection)
                _tell(connection, {"status": status})
                connection.close()

        def left() -> None:
            """The stage was killed, and its fork is with it."""
            if self.children.pop(connection, None):
                self.selector.unregister(connection)
                connection.close()
                _kill(child)

        self.selector.register(ending, selectors.EVENT_READ, ended)
        self.selector.register(connection, selectors.EVENT_READ, left)
        _tell(connection, {"process": child})

    def _finish(self) -> None:
        os.read(LIFELINE, 1)
        self.selector.unregister(LIFELINE)
        self.selector.unregister(self.listener)
        self.listener.close()

    def _leave(self, connection: socket.socket) -> None:
        """In a fork: close what is the server's, and end when it is killed."""
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != self.process:
            os._exit(1)
        with suppress(OSError):
            os.setpgid(0, 0)  # the stage that was started is in DVC's group, and passes on what that is sent
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        for key in list(self.selector.get_map().values()):
            if key.fd != LIFELINE:
                os.close(key.fd)
                if isinstance(key.fileobj, socket.socket):
                    key.fileobj.detach()
        self.selector.close()
        connection.close()


def _read_order(connection: socket.socket, ours: str) -> Order:
    """
    Raises:
        RefusalError: this is not its server.
        OSError, ValueError, LookupError, TypeError: it is no order.
    """
    connection.settimeout(PATIENCE)
    if not is_same_user(connection):
        raise RefusalError("another user's")
    content, streams, _, _ = socket.recv_fds(connection, LONGEST, len(STREAMS))
    try:
        message = unpacked(content)
        if not hmac.compare_digest(message["secret"], os.environ[SECRET]):
            raise RefusalError("it does not know the secret")
        if message["surroundings"] != ours:
            raise RefusalError("it has another folder, environment or Python")
        if len(streams) != len(STREAMS):
            raise RefusalError("it lacks a standard stream")
        return Order(message["module"], message["arguments"], message["environment"], message["umask"], streams)
    except BaseException:
        _close(streams)
        raise


def _refuse(connection: socket.socket, error: Exception) -> None:
    """A stage that hears nothing starts by itself."""
    _note(f"refused a stage: {error or type(error).__name__}")
    connection.close()


def _close(streams: Sequence[int]) -> None:
    """What the server kept open would never end for those who read it."""
    for stream in streams:
        os.close(stream)


def _kill(child: int) -> None:
    """A fork, and what it has started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)


def _tell(connection: socket.socket, message: dict[str, Any]) -> None:
    """What a stage that was killed meanwhile no longer hears."""
    with suppress(OSError):
        connection.send(packed(message))


def _note(line: str) -> None:
    with suppress(OSError):
        print(line, file=sys.stderr, flush=True)


def obey(order: Order) -> None:
    """Become what `python -m …` would have been, and do it.

    What libraries have set in the environment while they were imported is left out: they have read it by now, and what
    this stage starts would have other surroundings than the server.

    Raises:
        SystemExit: when it is done.
    """
    for number, stream in zip(STREAMS, order.streams, strict=True):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(order.environment)
    os.umask(order.umask)
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()
    sys.argv = [order.module, *order.arguments]
    runpy.run_module(order.module, run_name="__main__", alter_sys=True)


def main() -> None:
    name, keras, known = sys.argv[1], "--keras" in sys.argv[2:], surroundings()
    import_libraries()
    if keras and not os.fork():
        with uncollected():
            import_keras_quietly()
    else:
        keras = False
    gc.collect()
    gc.freeze()
    if order := Server(address(name, keras), known).run():
        obey(order)


if __name__ == "__main__":
    main()
