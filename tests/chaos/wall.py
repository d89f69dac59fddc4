"""A wallboard of real processes behind a proxy, and a screen that looks at it all the time."""

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Any

import redis
from redis.exceptions import RedisError

from streams.board.store import board_keys
from streams.broker import topics
from streams.local import valkey
from streams.local.children import end_with_parent
from streams.local.state import free_port
from tests.chaos.proxy import Proxy
from tests.integration.system import System, Worker
from tests.integration.verdict import dump, standings_of

LOOKS_S = 0.1


class Valkey:
    """One server without persistence; what it held is gone when it is killed."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._command = valkey.command(folder, self.port)
        self.process: subprocess.Popen[bytes] | None = None
        self.client = redis.Redis(port=self.port, socket_timeout=5)

    def start(self) -> None:
        with (self._folder / "valkey.out").open("ab") as log:
            self.process = subprocess.Popen(
                self._command, stdout=log, stderr=log, start_new_session=True, preexec_fn=end_with_parent(os.getpid())
            )
        deadline = time.monotonic() + 20
        while True:
            try:
                self.client.ping()
            except RedisError:
                assert time.monotonic() < deadline, "Valkey did not start"
                time.sleep(0.05)
            else:
                return

    def signal(self, signum: int) -> None:
        assert self.process is not None
        self.process.send_signal(signum)

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()

    def close(self) -> None:
        self.client.close()
        self.kill()


class Screen:
    """Asks for the board again and again, and holds against the wall what it has been shown."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.rows: dict[tuple[str, str], dict[str, Any]] = {}
        self.now: dict[tuple[str, str], dict[str, Any]] = {}
        self.stale: dict[str, Any] | None = None
        self.looks = 0
        self.reasons: set[str] = set()
        """why it was told, at any time, that figures may be old"""
        self.problems: list[str] = []
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._closing.wait(LOOKS_S):
            with contextlib.suppress(OSError, HTTPException), urllib.request.urlopen(self._url, timeout=5) as answer:  # noqa: S310
                self._see(json.loads(answer.read()))

    def _see(self, shown: dict[str, Any]) -> None:
        self.looks += 1
        rows = {(row["unit"], row["indicator"]): row for row in shown["rows"]}
        for key, row in rows.items():
            before = self.rows.get(key)
            if before is not None and row["version"] < before["version"]:
                self.problems.append(f"the wall shows {key} of {row['version']} after {before['version']}")
        # A row that was seen is remembered, also where a board that is rebuilt does not show it for a while.
        self.rows |= rows
        self.now = rows
        self.stale = shown["stale"]
        if self.stale is not None:
            self.reasons.add(self.stale["reason"])

    def close(self) -> None:
        self._closing.set()
        self._thread.join(10)


class WallUnderTest:
    """Valkey, a proxy before it, the wallboard, and a screen."""

    def __init__(self, system: System, folder: Path, *, with_redis: bool = True) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.system = system
        self.valkey = Valkey(folder)
        self.proxy = Proxy(self.valkey.port)
        if with_redis:
            self.valkey.start()
        self.keys = board_keys(system.settings.prefix, system.settings.decision)
        self.port = free_port()
        self.redis_url = f"redis://127.0.0.1:{self.proxy.port}"
        self.process: Worker = system.start("wallboard", LOTRINH_REDIS=self.redis_url, LOTRINH_PORT=str(self.port))
        board = f"http://127.0.0.1:{self.port}/api/v1/boards/{system.settings.decision}"
        self.screen = Screen(f"{board}/snapshot")

    def until_shown(self, seconds: float = 60) -> None:
        """Wait until the screen has rows and is told of nothing stale."""
        deadline = time.monotonic() + seconds
        while not self.screen.rows or self.screen.stale is not None:
            assert self.process.process.poll() is None, self.process.text()[-2000:]
            assert time.monotonic() < deadline, f"the wall shows nothing: {self.process.text()[-2000:]}"
            time.sleep(0.05)

    def judge(self, seconds: float = 60) -> list[str]:
        """Wait until the wall shows the standings, row by row and byte by byte, and say what is wrong (I4)."""
        standings = self._standings()
        deadline = time.monotonic() + seconds
        while (wrong := self._differences(standings)) and time.monotonic() < deadline:
            time.sleep(0.2)
            standings = self._standings() if time.monotonic() + 5 > deadline else standings
        problems = list(self.screen.problems)
        if wrong:
            problems.append(f"the wall differs from the standings after {seconds:g} s: {wrong[:3]}")
        if self.process.process.poll() is not None:
            problems.append(f"the wallboard ended: {self.process.text()[-1000:]}")
        return problems

    def _standings(self) -> dict[tuple[str, str], dict[str, Any]]:
        rows = standings_of(dump(self.system.settings, [topics.STANDINGS])[topics.STANDINGS])
        return {key: row for key, row in rows.items() if not row.get("unknown")}  # they are not for the wall

    def _differences(self, standings: dict[tuple[str, str], Any]) -> list[str]:
        shown = self.screen.now
        stale = [] if self.screen.stale is None else [f"stale: {self.screen.stale}"]
        return stale + [
            f"{key}: {shown.get(key, {}).get('version')} instead of {standings.get(key, {}).get('version')}"
            for key in standings.keys() | shown.keys()
            if shown.get(key) != standings.get(key)
        ]

    def close(self) -> None:
        self.screen.close()
        self.process.kill()
        self.proxy.close()
        self.valkey.close()
