"""`lotrinh alerts`: the transitions the running system has raised, and what operators say of them."""

from collections.abc import Mapping
from typing import Any, Final, get_args

import click

from models.alerting.operator_actions import Role
from streams.cli.explain import explain
from streams.cli.options import FILE, echo_json, of_system, say, settings_from

ROLES: Final = get_args(Role)
BY = click.option("--by", "role", type=click.Choice(ROLES), required=True, help="the office that acts, never a person")


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
    """Show every alert transition, by time, from the topic `alerts`; with a command, explain one or act on it."""
    from streams.acts.alert_acts import open_of, transitions
    from streams.acts.alert_list import history_text
    from streams.files.decision_files import read_reading
    from streams.local.state import located
    from streams.monitoring.waiting import wait_until_counted
    from streams.notify.texts import Names

    if ctx.invoked_subcommand is not None:
        ctx.obj = given
        return
    settings = located(settings_from(**given))
    if wait:
        wait_until_counted(settings, timeout, None if as_json else say)
    rows = [r for r in transitions(settings) if unit in (None, r["unit"]) and decision in (None, r["decision"])]
    if only_open:
        rows = open_of(rows)
    rows.sort(key=lambda r: r["at"])  # stable: within a fingerprint the order is that of the log
    if as_json:
        echo_json({"alerts": rows})
        return
    click.echo("\n".join(history_text(rows, Names(read_reading(settings)), only_open=only_open)))


@command.command("list")
@click.option("--decision", metavar="ID", help="only this decision")
@click.option("--unit", metavar="CODE", help="only this unit")
@click.option("--receivers", type=FILE, help="receivers file, from which it follows who is told next, and when (JSON)")
@click.option("--json", "as_json", is_flag=True, help="print JSON alone on stdout")
@of_system
@click.pass_obj
def list_(
    above: dict[str, Any], decision: str | None, unit: str | None, receivers: Any, as_json: bool, state_dir: Any
) -> None:
    """Show open alerts with what operators have said of them, and the silences in force.

    The JSON also says what each was judged by, where in the log it comes from, and when each mailbox is told next.
    """
    from models.notification.outbox import Situation
    from streams.acts.alert_acts import now_of, operators_of, shortfalls
    from streams.acts.alert_list import list_text
    from streams.acts.alert_rows import open_alerts, silences_of
    from streams.files.decision_files import read_reading
    from streams.notify.texts import Names

    settings = _settings(above, state_dir, receivers)
    operators, now, reading = operators_of(settings), now_of(settings), read_reading(settings)
    missing = shortfalls(settings)
    rows = [
        row
        for row in open_alerts(settings, reading, Situation(now, operators, missing), upcoming=as_json)
        if unit in (None, row["unit"]) and decision in (None, row["decision"])
    ]
    silences = silences_of(operators, now)
    if as_json:
        echo_json({"alerts": rows, "silences": silences})
        return
    for row in rows:
        row["still_missing"] = missing.get((row["decision"], row["indicator"], row["unit"]))
    click.echo("\n".join(list_text(rows, silences, Names(reading))))


@command.command("ack")
@click.argument("alert", metavar="ID")
@BY
@click.option("--note", default="đã tiếp nhận", show_default=True, help="what is being done; no names, no numbers")
@click.option(
    "--until", "ends", metavar="TIME", help="3d, 12h, a day, or an instant; default: until it ends or gets worse"
)
@of_system
@click.pass_obj
def ack(above: dict[str, Any], alert: str, role: str, note: str, ends: str | None, state_dir: Any) -> None:
    """Acknowledge an open alert (ID: of its transition or its fingerprint, or how that begins)."""
    from streams.acts.alert_acts import Acts, now_of, open_of, shortfalls, transitions
    from streams.acts.alert_answers import ack_text, found_alert
    from streams.files.decision_files import read_reading
    from streams.notify.texts import Names

    settings = _settings(above, state_dir)
    names, acts = Names(read_reading(settings)), Acts(settings, role, now_of(settings))
    fired = found_alert(open_of(transitions(settings)), alert)
    missing = shortfalls(settings).get((fired["decision"], fired["indicator"], fired["unit"]), fired["shortfall"])
    made = acts.acknowledge(fired, missing, note, ends)
    click.echo(ack_text(fired, made["until"], names))


@command.command("silence")
@click.option("--match", "matches", multiple=True, required=True, metavar="LABEL=VALUE", help="or LABEL!=VALUE; repeat")
@click.option("--until", "ends", metavar="TIME", required=True, help="3d, 12h, a day (to its end), or an instant")
@click.option("--reason", required=True, help="why; no names, no numbers")
@BY
@of_system
@click.pass_obj
def silence(above: dict[str, Any], matches: tuple[str, ...], ends: str, reason: str, role: str, state_dir: Any) -> None:
    """Send nothing of the alerts that fit all conditions, until then. The end of what was told is still told."""
    from streams.acts.alert_acts import Acts, now_of
    from streams.acts.alert_answers import matcher, silence_text
    from streams.files.decision_files import read_reading
    from streams.notify.texts import Names

    settings = _settings(above, state_dir)
    names, acts = Names(read_reading(settings)), Acts(settings, role, now_of(settings))
    made = acts.silence([matcher(text) for text in matches], ends, reason)
    click.echo(silence_text(made, names))


@command.command("unsilence")
@click.argument("id_", metavar="ID")
@BY
@click.option("--reason", default="kết thúc sớm", show_default=True)
@of_system
@click.pass_obj
def unsilence(above: dict[str, Any], id_: str, role: str, reason: str, state_dir: Any) -> None:
    """End a silence before its time."""
    from streams.acts.alert_acts import Acts, now_of, operators_of
    from streams.acts.alert_answers import found_silence, unsilence_text

    settings = _settings(above, state_dir)
    ended = found_silence(operators_of(settings).silences, id_)
    Acts(settings, role, now_of(settings)).end_silence(ended, reason)
    click.echo(unsilence_text(ended))


# -- what they share ---------------------------------------------------------------------------------------------------


def _settings(above: Mapping[str, Any], state_dir: Any, receivers: Any = None) -> Any:
    from streams.local.state import located

    given = {"state_dir": state_dir, "receivers": receivers}
    return located(settings_from(**{**above, **{k: v for k, v in given.items() if v is not None}}))


command.add_command(explain)
