"""`lotrinh up`: everything on this machine, in the foreground."""

import asyncio
from pathlib import Path
from typing import Any

import click

from streams.cli.options import FILE, of_decision, of_system, say, settings_from


@click.command("up")
@of_decision
@of_system
@click.option("--demo", is_flag=True, help="also replay a simulated year of the decision, at speed")
@click.option(
    "--demo-dossiers", type=click.IntRange(min=100), default=60_000, show_default=True, help="size of that year"
)
@click.option("--demo-seed", type=int, default=2024, show_default=True)
@click.option(
    "--demo-speed", type=click.FloatRange(min=0), default=36_000, show_default=True, help="seconds per second"
)
@click.option("--fresh", is_flag=True, help="first forget everything that the state directory holds")
@click.option("--receivers", type=FILE, help="also tell these receivers of alerts (TOML; see `notify`)")
@click.option("--port", type=click.IntRange(0, 65_535), help="of the wallboard; default 8100")
def command(
    demo: bool, fresh: bool, demo_dossiers: int, demo_seed: int, demo_speed: float, state_dir: Path | None, **given: Any
) -> None:
    """Run everything on this machine until Ctrl-C: Kafka and Valkey if none is configured, workers, wallboard."""
    from streams.errors import BadInput
    from streams.files.decision_files import read_reading
    from streams.local.state import StateDir, default_state_dir, unusable
    from streams.local.supervisor import Plan, Supervisor, refuse_if_taken
    from streams.notify.notifier import config_of

    settings = settings_from(state_dir=state_dir, **given)
    state = StateDir(settings.state_dir or default_state_dir())
    state.lock()
    try:
        refuse_if_taken(settings)
        if fresh:
            state.clear()
        feed = None
        if demo:
            settings = _with_demo_files(settings, state.path)
            feed = ["simulate", "--publish", "--dossiers", str(demo_dossiers), "--seed", str(demo_seed)]
            feed += ["--speed", str(demo_speed), "--resume", str(state.path / "demo.json")]
        reading = read_reading(settings)  # say what is wrong with the decision's files before anything starts
        for warning in reading.warnings():
            say(f"warning: {reading.decision.id}, {warning}")
        if settings.receivers is not None:
            config_of(settings)
        plan = Plan(settings, demo, say, feed)
        asyncio.run(Supervisor(plan, state).run())
    except OSError as exc:
        raise BadInput(unusable(state.path, exc)) from exc
    finally:
        state.unlock()


def _with_demo_files(settings: Any, folder: Path) -> Any:
    """Give the demo a catalogue, so that every indicator is measured, and leave the clock to the replay."""
    from streams.feeds.simulate import write_catalogue
    from streams.files.decision_files import read_reading
    from streams.settings import Settings

    given = settings.model_dump(exclude_unset=True)
    if settings.catalogue is None:
        given["catalogue"] = folder / "demo-catalogue.csv"
        write_catalogue(given["catalogue"], read_reading(settings, catalogue=()))
    return Settings(**{**given, "clock": "records"})
