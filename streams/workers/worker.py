"""Runs one Faust application as a worker process: `lotrinh worker tally`, `lotrinh worker watch`."""

import asyncio
import ctypes
import gc
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

import faust

from models.decisions.reading import Reading
from streams.broker import codecs, ticks, topics
from streams.engine.process_exit import explain_by, watched
from streams.monitoring.completeness import Observer
from streams.monitoring.process import COLLECTOR, VERSION
from streams.monitoring.server import OpsServer, address_of, listen
from streams.settings import Settings
from streams.workers.applications import APPS
from streams.workers.health import WorkerHealth

log = logging.getLogger(__name__)


def run(name: str, settings: Settings, reading: Reading) -> None:
    """Check the topics, then work until SIGTERM. Raises BadInput where a topic is missing or wrong."""
    client = topics.administrator(settings)
    try:
        topics.check(client, settings)
    finally:
        client.close()
    log.info("%s, lotrinh %s", name, VERSION)
    explain_by(codecs.sentence)
    for missing in codecs.unreadable():
        log.warning("%s: the first batch that is compressed so stops whoever reads it; %s", missing, codecs.REMEDY)
    tune_collector()
    app = APPS[name](settings, reading)
    observer = Observer(settings, [name])
    services: list[OpsServer] = []
    address = ""
    if settings.ops_port is not None:
        listening = listen(settings.ops_host, settings.ops_port)
        address = address_of(listening)
        services = [OpsServer(WorkerHealth(app, settings, observer=observer), listening)]
    keeping: list[Any] = []

    @app.on_rebalance_complete.connect(weak=False)
    async def ready(sender: Any, **kwargs: Any) -> None:  # noqa: ARG001
        trim()
        observer.start()
        if settings.ready_file is not None:
            _write(settings.ready_file, address)
        if name == topics.TALLY and settings.clock == "wall" and not keeping:
            # Any number of tally workers may keep the clock: ticks are harmless when doubled.
            keeping.append(watched(asyncio.create_task(ticks.tick_by_the_wall(settings))))

    worker = faust.Worker(
        app,
        *services,
        loglevel=settings.log_level,
        override_logging=False,  # ours stands: see streams/monitoring/logs.py
        redirect_stdouts=False,
        console_port=None,  # type: ignore[arg-type]  # none; Faust's type says int, its code asks for None
        debug=False,
        quiet=True,
    )
    worker.spinner = None  # it writes terminal codes to stdout, also where that is a log
    worker.execute_from_commandline()


def _write(ready_file: Path, address: str) -> None:
    """Say that the worker is ready, and where its health is to be had; whole or not at all."""
    temporary = ready_file.with_suffix(".tmp")
    temporary.write_text(f"{address}\n" if address else "", encoding="utf-8")
    temporary.replace(ready_file)


def tune_collector() -> None:
    """Collect garbage seldom.

    Python's default looks at young objects every 700 allocations; a fetch makes tens of thousands that live on as
    state. Measured in docs/engine.md.
    """
    gc.set_threshold(200_000, 20, 100)
    COLLECTOR.start()


def trim() -> None:
    """Give back what reading the state has left behind. Does nothing without glibc."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
