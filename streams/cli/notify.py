"""`lotrinh notify`: delivery of alerts."""

import asyncio
from typing import Any

import click

from streams.cli.options import FILE, echo_json, of_decision, of_system, settings_from


@click.command("notify")
@of_decision
@of_system
@click.option("--receivers", type=FILE, help="who is told, and how (TOML); or LOTRINH_RECEIVERS")
@click.option("--check", is_flag=True, help="only say what is wrong with the receivers file")
@click.option("--status", is_flag=True, help="only show what each mailbox still has to be told, and what was set aside")
@click.option("--json", "as_json", is_flag=True, help="of --status: print JSON alone on stdout")
def command(check: bool, status: bool, as_json: bool, **given: Any) -> None:
    """Tell receivers of alerts until SIGTERM. One process; a second one takes over from the first."""
    from streams.files.decision_files import read_reading
    from streams.local.state import located
    from streams.monitoring.logs import log_to_stderr
    from streams.notify.notifier import config_of, run

    settings = settings_from(**given)
    if check:
        config = config_of(settings)
        click.echo(f"{settings.receivers}: {len(config.receivers)} receivers, {len(config.plan.routes)} routes")
        return
    settings = located(settings)
    reading = read_reading(settings)
    config = config_of(settings)
    if status:
        _show(settings, reading, config, as_json=as_json)
        return
    log_to_stderr(settings)
    asyncio.run(run(settings, reading, config))


def _show(settings: Any, reading: Any, config: Any, *, as_json: bool) -> None:
    """Show mailboxes from what the notifier keeps; what it has not read yet is not in it."""
    from models.notification.outbox import NEW_BOX, Outbox, Situation
    from models.notification.routing import Routing
    from streams.acts.alert_acts import now_of, operators_of
    from streams.notify.log import restore

    outbox = Outbox(Routing(config.plan, reading.registry, reading.workdays))
    restore(settings, outbox)
    now = now_of(settings)
    waiting = outbox.pending(Situation(now, operators_of(settings)))
    undelivered = {one.mailbox: one for one in outbox.undelivered(now)}
    rows = [
        {
            "mailbox": str(box),
            "pending": count,
            "failures": state["failures"],
            "why": state.get("why", ""),
            "since": state.get("since", "") or state.get("given_up", ""),
            "undelivered": str(box) in undelivered,
        }
        for box, count in sorted(waiting.items())
        for state in [outbox.boxes.get(box, NEW_BOX)]
    ]
    refused = [{"message": id_, **row} for id_, row in sorted(outbox.refused.items())]
    if as_json:
        listed = [one._asdict() for one in undelivered.values()]
        echo_json({"mailboxes": rows, "refused": refused, "undelivered": listed})
        return
    for row in rows:
        failing = f", {row['failures']} attempts failed in a row ({row['why']})" if row["failures"] else ""
        click.echo(f"{row['mailbox']}: {row['pending']} alerts to be told{failing}")
    for one in undelivered.values():
        what = "refuses for good" if one.given_up else "not reached for a working day"
        click.echo(f"NOT REACHED {one.mailbox}: {what}, since {one.since} ({one.why}); check its address")
    for message in refused:
        click.echo(f"set aside: {message['message']} to {message['mailbox']}: {message['why']}")
    click.echo(f"{len(rows)} mailboxes, {len(refused)} messages set aside")
