"""Runs one Faust application as a worker process: `lotrinh worker tally`, `lotrinh worker watch`."""

import asyncio
import gc
import logging
from typing import Any

import faust

from models.reading import Reading
from streams import tally, ticks, topics, watch
from streams.broker import bootstrap, client_options
from streams.engine.stop import watched
from streams.settings import Settings

APPS = {topics.TALLY: tally.create_app, topics.WATCH: watch.create_app}


def run(name: str, settings: Settings, reading: Reading) -> None:
    """Check the topics, then work until SIGTERM. Raises BadInput where a topic is missing or wrong."""
    client = topics.admin(bootstrap(settings), client_options(settings))
    try:
        topics.check(client, settings)
    finally:
        client.close()
    tune_collector()
    app = APPS[name](settings, reading)
    keeping: list[Any] = []

    @app.on_rebalance_complete.connect(weak=False)
    async def ready(sender: Any, **kwargs: Any) -> None:  # noqa: ARG001
        if settings.ready_file is not None:
            settings.ready_file.touch()
        if name == topics.TALLY and settings.clock == "wall" and not keeping:
            # Any number of tally workers may keep the clock: ticks are harmless when doubled.
            keeping.append(watched(asyncio.create_task(ticks.tick_by_the_wall(settings))))

    faust.Worker(
        app, loglevel=settings.log_level, redirect_stdouts=False, console_port=None, debug=False, quiet=True
    ).execute_from_commandline()


def tune_collector() -> None:
    """Collect garbage seldom.

    Python's default looks at young objects every 700 allocations; a fetch makes tens of thousands that live on as
    state. Measured in docs/engine.md.
    """
    gc.set_threshold(200_000, 20, 100)


def log_to_stderr(level: str) -> None:
    """Log lines of our own, and warnings of the libraries, to stderr."""
    logging.basicConfig(level=level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True)
    for noisy in ("aiokafka", "faust", "mode", "kafka"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
