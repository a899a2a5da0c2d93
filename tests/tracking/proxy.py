"""A TCP proxy between a client and a server that delays what goes through, or cuts it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass


@dataclass
class Proxy:
    """Both may be changed while it runs.

    Attributes:
        delay: seconds that every piece of an answer is held back.
        cut: whether connections are closed once a request has gone through, before its answer comes back.
    """

    port: int = 0
    delay: float = 0.0
    cut: bool = False
    cuts: int = 0


@contextmanager
def proxied(target: int) -> Iterator[Proxy]:
    """A proxy on a free loopback port before the loopback port `target`."""
    proxy, loop, ready = Proxy(), asyncio.new_event_loop(), threading.Event()

    async def serve() -> None:
        server = await asyncio.start_server(lambda *ends: _pass_on(proxy, target, *ends), "127.0.0.1", 0)
        proxy.port = server.sockets[0].getsockname()[1]
        ready.set()
        async with server:
            await server.serve_forever()

    def run() -> None:
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(serving)

    serving = loop.create_task(serve())
    thread = threading.Thread(target=run, name="proxy", daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(serving.cancel)
        thread.join(10)


async def _pass_on(proxy: Proxy, target: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, ConnectionError):
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", target)
        there = asyncio.create_task(_copy(reader, server_writer))
        back = asyncio.create_task(_copy_back(proxy, server_reader, writer))
        await asyncio.wait([there, back], return_when=asyncio.FIRST_COMPLETED)
        for task in (there, back):
            task.cancel()
        server_writer.close()
    writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, ConnectionError):
        while piece := await reader.read(1 << 16):
            writer.write(piece)
            await writer.drain()


async def _copy_back(proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, ConnectionError):
        while piece := await reader.read(1 << 16):
            if proxy.cut:
                proxy.cuts += 1
                return
            await asyncio.sleep(proxy.delay)
            writer.write(piece)
            await writer.drain()
