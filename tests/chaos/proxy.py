"""A TCP proxy between workers and the broker that can be cut, deafened, slowed and made to break off."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from typing import Any

CHUNK = 1 << 16


class Proxy:
    """Listens on a free loopback port and passes bytes on; what goes wrong is set from outside, at any moment."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.refuses = False
        self.delay_s = 0.0
        self.deaf_to: set[str] = set()
        """directions whose bytes are swallowed: `up` towards the broker, `down` towards the client"""
        self._server: asyncio.Server | None = None
        self._links: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._do(self._listen())

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _do(self, coro: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(coro, self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._link, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuses:
            writer.transport.abort()
            return
        try:
            upstream, to_broker = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        self._links |= {writer, to_broker}
        await asyncio.gather(self._pass(reader, to_broker, "up"), self._pass(upstream, writer, "down"))
        self._links -= {writer, to_broker}

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: str) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                if direction in self.deaf_to:
                    continue
                writer.write(data)
                await writer.drain()
        with contextlib.suppress(OSError, RuntimeError):
            writer.close()

    # -- what goes wrong -----------------------------------------------------------------------------------------------

    def cut(self) -> None:
        """Break every connection and accept no new one."""
        self.refuses = True
        self.reset()

    def reset(self) -> None:
        """Break every connection, in the middle of whatever it was saying; new ones are welcome."""

        async def abort() -> None:
            for writer in list(self._links):
                writer.transport.abort()

        self._do(abort())

    def heal(self) -> None:
        """Pass everything on again. What was swallowed is gone, so a stream that was deaf is broken off."""
        broken = bool(self.deaf_to)
        self.refuses, self.delay_s = False, 0.0
        self.deaf_to = set()
        if broken:
            self.reset()

    def close(self) -> None:
        async def end() -> None:
            assert self._server is not None
            self._server.close()

        self.cut()
        self._do(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()
