"""`lotrinh close`: a period's figures, frozen."""

from pathlib import Path
from typing import Any

import click

from streams.cli.options import FILE, echo_json, may_be_incomplete, of_decision, of_system, say, settings_from
from streams.errors import BadInput


@click.command("close")
@of_decision
@of_system
@click.option("--period", required=True, metavar="PERIOD", help="2024-06, 2024-Q2, 2024-H1, 2024-9M or 2024")
@click.option("--again", metavar="REASON", help="close a closed period once more; the earlier closing stays")
@click.option("--timeout", type=click.FloatRange(min=1), default=600, show_default=True, help="of the wait, seconds")
@click.option("--events", type=FILE, help="close from a file of events (JSON lines) instead of the running system")
@click.option(
    "--closed", type=click.Path(dir_okay=False, path_type=Path), help="with --events: the file closings are added to"
)
@click.option("--as-of", "as_of", metavar="DATE", help="with --events: the day up to which the file is complete")
@may_be_incomplete
@click.option("--json", "as_json", is_flag=True, help="print JSON alone on stdout")
def command(
    period: str, again: str | None, timeout: float, events: Path | None, closed: Path | None, as_of: str | None,
    allow_incomplete: bool, as_json: bool, **given: Any,
) -> None:  # fmt: skip
    """Freeze a period's figures once all that has arrived is counted. What comes later is shown as adjustments.

    A period that has not ended is refused, and so is one that is closed, unless a reason is given.
    """
    from datetime import UTC, datetime

    from models.calendar.civil_time import instant_of
    from models.reporting.report import close_period
    from models.standings.completeness import as_json as as_json_of
    from streams.cli.options import day_option
    from streams.files.decision_files import read_reading
    from streams.local.state import located
    from streams.reports import closings, sources, words

    if again is not None and not again.strip():
        raise BadInput("--again needs a reason")
    settings = settings_from(**given)
    if events is None:
        if closed is not None or as_of is not None:
            raise BadInput("--closed and --as-of go with --events")
        settings = located(settings)
        reading = read_reading(settings)
        source = sources.running(settings, reading, timeout, say, allow_incomplete=allow_incomplete)
    elif closed is None:
        raise BadInput("--events needs --closed: the file closings are added to")
    else:
        reading = read_reading(settings)
        source = sources.offline(reading, events, closed, day_option("--as-of", as_of), say, settings)
        for number, reason in source.refused:
            click.echo(f"{events}, line {number}: {reason}", err=True)
    now = instant_of(datetime.now(UTC).replace(microsecond=0))
    try:
        closing = close_period(source.known, period, source.closings, now, again)
    except ValueError as exc:
        raise BadInput(str(exc)) from exc
    if closed is None:
        closings.publish(settings, closing)
    else:
        closings.add_to_file(closed, closing)
    if as_json:
        causes = {"causes": as_json_of(source.known.causes)} if allow_incomplete else {}
        echo_json(closing.model_dump(mode="json", exclude={"lines"}) | {"lines": len(closing.lines)} | causes)
    else:
        click.echo(words.closed(closing))
        for text in words.incomplete(source.known.causes):
            click.echo(text)
