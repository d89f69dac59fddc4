"""`lotrinh notify`: delivery of alerts."""

import asyncio
from typing import Any

import click

from streams.cli.options import FILE, of_decision, of_system, settings_from


@click.command("notify")
@of_decision
@of_system
@click.option("--receivers", type=FILE, help="who is told, and how (TOML); or LOTRINH_RECEIVERS")
@click.option("--check", is_flag=True, help="only say what is wrong with the receivers file")
def command(check: bool, **given: Any) -> None:
    """Tell receivers of alerts until SIGTERM. One process; a second one takes over from the first."""
    from streams.library import read_reading
    from streams.local.state import located
    from streams.notify.notifier import config_of, run
    from streams.ops.logs import log_to_stderr

    settings = settings_from(**given)
    if check:
        config = config_of(settings)
        click.echo(f"{settings.receivers}: {len(config.receivers)} receivers, {len(config.plan.routes)} routes")
        return
    settings = located(settings)
    reading = read_reading(settings)
    config = config_of(settings)
    log_to_stderr(settings)
    asyncio.run(run(settings, reading, config))
