"""The wallboard's HTTP interface: the page, snapshots, event streams, descriptions, health and metrics."""

import asyncio
import gzip
import json
import logging
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple

import cramjam
import orjson
from aiohttp import web
from aiohttp.http import HttpVersion11

from models.calendar.civil_time import ZONE
from models.standings.completeness import as_json
from streams.board.assets import Asset, load_assets
from streams.board.describe import describe
from streams.board.hub import BLOCKED_S_MAX, Channel, Client, converse, second_of
from streams.board.wall import NoSeat, Wall
from streams.monitoring.http import HEADERS, address_of, is_host, problem
from streams.monitoring.metrics import CONTENT_TYPE, exposition
from streams.monitoring.process import process_metrics

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
log = logging.getLogger("lotrinh.board.server")

WALL: Final = web.AppKey("wall", Wall)
ASSETS: Final = web.AppKey("assets", dict[str, Asset])
OPS: Final = web.AppKey("ops", bool)
CACHE: Final = web.AppKey("cache", dict[str, "PackedBody"])

SEND_BUFFER_BYTES: Final = 64 << 10
"""Bytes of the kernel's send buffer per stream; a slow client reads its content late."""
REPORTS: Final = frozenset({"crc", "gap", "epoch", "behind", "silent"})
"""reasons a page may give for loading anew"""
SECURITY: Final[Mapping[str, str]] = {
    **HEADERS,
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; connect-src 'self'; "
        "manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def create_app(wall: Wall) -> web.Application:
    """Return the application; the wall begins and ends with it."""
    app = web.Application(client_max_size=16 << 10, middlewares=[_ours])
    app[WALL] = wall
    app[ASSETS] = load_assets()
    app[CACHE] = {}

    async def living(_: web.Application) -> AsyncIterator[None]:
        await wall.start()
        yield

    async def goodbye(_: web.Application) -> None:
        await wall.stop()

    app.cleanup_ctx.append(living)
    app.on_shutdown.append(goodbye)
    app.on_response_prepare.append(_secure)
    app.add_routes(
        [
            web.get("/", index),
            web.get("/api/v1/boards", boards),
            web.get("/api/v1/boards/{board}/snapshot", snapshot),
            web.get("/api/v1/boards/{board}/events", events),
            web.get("/api/v1/boards/{board}/meta", meta),
            web.get("/livez", livez),
            web.get("/readyz", readyz),
            *([web.get("/metrics", metrics)] if wall.settings.ops_port is None else []),
            web.get("/{name}", asset),
        ]
    )
    return app


def create_ops_app(wall: Wall) -> web.Application:
    """Return what only operators are to see, for a port of its own."""
    app = web.Application(client_max_size=1 << 10)
    app[WALL], app[OPS] = wall, True
    app.add_routes([web.get("/livez", livez), web.get("/readyz", readyz), web.get("/metrics", metrics)])
    return app


async def _secure(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(SECURITY)
    response.headers.setdefault("Cache-Control", "no-store")


@web.middleware
async def _ours(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer under our own names only, and give aiohttp's refusals the form of ours."""
    if not is_host(request.host, request.app[WALL].settings.allowed_hosts):
        return problem(421, "nothing is served under this name here: see LOTRINH_ALLOWED_HOSTS")
    try:
        return await handler(request)
    except web.HTTPException as refused:
        if refused.status < 400:
            raise
        allow = {"Allow": refused.headers["Allow"]} if "Allow" in refused.headers else {}
        return problem(refused.status, refused.reason.lower(), allow)


# -- the page ----------------------------------------------------------------------------------------------------------


async def index(request: web.Request) -> web.StreamResponse:
    """Serve the page."""
    return _send(request, request.app[ASSETS]["index.html"])


async def asset(request: web.Request) -> web.StreamResponse:
    """Serve one of the page's files."""
    found = request.app[ASSETS].get(request.match_info["name"])
    return _send(request, found) if found is not None else problem(404, "there is no such file")


def _send(request: web.Request, found: Asset) -> web.StreamResponse:
    # `no-cache` asks each time whether it is still the same: a TV that runs for months gets a new release at once.
    headers = {"Cache-Control": "no-cache", "ETag": f'"{found.etag}"', "Vary": "Accept-Encoding"}
    if _same(request, found.etag):
        return web.Response(status=304, headers=headers)
    headers["Content-Type"] = found.content_type
    if found.packed is not None and _takes_gzip(request):
        return web.Response(body=found.packed, headers={**headers, "Content-Encoding": "gzip"})
    return web.Response(body=found.body, headers=headers)


def _same(request: web.Request, etag: str) -> bool:
    known = request.headers.get("If-None-Match", "")
    return any(tag.strip().removeprefix("W/") in (f'"{etag}"', "*") for tag in known.split(","))


def _gzip(plain: bytes) -> bytes:
    return gzip.compress(plain, 5, mtime=0)


def _brotli(plain: bytes) -> bytes:
    return bytes(cramjam.brotli.compress(plain, level=5))


def _zstd(plain: bytes) -> bytes:
    return bytes(cramjam.zstd.compress(plain, level=6))


PACKERS: Final[Mapping[str, Callable[[bytes], bytes]]] = {"zstd": _zstd, "br": _brotli, "gzip": _gzip}
"""Packers by the name of their encoding, in the order of preference."""


def encoding_taken(accepted: str, offered: Iterable[str] = tuple(PACKERS)) -> str | None:
    """Return the encoding for an `Accept-Encoding`, the first of those offered; None where the body goes as it is.

    >>> [encoding_taken(said) for said in ("gzip, deflate, br", "zstd;q=0, gzip;q=0.5", "identity", "*")]
    ['br', 'gzip', None, 'zstd']
    """
    said: dict[str, bool] = {}
    for part in accepted.lower().split(","):
        name, _, quality = part.partition(";")
        said[name.strip()] = not re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", quality)
    return next((name for name in offered if said.get(name, said.get("*", False))), None)


def _takes_gzip(request: web.Request) -> bool:
    return encoding_taken(request.headers.get("Accept-Encoding", ""), ("gzip",)) is not None


def _later(status: int, text: str, retry_after_s: int) -> web.Response:
    return problem(status, text, {"Retry-After": str(retry_after_s)})


def _json(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json", headers=headers)


# -- boards ------------------------------------------------------------------------------------------------------------


def _channel(request: web.Request) -> Channel | None:
    return request.app[WALL].channels.get(request.match_info["board"])


async def boards(request: web.Request) -> web.StreamResponse:
    """List the boards, the one this deployment follows first."""
    wall = request.app[WALL]
    own = wall.reading.decision
    listed = [
        {
            "id": name,
            "number": own.number if name == own.id else None,
            "title": own.title if name == own.id else None,
            "tag": None if channel.follower.state is None else channel.follower.state.tag,
            "rows": 0 if channel.follower.state is None else len(channel.follower.state.rows),
            **channel.freshness(),
        }
        for name, channel in sorted(wall.channels.items(), key=lambda item: (item[0] != own.id, item[0]))
    ]
    return _json({"default": own.id, "boards": listed})


async def snapshot(request: web.Request) -> web.StreamResponse:
    """Send the whole board; 304 where the page has it, with how fresh it is in the headers all the same."""
    channel = _channel(request)
    if channel is None:
        return problem(404, "there is no such board")
    state = channel.follower.state
    if state is None:
        return _later(503, "the board has not been loaded yet", 2)
    reason = request.query.get("resync", "")
    if reason in REPORTS:
        reported = request.app[WALL].reported
        reported[reason] = reported.get(reason, 0) + 1
    fresh = channel.freshness()
    headers = {
        "ETag": f'"{state.tag}"',
        "Vary": "Accept-Encoding",
        # ASCII, as headers are, and short: a page shows the notice alone
        "Lotrinh-Freshness": json.dumps({name: value for name, value in fresh.items() if name != "causes"}),
    }
    if _same(request, state.tag):
        return web.Response(status=304, headers=headers)
    headers["Content-Type"] = "application/json"
    # Made at most once a second per version, however many ask.
    key = second_of(state, fresh)
    body = await _packed(request, f"snapshot/{request.match_info['board']}", key, lambda: state.snapshot(fresh))
    return web.Response(body=body[0], headers={**headers, **body[1]})


class PackedBody(NamedTuple):
    """A body of a version, and its compressed forms by the name of their encoding, each made by who asks first."""

    key: tuple[object, ...]
    plain: bytes
    packed: dict[str, asyncio.Future[bytes]]


async def _packed(
    request: web.Request, name: str, key: tuple[object, ...], make: Callable[[], bytes]
) -> tuple[bytes, dict[str, str]]:
    """Return a body in the encoding the client takes, with its headers; made and compressed once per key."""
    cache = request.app[CACHE]
    found = cache.get(name)
    if found is None or found.key != key:
        found = cache[name] = PackedBody(key, make(), {})
    encoding = encoding_taken(request.headers.get("Accept-Encoding", ""))
    if encoding is None:
        return found.plain, {}
    if encoding not in found.packed:
        found.packed[encoding] = asyncio.ensure_future(asyncio.to_thread(PACKERS[encoding], found.plain))
    # Whoever goes away while the others wait does not take the work with it.
    return await asyncio.shield(found.packed[encoding]), {"Content-Encoding": encoding}


async def meta(request: web.Request) -> web.StreamResponse:
    """Describe a board: names, classes, groups, indicators, decision."""
    wall, channel = request.app[WALL], _channel(request)
    if channel is None or request.match_info["board"] != wall.reading.decision.id:
        return problem(404, "this deployment has no description of such a board")
    state = channel.follower.state
    today = datetime.fromtimestamp(wall.now(), UTC).astimezone(ZONE).date()
    as_of = date.fromisoformat(state.as_of) if state is not None and state.as_of else today
    etag = f"{wall.reading.fingerprint()}-{as_of}"
    headers = {"ETag": f'"{etag}"', "Content-Type": "application/json", "Vary": "Accept-Encoding"}
    if _same(request, etag):
        return web.Response(status=304, headers=headers)
    body = await _packed(request, "meta", (etag,), lambda: orjson.dumps(describe(wall.reading, as_of)))
    return web.Response(body=body[0], headers={**headers, **body[1]})


async def events(request: web.Request) -> web.StreamResponse:
    """Stream a board's events until the client goes or we do."""
    wall, channel = request.app[WALL], _channel(request)
    if channel is None:
        return problem(404, "there is no such board")
    if channel.follower.state is None:
        return _later(503, "the board has not been loaded yet", 2)
    transport = request.transport
    if transport is None:
        return _later(503, "the connection is gone", 2)
    try:
        with wall.seat(address_of(request, wall.settings.trusted_proxies)):
            return await _stream(request, channel, transport)
    except NoSeat as exc:
        return _later(exc.status, str(exc), 10)


async def _stream(request: web.Request, channel: Channel, transport: asyncio.Transport) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
    client = Client(transport, chunked=request.version >= HttpVersion11)
    # A browser that reconnects by itself says in Last-Event-ID how far it got; its URL still says where it began.
    since, reason = channel.can_continue(request.headers.get("Last-Event-ID") or request.query.get("since"))
    if since is None:
        channel.resyncs[reason] += 1
    await response.prepare(request)
    if (sock := transport.get_extra_info("socket")) is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        # A screen that has lost its network acknowledges nothing, and never says so.
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(1000 * BLOCKED_S_MAX))
    await converse(channel, client, response, since)
    return response


# -- operations --------------------------------------------------------------------------------------------------------


async def livez(_: web.Request) -> web.StreamResponse:
    """Say that the process runs."""
    return web.Response(text="ok\n")


async def readyz(request: web.Request) -> web.StreamResponse:
    """Say whether there is a board to show, fed by somebody, and whether its figures are complete."""
    wall = request.app[WALL]
    trouble, causes = wall.trouble(), as_json(wall.causes())
    status = 200 if trouble is None and not causes else 503
    said = {"ready": status == 200, "causes": causes}
    if "verbose" in request.query and (request.app.get(OPS) or wall.settings.ops_port is None):
        listed = {name: channel.freshness() for name, channel in wall.channels.items()}
        return _json(said | {"trouble": trouble, "clients": wall.clients, "boards": listed}, status)
    if causes:
        return _json(said, status)
    return web.Response(text=f"{trouble or 'ok'}\n", status=status)


async def metrics(request: web.Request) -> web.StreamResponse:
    """Expose the metrics."""
    text = exposition([*request.app[WALL].metrics(), *process_metrics()])
    return web.Response(body=text.encode(), headers={"Content-Type": CONTENT_TYPE})
