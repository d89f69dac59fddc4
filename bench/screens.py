"""What many screens cost the wallboard: `python -m bench.screens --clients 10000 --seconds 30`.

The server runs in a process of its own on a real Valkey; its board has `--rows` rows, one of which changes every
second. Screens are plain sockets in this process. Printed: the server's memory (RSS, MB) before, with all screens, and
its share of a core (percent) over the measured time, and how old a change is when a screen has it (ms).
`--deaf N` opens N more that never read, as a client does that wants the server's memory.
"""

import argparse
import asyncio
import json
import os
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, Any, cast

import psutil
from pydantic import SecretStr

from streams.board.server import create_app
from streams.board.wall import Wall
from streams.files.decision_files import read_reading
from streams.settings import Settings
from tests.board.wallserver import fact
from tests.chaos.wall import Valkey

HEAD = "GET {path} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n"


def row(unit: str, ver: int, at: float) -> dict[str, Any]:
    """Return a standing whose `reason` says when it was written; as long as a real one."""
    return {
        "decision": "thai-binh-2024", "indicator": "online-dossiers", "unit": unit, "version": f"0:{ver:020d}",
        "numerator": ver, "denominator": 2 * ver, "as_of": "2024-06-30", "status": "met", "reason": f"{at:.4f}",
        "filler": "x" * 150,
    }  # fmt: skip


async def serve(redis_url: str, rows: int) -> None:
    """Serve a board, print where, and change one row a second until the end of standard input."""
    from aiohttp import web

    from streams.board.store import Batch, BoardStore, connect

    settings = Settings(
        redis=SecretStr(redis_url),
        decision="thai-binh-2024",
        port=0,
        streams_max=50_000,
        streams_per_address_max=50_000,
        _env_file=None,
    )
    wall = Wall(settings, read_reading(settings))
    runner = web.AppRunner(create_app(wall), access_log=None, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    store = BoardStore(connect(settings), settings.prefix, wall.reading.decision.id)
    await store.open("e1", "bench")

    async def write(changed: list[dict[str, Any]]) -> None:
        now = str(int(time.time() * 1000))
        said = {"complete": "1", "fed_ms": now, "watermark_ms": now, "clock": "heartbeats", "lag": "0"}
        await store.apply(Batch(rows=[fact(r) for r in changed], alerts=[], fields=said))

    await write([row(f"{n:05d}", 1, 0.0) for n in range(rows)])
    print(json.dumps({"port": runner.addresses[0][1]}), flush=True)
    for ver in range(2, 1 << 40):
        await asyncio.sleep(1.0)
        await write([row("00000", ver, time.time())])


class Screens:
    """Event streams that are open, and how old (ms) each change was when one of them had it."""

    def __init__(self, port: int, path: str) -> None:
        """Begin with none."""
        self._port, self._path = port, path
        self._watch = selectors.EpollSelector()
        self._opened: list[socket.socket] = []
        self.ages: list[float] = []
        self.lost = 0

    def open(self, count: int, *, deaf: bool = False) -> None:
        """Open some more; `deaf` ones have a small window and are never read."""
        for _ in range(count):
            made = socket.socket()
            if deaf:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            # Ports of one address are 28 000: loopback has many addresses.
            made.bind((f"127.0.{1 + len(self._opened) // 5000}.1", 0))
            made.connect(("127.0.0.1", self._port))
            made.sendall(HEAD.format(path=self._path).encode())
            made.setblocking(False)
            self._opened.append(made)
            if not deaf:
                self._watch.register(made, selectors.EVENT_READ)
            if len(self._opened) % 100 == 0:
                self.read(0.1)

    def read(self, seconds: float) -> None:
        """Read what comes for some seconds."""
        until = time.time() + seconds
        while (left := until - time.time()) > 0:
            for key, _ in self._watch.select(left):
                self._take(cast("socket.socket", key.fileobj))

    def _take(self, screen: socket.socket) -> None:
        try:
            data = screen.recv(1 << 20)
        except ConnectionError:
            data = b""
        if not data:
            self.lost += 1
            self._watch.unregister(screen)
            return
        at = data.rfind(b"event: delta")
        if at >= 0 and (found := data.find(b'"reason":"', at)) >= 0:
            self.ages.append(1000 * (time.time() - float(data[found + 10 : data.index(b'"', found + 10)])))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=10_000)
    parser.add_argument("--deaf", type=int, default=0)
    parser.add_argument("--rows", type=int, default=2_044)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--query", default="", help="?since=e1:1 for screens that have the board already")
    parser.add_argument("--serve", default="")
    args = parser.parse_args()
    if args.serve:
        asyncio.run(serve(args.serve, args.rows))
        return
    with tempfile.TemporaryDirectory() as folder:
        valkey = Valkey(Path(folder))
        valkey.start()
        server = subprocess.Popen(
            [sys.executable, "-m", "bench.screens", "--serve", f"redis://127.0.0.1:{valkey.port}/0", "--rows", str(args.rows)],
            stdout=subprocess.PIPE, text=True, env=os.environ,
        )  # fmt: skip
        try:
            port = json.loads(cast("IO[str]", server.stdout).readline())["port"]
            process = psutil.Process(server.pid)
            time.sleep(2)
            path = "/api/v1/boards/thai-binh-2024/events"
            before = process.memory_info().rss
            screens = Screens(port, path + args.query)
            screens.open(args.deaf, deaf=True)
            screens.open(args.clients)
            screens.read(10.0)
            screens.ages.clear()
            busy, began = sum(process.cpu_times()[:2]), time.monotonic()
            screens.read(args.seconds)
            ages = sorted(screens.ages)
            spent = sum(process.cpu_times()[:2]) - busy
            said = {
                "clients": args.clients, "deaf": args.deaf, "lost": screens.lost, "rows": args.rows,
                "rss_before_mb": before >> 20, "rss_mb": process.memory_info().rss >> 20,
                "core_percent": round(100 * spent / (time.monotonic() - began), 1), "changes_seen": len(ages),
                "age_p50_ms": round(ages[len(ages) // 2]) if ages else None,
                "age_p95_ms": round(ages[len(ages) * 95 // 100]) if ages else None,
            }  # fmt: skip
            print(json.dumps(said))
        finally:
            server.kill()
            server.wait()
            valkey.close()


if __name__ == "__main__":
    main()
