"""`lotrinh wallboard`: the web server of the wall."""

import asyncio
from typing import Any

import click

from streams.cli.options import of_decision, of_system, settings_from


@click.command("wallboard")
@of_decision
@of_system
@click.option("--host", help="address to listen on; default loopback")
@click.option("--port", type=click.IntRange(0, 65_535), help="default 8100")
def command(**given: Any) -> None:
    """Run the wallboard until SIGTERM: fills Redis from `standings` and `alerts`, serves pages from Redis."""
    from streams.board.wallboard import run
    from streams.files.decision_files import read_reading
    from streams.local.state import located
    from streams.monitoring.logs import log_to_stderr

    settings = located(settings_from(**given))
    reading = read_reading(settings)
    log_to_stderr(settings)
    asyncio.run(run(settings, reading))
