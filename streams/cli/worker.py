"""`lotrinh worker`: one process of the deployment."""

from typing import Any

import click

from streams.cli.options import of_decision, of_system, settings_from


@click.command("worker")
@click.argument("name", type=click.Choice(["tally", "watch"]))
@of_decision
@of_system
def command(name: str, **given: Any) -> None:
    """Run one worker until SIGTERM. Start as many as there are partitions; each takes its share."""
    import mode.loop

    mode.loop.use("uvloop")  # before anything of Faust has asked for an event loop
    from streams.files.decision_files import read_reading
    from streams.local.state import located
    from streams.monitoring.logs import log_to_stderr
    from streams.workers import worker

    settings = located(settings_from(**given))
    reading = read_reading(settings)
    log_to_stderr(settings)
    worker.run(name, settings, reading)
