"""A desk in this process: its facts as a reader would have read them, its acts caught before they reach Kafka."""

import json
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession, ClientTimeout, DummyCookieJar, web

from models.decisions.reading import Reading
from streams.broker import topics
from streams.desk.accounts import AccountsFile, hashed
from streams.desk.desk import links_in
from streams.desk.facts import Facts, Reader
from streams.desk.frame import COOKIE, HOME, Desk
from streams.desk.server import create_app
from streams.monitoring.http import Runner
from streams.settings import Settings
from tests.board.demo import make_reading

PASSWORD = "mật khẩu dài để thử"  # noqa: S105 - of the tests
SENT = list[dict[str, Any]]


@pytest.fixture(scope="session")
def reading() -> Reading:
    return make_reading()


@pytest.fixture(scope="session")
def accounts() -> AccountsFile:
    password = hashed(PASSWORD)
    said = {
        "xem": {"password": password, "roles": ["viewer"]},
        "vp": {"password": password, "roles": ["office"]},
        "kt": {"password": password, "roles": ["engineer"]},
        "h340": {"password": password, "roles": ["unit-head"], "units": ["340"]},
    }
    return AccountsFile.model_validate({"accounts": said})


def alert(unit: str, number: int = 1, **changes: Any) -> dict[str, Any]:
    """A transition that fired, as watch writes it."""
    said = {
        "id": f"{unit}-{number:04d}", "fingerprint": f"f-{unit}-{number}", "status": "firing",
        "decision": "thai-binh-2024", "indicator": "online-dossiers", "unit": unit, "kind": "below-trajectory",
        "severity": "warning", "at": "2024-06-03T17:00:00+07:00", "reason": f"Thấp hơn lộ trình ({unit}).",
        "shortfall": 7,
    }  # fmt: skip
    return {**said, **changes}


def facts_of(*alerts: dict[str, Any], clock: str = "2024-06-10T08:00:00+07:00") -> Facts:
    facts = Facts()
    for transition in alerts:
        facts.take(topics.ALERTS, b"", json.dumps(transition).encode(), ())
    facts.take(topics.HEARTBEATS, b"", json.dumps({"clock": clock}).encode(), ())
    return facts


class Browser:
    """One browser: its cookie, and the token of the form it looked at last."""

    def __init__(self, url: str, desk: Desk, sent: SENT) -> None:
        self.url, self.desk, self.sent = url, desk, sent
        self.cookie = ""
        self.csrf = ""
        self.text = ""
        self._http = ClientSession(timeout=ClientTimeout(total=20), cookie_jar=DummyCookieJar())

    async def ask(self, method: str, path: str, fields: dict[str, str] | None = None, **headers: str) -> ClientResponse:
        if self.cookie:
            headers["Cookie"] = f"{COOKIE}={self.cookie}"
        async with self._http.request(
            method, f"{self.url}{path}", data=fields, headers=headers, allow_redirects=False
        ) as response:
            self.text = await response.text()
        if (told := response.cookies.get(COOKIE)) is not None:
            self.cookie = told.value
        if found := re.search(r'name="csrf" value="([^"]+)"', self.text):
            self.csrf = found[1]
        return response

    async def get(self, path: str, **headers: str) -> ClientResponse:
        return await self.ask("GET", f"{HOME}/{path}", None, **headers)

    async def fetch(self, path: str) -> tuple[ClientResponse, bytes]:
        """Fetch a file."""
        headers = {"Cookie": f"{COOKIE}={self.cookie}"}
        async with self._http.get(f"{self.url}{HOME}/{path}", headers=headers) as response:
            return response, await response.read()

    async def post(self, path: str, **fields: str) -> ClientResponse:
        said = {name.replace("_", "-"): text for name, text in fields.items()}
        return await self.ask("POST", f"{HOME}/{path}", {"csrf": self.csrf, **said})

    async def sign_in(self, name: str, password: str = PASSWORD) -> ClientResponse:
        response = await self.post("dang-nhap", tai_khoan=name, mat_khau=password)
        if response.status == 303:
            await self.get("canh-bao")
        return response

    async def close(self) -> None:
        await self._http.close()


class Clock:
    """Seconds, as the test says."""

    def __init__(self) -> None:
        self.at = 1_000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def at_desk(reading: Reading, accounts: AccountsFile, tmp_path: Path) -> Any:
    """Return what opens a desk on facts, and gives browsers of it."""

    @asynccontextmanager
    async def opened(facts: Facts, browsers: int = 1) -> AsyncIterator[Any]:
        sent: SENT = []
        settings = Settings(clock="records", kafka="127.0.0.1:1", _env_file=None)
        reader = Reader(settings)
        reader.facts, reader.seen = facts, time.time()
        desk = Desk(
            settings, reading, reader, b"k" * 32, accounts, links_in(tmp_path),
            send=lambda _, key, value, headers: sent.append(json.loads(value)), clock=Clock(),
        )  # fmt: skip
        runner = Runner(create_app(desk))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        found = [Browser(url, desk, sent) for _ in range(browsers)]
        try:
            yield found[0] if browsers == 1 else found
        finally:
            for browser in found:
                await browser.close()
            await runner.cleanup()

    return opened


@contextmanager
def nothing_sent(browser: Browser) -> Iterator[None]:
    before = len(browser.sent)
    yield
    assert len(browser.sent) == before
