"""A worker's /livez, /readyz and /metrics: a small HTTP server in the worker's own event loop.

In the worker's loop on purpose: that it answers shows that the loop turns. It reads attributes and writes text, waits
for nothing, and nobody waits for it; what a scrape costs is measured by `bench/scrape.py`.
"""

import asyncio
import errno
import logging
import socket
from collections.abc import Iterable, Sequence
from typing import Any, Final, Protocol

import orjson
from aiohttp import web
from mode import Service

from models.standings.completeness import Cause, as_json
from streams.errors import BadInput
from streams.monitoring.checks import Check
from streams.monitoring.http import Runner
from streams.monitoring.metrics import CONTENT_TYPE, Metric, exposition

log = logging.getLogger("lotrinh.ops")


class Health(Protocol):
    """What a process knows of itself."""

    def checks(self) -> Sequence[Check]:
        """Return the conditions of readiness."""

    def causes(self) -> Sequence[Cause]:
        """Return what is missing from the figures."""

    def metrics(self) -> Iterable[Metric]:
        """Return the metrics."""


HEALTH: Final = web.AppKey("health", Health)
SHUTDOWN_S: Final = 1.0


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket, before any work begins. Raises BadInput where the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=16)
    except OSError as exc:
        why = "is taken: stop who has it, or set LOTRINH_OPS_PORT" if exc.errno == errno.EADDRINUSE else exc.strerror
        raise BadInput(f"port {port} of {host} {why}") from exc


def address_of(listening: socket.socket) -> str:
    """Return the address of a listening socket."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


class OpsServer(Service):
    """The server, as a service that begins and ends with the worker."""

    def __init__(self, health: Health, listening: socket.socket, **kwargs: Any) -> None:
        """Serve on a socket that listens already."""
        super().__init__(**kwargs)
        self._listening = listening
        self._runner = Runner(create_app(health), shutdown_timeout=SHUTDOWN_S)

    async def on_start(self) -> None:
        """Begin to serve."""
        await self._runner.setup()
        await web.SockSite(self._runner, self._listening).start()
        log.info("operations at %s", address_of(self._listening))

    async def on_stop(self) -> None:
        """End."""
        await asyncio.wait_for(self._runner.cleanup(), 2 * SHUTDOWN_S)


def create_app(health: Health) -> web.Application:
    """Return the three answers as an application."""
    app = web.Application(client_max_size=1 << 10)
    app[HEALTH] = health
    app.add_routes([web.get("/livez", livez), web.get("/readyz", readyz), web.get("/metrics", metrics)])
    return app


async def livez(_: web.Request) -> web.Response:
    """Say that the event loop turns."""
    return web.Response(text="ok\n")


async def readyz(request: web.Request) -> web.Response:
    """Say whether the worker does its work: 200, or 503 with what is missing, or with the first thing that is wrong."""
    health = request.app[HEALTH]
    checks, causes = health.checks(), as_json(health.causes())
    wrong = [check for check in checks if not check.ok]
    status = 503 if wrong or causes else 200
    body: dict[str, Any] = {"ready": status == 200, "causes": causes}
    if "verbose" in request.query:
        body["checks"] = {c.name: {"ok": c.ok, "text": c.text} for c in checks}
    if "verbose" in request.query or causes:
        return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")
    return web.Response(text=f"{wrong[0].name}: {wrong[0].text}\n" if wrong else "ok\n", status=status)


async def metrics(request: web.Request) -> web.Response:
    """Expose the metrics."""
    text = exposition(request.app[HEALTH].metrics())
    return web.Response(body=text.encode(), headers={"Content-Type": CONTENT_TYPE})
