"""`lotrinh evaluate`: the same core without Kafka."""

import gc
import re
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import click

from streams.cli.options import FILE, echo_json, of_decision, settings_from
from streams.library import BadInput


@click.command("evaluate")
@of_decision
@click.option("--events", type=FILE, required=True, help="JSON lines, in the order of arrival")
@click.option("--as-of", "as_of", required=True, metavar="DATE", help="the day asked about, YYYY-MM-DD")
@click.option("--tick", default="1d", show_default=True, metavar="1d|1h|15m", help="how often alerts are evaluated")
@click.option("--json", "as_json", is_flag=True, help="print JSON alone on stdout")
def command(events: Path, as_of: str, tick: str, as_json: bool, **given: Any) -> None:
    """Evaluate a file of events as of a civil day: standings, and the alerts there would have been."""
    from models.evaluation import evaluate
    from streams.cli.tables import print_standings
    from streams.feeds.importing import json_lines
    from streams.library import read_reading

    settings = settings_from(**given)
    if settings.decision is None:
        raise BadInput("--decision is missing")
    reading = read_reading(settings)
    with click.progressbar(
        length=events.stat().st_size, label="evaluating", file=click.get_text_stream("stderr"), hidden=as_json
    ) as bar:

        def lines() -> Iterator[tuple[int, bytes]]:
            shown = 0
            for number, line, read in json_lines(events):
                yield number, line
                if read - shown > 1_000_000:
                    bar.update(read - shown)
                    shown = read

        # What is known of dossiers holds no cycles; the collector would only walk all of it, over and over.
        gc.disable()
        try:
            result = evaluate(reading, lines(), _day(as_of), _step(tick))
        except ValueError as exc:
            raise BadInput(str(exc)) from exc
        finally:
            gc.enable()
        bar.update(events.stat().st_size - bar.pos)
    if as_json:
        echo_json(
            {
                "standings": result.standings,
                "alerts": result.alerts,
                "refused": [{"line": line, "reason": reason} for line, reason in result.refused],
                "counts": asdict(result.counts),
                "switches": [switch._asdict() for switch in reading.switch_views()],
            }
        )
        return
    print_standings(reading, result.standings)
    for line, reason in result.refused:
        click.echo(f"{events}, line {line}: {reason}", err=True)
    counts = result.counts
    click.echo(
        f"{counts.events} events: {counts.applied} applied, {counts.duplicates} changed nothing, "
        f"{counts.refused} refused; {len(result.alerts)} alert transitions"
    )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as exc:
        raise BadInput(f"--as-of {text}: expected YYYY-MM-DD") from exc


def _step(text: str) -> timedelta:
    match = re.fullmatch(r"([1-9][0-9]{0,3})([dhm])", text)
    if match is None:
        raise BadInput(f"--tick {text}: expected a number and d, h or m, such as 1d or 15m")
    step = timedelta(**{{"d": "days", "h": "hours", "m": "minutes"}[match.group(2)]: int(match.group(1))})
    if step > timedelta(days=1):
        raise BadInput(f"--tick {text}: at most one day")
    return step
