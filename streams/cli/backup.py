"""`lotrinh backup`: what cannot be derived, into one file."""

from pathlib import Path
from typing import Any

import click

from streams.cli.options import of_decision, of_system, say, settings_from


@click.command("backup")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), required=True, metavar="F", help="file to write"
)
@of_decision
@of_system
def command(out: Path, **given: Any) -> None:
    """Write what cannot be derived to one compressed file: facts, alerts, deliveries, operators' acts, closed periods.

    The system may run meanwhile. The file appears when it is whole.
    """
    from datetime import UTC, datetime

    from models.calendar.civil_time import instant_of
    from streams.broker.reading import size_of
    from streams.cli.progress import progress
    from streams.files.decision_files import read_reading
    from streams.local.state import located
    from streams.maintenance.backup import KEPT, write_backup

    settings = located(settings_from(**given))
    reading = read_reading(settings)
    with progress("writing the backup", size_of(settings, KEPT)) as advance:
        made = write_backup(settings, reading, out, instant_of(datetime.now(UTC)), advance)
    say(f"{out}: {made.size / 2**20:.1f} MiB, {counted(made.counts)}")
    for where, records in sorted(made.gone.items()):
        say(f"{where} begins at {records}: what came before is in no topic any more, and not in the backup either")
    for where, records in sorted(made.held.items()):
        say(f"{where}: {records} records lie behind an open transaction and are not in the backup")
    if made.odd:
        say(f"{made.odd} open alerts are not the same in `alerts` and in the memory of watch; both are in the backup")


def counted(counts: Any) -> str:
    """Return how many records of each kind there are."""
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "nothing"
