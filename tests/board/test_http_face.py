"""How the wallboard's port faces who does not speak as it should: malformed, silent, under another's name."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from models.decisions.reading import Reading
from streams.board.server import create_ops_app
from streams.monitoring import http
from streams.monitoring.http import Runner
from streams.settings import Settings
from tests.board.wallserver import Board, serving

SECRET = "SECRETTOKEN"  # noqa: S105 - what must not be logged


def facing(settings: Settings, reading: Reading, play: Callable[[Board], Awaitable[None]]) -> None:
    async def go() -> None:
        async with serving(settings, reading) as board:
            await play(board)

    asyncio.run(go())


async def said(board: Board, request: bytes, *, within_s: float = 10) -> bytes:
    """Send bytes, and return all that comes back until the connection is closed."""
    host, port = board.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    answer = await asyncio.wait_for(reader.read(), within_s)
    writer.close()
    return answer


@pytest.mark.parametrize(
    "request_bytes",
    [
        f"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {SECRET}\x01\r\n\r\n",
        f"GET /{SECRET} HTTP/9.z\r\nHost: localhost\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {SECRET}\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: localhost\r\nX: {SECRET}{'x' * 9_000}\r\n\r\n",
        f"\x16\x03\x01{SECRET}\r\n\r\n",
    ],
)
def test_a_malformed_request_is_not_quoted_and_answered_as_all_others(
    request_bytes: str, settings: Settings, reading: Reading, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    async def play(board: Board) -> None:
        answer = await said(board, request_bytes.encode("latin-1"))
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.0 400 ")
        assert b"Server: lotrinh\r\n" in head + b"\r\n"
        assert b"nosniff" in head
        assert json.loads(body) == {"error": "bad request"}
        assert SECRET.encode() not in answer

    facing(settings, reading, play)
    told = [r for r in caplog.records if r.name != "asyncio"]
    assert all(SECRET not in r.getMessage() and r.exc_info is None for r in told)
    assert [r.levelname for r in told if r.name == "lotrinh.http"] == ["INFO"]
    assert not [r for r in told if r.levelno >= logging.WARNING]


def test_many_malformed_requests_are_one_line_of_log(
    settings: Settings, reading: Reading, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "TOLD_S", 3_600.0)  # a busy machine takes its time
    caplog.set_level(logging.INFO, "lotrinh.http")

    async def play(board: Board) -> None:
        for _ in range(20):
            await said(board, b"nonsense\r\n\r\n")

    facing(settings, reading, play)
    assert len([r for r in caplog.records if r.name == "lotrinh.http"]) == 1


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHost: local", b"GET / HTTP/1.1\r\nHost: localhost\r\n"])
def test_who_does_not_end_a_request_is_given_up(
    begun: bytes, settings: Settings, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "WHOLE_REQUEST_S", 0.5)

    async def play(board: Board) -> None:
        assert await said(board, begun) == b""

    facing(settings, reading, play)


def test_a_name_of_somebody_else_is_not_served(settings: Settings, reading: Reading) -> None:
    async def play(board: Board) -> None:
        for host, status in (("wall.example.vn", 200), ("WALL.example.vn:80", 200), ("[::1]:9", 200), ("evil.vn", 421)):
            async with board.http.get(f"{board.url}/", headers={"Host": host}) as answer:
                assert answer.status == status, host
        async with board.http.get(f"{board.url}/api/v1/boards", headers={"Host": "evil.vn"}) as answer:
            assert "LOTRINH_ALLOWED_HOSTS" in (await answer.json())["error"]

    facing(settings.model_copy(update={"allowed_hosts": frozenset({"wall.example.vn"})}), reading, play)


def test_what_aiohttp_refuses_has_our_form(settings: Settings, reading: Reading) -> None:
    async def play(board: Board) -> None:
        for method, path, status in (("POST", "/", 405), ("GET", "/a/b", 404), ("TRACE", "/livez", 405)):
            async with board.http.request(method, f"{board.url}{path}") as answer:
                assert (answer.status, list(await answer.json())) == (status, ["error"])
                assert answer.headers["Server"] == "lotrinh"
                assert "default-src 'none'" in answer.headers["Content-Security-Policy"]

    facing(settings, reading, play)


def test_figures_for_operators_have_a_port_of_their_own_where_one_is_set(settings: Settings, reading: Reading) -> None:
    async def play(board: Board) -> None:
        async with board.http.get(f"{board.url}/metrics") as answer:
            assert answer.status == 404
        async with board.http.get(f"{board.url}/readyz?verbose") as answer:
            assert "boards" not in await answer.text()
        runner = Runner(create_ops_app(board.wall))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ops = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with board.http.get(f"{ops}/metrics") as answer:
            assert "lotrinh_sse_clients" in await answer.text()
        async with board.http.get(f"{ops}/readyz?verbose") as answer:
            assert "boards" in await answer.json()
        await runner.cleanup()

    facing(settings.model_copy(update={"ops_port": 0}), reading, play)
