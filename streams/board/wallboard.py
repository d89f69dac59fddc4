"""The wallboard process: feed and server, until SIGTERM."""

import asyncio
import errno
import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web

from models.decisions.reading import Reading
from streams.board.feed import Feed
from streams.board.server import create_app, create_ops_app
from streams.board.tasks import end
from streams.board.wall import Wall
from streams.errors import BadInput
from streams.monitoring.completeness import Observer
from streams.monitoring.http import Runner
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
        address = await _listen(runner, settings)
        if settings.ops_port is not None:
            await ops.setup()
            await web.SockSite(ops, listen(settings.ops_host, settings.ops_port)).start()
        log.info("wallboard at %s", address)
        if on_ready is not None:
            on_ready(address)
        with _told_to_stop() as stop:
            tasks = [asyncio.ensure_future(feed.run()), asyncio.ensure_future(stop.wait())]
            watched = [*tasks, *([wall.failed] if wall.failed is not None else [])]
            done, _ = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()  # an error of ours ends the process; whoever supervises it starts it again
    finally:
        await end(tasks)
        await ops.cleanup()
        await runner.cleanup()


async def _listen(runner: web.AppRunner, settings: Settings) -> str:
    site = web.TCPSite(runner, settings.host, settings.port, backlog=1024)
    try:
        await site.start()
    except OSError as exc:
        taken = exc.errno == errno.EADDRINUSE
        why = "is taken: stop who has it, or set LOTRINH_PORT" if taken else f"cannot be had ({exc.strerror})"
        raise BadInput(f"port {settings.port} of {settings.host} {why}") from exc
    host, port = runner.addresses[0][:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


@contextmanager
def _told_to_stop() -> Iterator[asyncio.Event]:
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
