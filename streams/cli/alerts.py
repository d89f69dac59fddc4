"""`lotrinh alerts`: the transitions the running system has raised."""

from typing import Any

import click
import orjson

from streams.cli.explain import explain
from streams.cli.options import echo_json, of_system, say, settings_from


@click.group("alerts", invoke_without_command=True)
@click.option("--decision", metavar="ID", help="only this decision")
@click.option("--unit", metavar="CODE", help="only this unit")
@click.option("--open", "only_open", is_flag=True, help="only alerts that are firing now")
@click.option("--wait", is_flag=True, help="first wait until all that is in the inbound topics has been counted")
@click.option("--timeout", type=click.FloatRange(min=1), default=600, show_default=True, help="of --wait, seconds")
@click.option("--json", "as_json", is_flag=True, help="print JSON alone on stdout")
@of_system
@click.pass_context
def command(
    ctx: click.Context,
    /,
    decision: str | None,
    unit: str | None,
    only_open: bool,
    wait: bool,
    timeout: float,
    as_json: bool,
    **given: Any,
) -> None:
    """Show every alert transition, by time, from the topic `alerts`; or explain one."""
    from streams import topics
    from streams.library import read_reading
    from streams.local.state import located
    from streams.reading_kafka import records_of
    from streams.waiting import wait_until_counted

    if ctx.invoked_subcommand is not None:
        ctx.obj = given
        return
    settings = located(settings_from(**given))
    if wait:
        wait_until_counted(settings, timeout, None if as_json else say)
    rows = [orjson.loads(record.value) for record in records_of(settings, topics.ALERTS)]
    rows = [r for r in rows if unit in (None, r["unit"]) and decision in (None, r["decision"])]
    if only_open:
        rows = [r for r in {r["fingerprint"]: r for r in rows}.values() if r["status"] == "firing"]
    rows.sort(key=lambda r: r["at"])  # stable: within a fingerprint the order is that of the log
    if as_json:
        echo_json({"alerts": rows})
        return
    registry = read_reading(settings).registry
    for r in rows:
        click.echo(f"{r['at']}  {r['status']:<9}  {registry.name(r['unit'])}  {r['indicator']}: {r['reason']}")
    click.echo(f"{len(rows)} transitions" if not only_open else f"{len(rows)} open alerts")


command.add_command(explain)
