"""`lotrinh standings`: what the running system holds now."""

from typing import Any

import click

from streams.cli.options import echo_json, may_be_incomplete, of_system, say, settings_from


@click.command("standings")
@click.option("--decision", metavar="ID", help="only this decision")
@click.option("--unit", metavar="CODE", help="only this unit or group")
@click.option("--wait", is_flag=True, help="first wait until all that is in the inbound topics has been counted")
@click.option("--timeout", type=click.FloatRange(min=1), default=600, show_default=True, help="of --wait, seconds")
@may_be_incomplete
@click.option("--json", "as_json", is_flag=True, help="print JSON alone on stdout")
@of_system
def command(
    decision: str | None, unit: str | None, wait: bool, timeout: float, allow_incomplete: bool, as_json: bool,
    **given: Any,
) -> None:  # fmt: skip
    """Show the standing of every unit, from the topic `standings`.

    With --wait, exit code 4 and one sentence per cause where not all that has arrived can be counted within the limit.
    """
    from models.standings.completeness import Cause, sentence_vn
    from models.standings.completeness import as_json as json_of
    from streams.board.standings_log import standings_now
    from streams.cli.tables import print_standings, print_switches
    from streams.files.decision_files import read_reading
    from streams.local.state import located
    from streams.monitoring.completeness import lasting_causes
    from streams.monitoring.waiting import wait_until_counted

    settings = located(settings_from(**given))
    causes: list[Cause] = []
    if wait:
        told = None if as_json else say
        causes = wait_until_counted(settings, timeout, told, allow_incomplete=allow_incomplete)
    elif allow_incomplete:
        causes = lasting_causes(settings)
    rows = standings_now(settings)
    rows = [r for r in rows if unit in (None, r["unit"]) and decision in (None, r["decision"])]
    if as_json:
        echo_json({"standings": rows} | ({} if not allow_incomplete else {"causes": json_of(causes)}))
        return
    for cause in causes:
        click.echo(f"Số liệu chưa đầy đủ: {sentence_vn(cause)}")
    reading = read_reading(settings)
    print_standings(reading, [r for r in rows if r["decision"] == reading.decision.id])
    print_switches(reading)
