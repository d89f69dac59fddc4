"""A wallboard's server in this process, its board written as the feed would write it, and a client of its stream."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientResponse, ClientSession, ClientTimeout, web

from models.decisions.reading import Reading
from streams.board.records import AlertFact, RowFact
from streams.board.server import create_app
from streams.board.store import Batch, BoardStore, connect
from streams.board.wall import Wall
from streams.monitoring.http import Runner
from streams.settings import Settings


def fact(row: dict[str, Any]) -> RowFact:
    value = json.dumps(row, separators=(",", ":")).encode()
    return RowFact(row["decision"], f"{row['indicator']}/{row['unit']}", row["version"], value)


def alert_fact(transition: dict[str, Any], offset: int) -> AlertFact:
    return AlertFact(
        transition["decision"], transition["fingerprint"], f"0:{offset:020d}", offset, json.dumps(transition).encode()
    )


class Board:
    """The server's side: the wall, its address, and the store that the feed would write to."""

    def __init__(self, wall: Wall, runner: web.AppRunner, settings: Settings) -> None:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self.wall = wall
        self.vanish = runner.cleanup
        self.url = url
        self.redis = connect(settings)
        self.store = BoardStore(self.redis, settings.prefix, wall.reading.decision.id)
        self.api = f"{url}/api/v1/boards/{wall.reading.decision.id}"
        self.http = ClientSession(timeout=ClientTimeout(total=20))

    async def write(
        self, rows: list[dict[str, Any]] | None = None, alerts: list[AlertFact] | None = None, **fields: str
    ) -> None:
        """Apply a batch, with the feed's word that it is alive."""
        now = str(int(time.time() * 1000))
        said = {"complete": "1", "fed_ms": now, "watermark_ms": now, "clock": "heartbeats", "lag": "0"} | fields
        await self.store.apply(Batch(rows=[fact(r) for r in rows or []], alerts=alerts or [], fields=said))

    async def begin(self, rows: list[dict[str, Any]], epoch: str = "e1") -> None:
        await self.store.open(epoch, "test")
        await self.write(rows)
        await self.until(lambda: self.tag == f"{self.store.epoch}:{self.store.ver}")

    @property
    def tag(self) -> str | None:
        state = self.wall.channels[self.wall.reading.decision.id].follower.state
        return None if state is None else state.tag

    async def until(self, true: Any, seconds: float = 10) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, f"it did not come to be: {self.tag}"
            await asyncio.sleep(0.02)

    def events(self, headers: Mapping[str, str] | None = None, **params: str) -> Any:
        last = {"Last-Event-ID": params.pop("last")} if "last" in params else {}
        return self.http.get(f"{self.api}/events", params=params, headers={**last, **(headers or {})})

    async def json(self, path: str, **headers: str) -> tuple[int, Any, Any]:
        async with self.http.get(f"{self.api}/{path}", headers=headers) as response:
            body = await response.read()
            return response.status, json.loads(body) if body else None, response.headers


async def next_event(response: ClientResponse, *wanted: str) -> dict[str, Any]:
    """Return the next event of one of these names: its name, id and data."""
    event: dict[str, Any] = {}
    while True:
        line = (await asyncio.wait_for(response.content.readuntil(b"\n"), 15)).decode().rstrip("\n")
        if line:
            name, _, value = line.partition(": ")
            event[name] = json.loads(value) if name == "data" else value
        elif event:
            if not wanted or event.get("event") in wanted:
                return event
            event = {}


@asynccontextmanager
async def serving(settings: Settings, reading: Reading, **wall_options: Any) -> AsyncIterator[Board]:
    wall = Wall(settings, reading, **wall_options)
    runner = Runner(create_app(wall), handler_cancellation=True, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    board = Board(wall, runner, settings)
    try:
        yield board
    finally:
        await board.http.close()
        await runner.cleanup()
        await board.redis.aclose()
