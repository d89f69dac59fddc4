"""The desk as a process: its key, its accounts, its server."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from models.decisions.reading import Reading
from streams.desk.accounts import NONE, read_accounts, read_key
from streams.desk.facts import Reader
from streams.desk.frame import Desk
from streams.desk.server import create_app
from streams.monitoring.completeness import Observer
from streams.monitoring.http import Runner, serve_at, told_to_stop
from streams.settings import Settings

log = logging.getLogger("lotrinh.desk")

LOOKED_S = 1.0
"""seconds between two looks whether the reader can go on"""


def links_in(folder: Path) -> Path:
    """Return the folder of links that are good once."""
    return folder / "links"


def desk_of(settings: Settings, reading: Reading, folder: Path, observer: Observer) -> Desk:
    """Return what the pages are made from; `folder` holds the key and the links. Raises BadInput."""
    file = settings.desk_accounts
    accounts = NONE if file is None else read_accounts(file, reading.registry)
    key, links = read_key(folder / "key"), links_in(folder)
    return Desk(settings, reading, Reader(settings), key, accounts, links, observer.lasting)


async def run(settings: Settings, reading: Reading, folder: Path, on_ready: Callable[[str], None]) -> None:
    """Serve the desk until told to stop; `on_ready` is told the address. Raises BadInput."""
    observer = Observer(settings)
    desk = desk_of(settings, reading, folder, observer)
    runner = Runner(create_app(desk), shutdown_timeout=3.0)
    await runner.setup()
    desk.reader.start()
    observer.start()
    try:
        address = await serve_at(runner, settings.desk_host, settings.desk_port, "LOTRINH_DESK_PORT")
        log.info("desk at %s", address)
        on_ready(address)
        with told_to_stop() as stop:
            while not stop.is_set() and desk.reader.fatal is None:
                try:
                    await asyncio.wait_for(stop.wait(), LOOKED_S)
                except TimeoutError:
                    continue
    finally:
        observer.stop()
        await asyncio.to_thread(desk.reader.stop)
        await runner.cleanup()
    if desk.reader.fatal is not None:
        raise desk.reader.fatal
