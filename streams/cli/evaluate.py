"""`lotrinh evaluate`: the same core without Kafka."""

import gc
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import click

from models.decisions.reading import Reading
from models.evaluation.breakdown import BYS, By, breakdowns, history
from models.evaluation.evaluation import Evaluation
from models.evaluation.sensitivity import Answer, sensitivity
from models.standings.standings import Judged
from models.wording import decimal_text, number_text
from streams.cli.options import FILE, echo_json, of_decision, once, settings_from, switches_from
from streams.errors import BadInput
from streams.settings import Settings


@click.command("evaluate")
@of_decision
@click.option("--events", type=FILE, required=True, help="JSON lines, in the order of arrival")
@click.option("--as-of", "as_of", required=True, metavar="DATE", help="the day asked about, YYYY-MM-DD")
@once("--measures", type=FILE, help="figures from outside (CSV: indicator,unit,day,numerator,denominator,version)")
@click.option("--tick", default="1d", show_default=True, metavar="1d|1h|15m", help="how often alerts are evaluated")
@click.option("--sensitivity", "asked", is_flag=True, help="also say whose verdict depends on an open question")
@click.option(
    "--suppose", multiple=True, metavar="NAME=DATE", help="with --sensitivity: a day that is not known, as if it were"
)
@once("--breakdown", type=click.Choice(BYS), help="also take every unit's figures apart")
@click.option(
    "--unit", "chosen", multiple=True, metavar="CODE", help="with --breakdown: only these, with their history"
)
@click.option("--json", "as_json", is_flag=True, help="print JSON alone on stdout")
def command(
    events: Path, as_of: str, measures: Path | None, tick: str, asked: bool, suppose: tuple[str, ...],
    breakdown: By | None, chosen: tuple[str, ...], as_json: bool, **given: Any,
) -> None:  # fmt: skip
    """Evaluate a file of events as of a civil day: standings, and the alerts there would have been."""
    from models.decisions.file import BadDecision
    from models.decisions.measures import parse_measures
    from streams.files.decision_files import read_reading
    from streams.files.tables import read_table

    settings = settings_from(**given)
    if settings.decision is None:
        raise BadInput("--decision is missing")
    reading = read_reading(settings)
    if measures is not None:
        try:
            reading = reading.with_measures(read_table(measures, parse_measures))
        except BadDecision as exc:
            raise BadInput(str(exc)) from exc
    if chosen and breakdown is None:
        raise BadInput("--unit says whose figures are taken apart: give --breakdown with it")
    if breakdown is not None and not chosen and not as_json:
        raise BadInput("--breakdown of every unit is long: give --unit, or --json")
    day, supposed = _day(as_of), switches_from(suppose)
    reading.under(supposed)  # say what is wrong with a supposition before the work begins
    result = _evaluated(reading, events, day, _step(tick), settings)
    answers = sensitivity(reading, result.dossiers, reading.nearest(day), supposed) if asked else None
    apart = None if breakdown is None else _apart(result, breakdown, chosen)
    if as_json:
        echo_json(_as_json(reading, result, answers) | (apart or {}))
    else:
        _print(reading, result, answers, events)
        if apart is not None:
            from streams.cli.tables import print_breakdown

            print_breakdown(reading, apart["breakdown"])


def _apart(result: Evaluation, by: By, units: tuple[str, ...]) -> dict[str, Any]:
    """Return what `--breakdown` adds: figures taken apart; of named units also their history by civil day."""
    standings = result.counters
    if standings is None:
        raise BadInput("nothing was evaluated")
    found_for = dict.fromkeys(row["unit"] for row in result.standings)
    if missing := set(units) - found_for.keys():
        raise BadInput(f"--unit {min(missing)}: no unit or group of that code has a standing")
    found: dict[str, Any] = {
        "breakdown": breakdowns(standings, result.dossiers.values(), units or found_for.keys(), by)
    }
    if units:
        found["history"] = {
            unit: {indicator: history(standings, unit, indicator) for indicator in standings.reading.indicators}
            for unit in units
        }
    return found


def _evaluated(reading: Reading, events: Path, as_of: date, tick: timedelta, settings: Settings) -> Evaluation:
    from models.evaluation.evaluation import evaluate
    from streams.cli.progress import progress
    from streams.feeds.importing import json_lines

    with progress("đang tính", events.stat().st_size) as advance:

        def lines() -> Iterator[tuple[int, bytes]]:
            shown = 0
            for number, line, read in json_lines(events):
                yield number, line
                if read - shown > 1_000_000:
                    advance(read - shown)
                    shown = read

        # What is known of dossiers holds no cycles; the collector would only walk all of it, over and over.
        gc.disable()
        try:
            return evaluate(reading, lines(), as_of, tick, codes=settings.codes, limits=settings.limits)
        except ValueError as exc:
            raise BadInput(str(exc)) from exc
        finally:
            gc.enable()


def _as_json(reading: Reading, result: Evaluation, answers: Iterable[Answer] | None) -> dict[str, Any]:
    found = {
        "standings": result.standings,
        "alerts": result.alerts,
        "refused": [{"line": line, "reason": reason} for line, reason in result.refused],
        "counts": asdict(result.counts),
        "switches": [switch._asdict() for switch in reading.switch_views()],
    }
    if answers is not None:
        asked = {view.name: view.question for view in reading.switch_views()}
        found["sensitivity"] = [
            {
                **answer.question._asdict(),
                "question": asked[answer.question.switch],
                "figures_only": answer.figures_only,
                "changes": [
                    {
                        "unit": change.unit,
                        "name": reading.registry.name(change.unit),
                        "indicator": change.indicator,
                        "now": _verdict(change.now),
                        "other": _verdict(change.other),
                    }
                    for change in answer.changes
                ],
            }
            for answer in answers
        ]
    return found


def _verdict(judged: Judged) -> dict[str, Any]:
    return {
        "numerator": judged.figures[0],
        "denominator": judged.figures[1],
        "expected": None if judged.expected is None else decimal_text(judged.expected),
        "status": judged.status,
    }


def _print(reading: Reading, result: Evaluation, answers: Iterable[Answer] | None, events: Path) -> None:
    from streams.cli.tables import print_sensitivity, print_standings, print_switches

    print_standings(reading, result.standings)
    print_switches(reading)
    if answers is not None:
        print_sensitivity(reading, answers)
    for line, reason in result.refused:
        click.echo(f"{events}, line {line}: {reason}", err=True)
    counts = result.counts
    click.echo(
        f"\n{number_text(counts.events)} sự kiện: {number_text(counts.applied)} được áp dụng, "
        f"{number_text(counts.duplicates)} không thay đổi gì, {number_text(counts.refused)} bị từ chối; "
        f"{number_text(len(result.alerts))} lượt phát và tắt cảnh báo"
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
