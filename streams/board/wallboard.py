"""The wallboard process: feed and server, until SIGTERM."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from aiohttp import web

from models.decisions.reading import Reading
from streams.board.feed import Feed
from streams.board.server import create_app, create_ops_app
from streams.board.tasks import end
from streams.board.wall import Wall
from streams.monitoring.completeness import Observer
from streams.monitoring.http import Runner, serve_at, told_to_stop
from streams.monitoring.server import listen
from streams.settings import Settings

log = logging.getLogger("lotrinh.wallboard")


async def run(settings: Settings, reading: Reading, on_ready: Callable[[str], None] | None = None) -> None:
    """Feed Redis and serve the boards until cancelled or told to stop; pages are told goodbye.

    `on_ready` is called once with the address, which is that of the settings or, for port 0, the one found. Raises
    BadInput where the address cannot be had.
    """
    feed, wall = Feed(settings, reading), Wall(settings, reading, observer=Observer(settings))
    runner = Runner(create_app(wall), handler_cancellation=True, shutdown_timeout=3.0)
    ops = Runner(create_ops_app(wall))
    await runner.setup()
    tasks: list[asyncio.Future[Any]] = []
    try:
        address = await serve_at(runner, settings.host, settings.port, "LOTRINH_PORT")
        if settings.ops_port is not None:
            await ops.setup()
            await web.SockSite(ops, listen(settings.ops_host, settings.ops_port)).start()
        log.info("wallboard at %s", address)
        if on_ready is not None:
            on_ready(address)
        with told_to_stop() as stop:
            tasks = [asyncio.ensure_future(feed.run()), asyncio.ensure_future(stop.wait())]
            watched = [*tasks, *([wall.failed] if wall.failed is not None else [])]
            done, _ = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()  # an error of ours ends the process; whoever supervises it starts it again
    finally:
        await end(tasks)
        await ops.cleanup()
        await runner.cleanup()
