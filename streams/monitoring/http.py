"""How every HTTP server of ours faces who asks: silent clients are given up, a malformed request costs one line.

aiohttp logs a malformed request with a traceback that quotes it, Authorization included, and answers in a form of its
own. Here the log says from where it came and of what kind it was, never what stood in it, and the answer is JSON with
the headers that all our answers have.
"""

import asyncio
import errno
import logging
import math
import signal
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any, Final, cast

import orjson
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from streams.errors import BadInput

log = logging.getLogger("lotrinh.http")

WHOLE_REQUEST_S: Final = 15.0
"""without a whole request, after which a connection is closed"""
TOLD_S: Final = 10.0
"""between two lines of log about malformed requests"""
HEADERS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "Server": "lotrinh",
}
LOCAL: Final = frozenset({"localhost"})
"""names under which this machine may be asked for, whatever is set"""


class _Handler(RequestHandler):  # type: ignore[type-arg,unused-ignore]
    """One connection."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it quotes the request
    ) -> web.StreamResponse:
        """Return the answer to a request that could not be read, or that a fault of ours ended."""
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            log.error("a request for %s failed", request.path, exc_info=exc)
        else:
            cast("_Server", self._manager).refused(request.remote, type(exc).__name__)
        if request.writer.output_size > 0:
            raise ConnectionError("part of an answer is out already")
        response = problem(status, HTTPStatus(status).phrase.lower())
        response.force_close()
        return response


class _Server(web.Server):  # type: ignore[type-arg,unused-ignore]
    """Makes a handler of ours for each connection, and tells of malformed requests now and then."""

    _refused = 0
    _told_at = -math.inf

    def refused(self, address: str | None, kind: str) -> None:
        """Log how many requests could not be read, at most once in `TOLD_S`, for they cost their sender nothing."""
        self._refused += 1
        now = time.monotonic()
        if now - self._told_at >= TOLD_S:
            log.info("refused %s malformed requests, the last one of %s (%s)", self._refused, address, kind)
            self._refused, self._told_at = 0, now

    def __call__(self) -> RequestHandler:  # type: ignore[type-arg,unused-ignore]
        return _Handler(self, loop=self._loop, **self._kwargs)


class Runner(web.AppRunner):
    """An application's runner whose connections are ours."""

    def __init__(self, app: web.Application, **options: Any) -> None:
        """Write no access log, and give up connections that ask for nothing."""
        super().__init__(app, access_log=None, keepalive_timeout=WHOLE_REQUEST_S, **options)

    async def _make_server(self) -> web.Server:  # type: ignore[type-arg,unused-ignore]
        server = await super()._make_server()
        server.__class__ = _Server  # the application makes its server itself, and offers no other way
        return cast("_Server", server)


def problem(status: int, text: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return an answer that says in one sentence why there is no other."""
    return web.Response(
        body=orjson.dumps({"error": text}),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store", **HEADERS, **(headers or {})},
    )


def is_host(asked: str, allowed: frozenset[str]) -> bool:
    """Tell whether a `Host` is one of ours: an address, this machine, or a name that the deployment allows.

    A page of somebody else's can let its own name point to our address, and would then read what we answer.

    >>> is_host("127.0.0.1:8100", frozenset()), is_host("[::1]:80", frozenset()), is_host("localhost", frozenset())
    (True, True, True)
    >>> is_host("wall.example.vn", frozenset({"wall.example.vn"})), is_host("evil.example", frozenset())
    (True, False)
    """
    if "*" in allowed:
        return True
    name = asked.rpartition("]")[0].removeprefix("[") if asked.startswith("[") else asked.partition(":")[0]
    name = name.lower().rstrip(".")
    if name in LOCAL or name in allowed:
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def address_of(request: web.BaseRequest, trusted: Iterable[IPv4Network | IPv6Network]) -> str:
    """Return the address of who asks: behind a proxy that is trusted, the last one that is none itself."""
    address = request.remote or ""
    passed = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    while passed and _within(address, trusted):
        address = passed.pop()
    return address


def _within(address: str, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(parsed in network for network in networks)


async def serve_at(runner: web.AppRunner, host: str, port: int, setting: str) -> str:
    """Listen, and return the address; port 0 takes a free one.

    Raises BadInput where the address cannot be had, naming the setting that chooses another port.
    """
    site = web.TCPSite(runner, host, port, backlog=1024)
    try:
        await site.start()
    except OSError as exc:
        taken = exc.errno == errno.EADDRINUSE
        why = f"is taken: stop who has it, or set {setting}" if taken else f"cannot be had ({exc.strerror})"
        raise BadInput(f"port {port} of {host} {why}") from exc
    found, number = runner.addresses[0][:2]
    return f"http://[{found}]:{number}/" if ":" in found else f"http://{found}:{number}/"


@contextmanager
def told_to_stop() -> Iterator[asyncio.Event]:
    """Give an event that SIGTERM and SIGINT set; where signals cannot be had, only cancelling ends us."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    caught = []
    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, stop.set)
            caught.append(number)
        except (NotImplementedError, RuntimeError, ValueError):
            log.debug("no handler for %s", number.name)
    try:
        yield stop
    finally:
        for number in caught:
            loop.remove_signal_handler(number)
