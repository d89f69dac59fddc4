"""`lotrinh restore`: a backup, into an empty cluster."""

from pathlib import Path
from typing import Any

import click

from streams.cli.backup import counted
from streams.cli.options import FILE, of_decision, of_system, say, settings_from


@click.command("restore")
@click.argument("file", type=FILE, metavar="F")
@of_decision
@of_system
def command(file: Path, **given: Any) -> None:
    """Restore a backup into an empty cluster; workers may run or be started afterwards.

    The topics are created where they are missing. A cluster that holds anything is refused.
    """
    from streams.broker import topics
    from streams.cli.progress import progress
    from streams.files.decision_files import read_reading
    from streams.local.state import located
    from streams.maintenance.backup import check_backup
    from streams.maintenance.restore import restore_backup

    settings = located(settings_from(**given))
    with progress("checking the backup", file.stat().st_size) as advance:
        manifest = check_backup(file, advance)
    client = topics.administrator(settings)
    try:
        topics.apply(client, settings)
    finally:
        client.close()
    with progress("restoring", sum(manifest.counts.values())) as advance:
        counts = restore_backup(settings, file, manifest, advance)
    say(f"restored the backup of {manifest.head['created']}: {counted(counts)}")
    for where, records in sorted(manifest.end["gone"].items()):
        say(f"{where} had begun at {records} when it was made: what came before is not in it")
    if read_reading(settings).fingerprint() != manifest.head["fingerprint"]:
        made_of = manifest.head["decision"]
        say(f"it was made of {made_of} by other rules than these settings name; figures follow these")
    say("standings follow as workers count: `lotrinh standings --wait`")
