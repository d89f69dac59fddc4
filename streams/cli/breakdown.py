"""`lotrinh breakdown`: which procedures, fields or channels hold a unit back, in the running system."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import click

from models.counting.contributions import contributions
from models.decisions.reading import Reading
from models.dossiers.dossier import Dossier
from models.evaluation.breakdown import BYS, LATELY, By, breakdowns, history
from models.standings.standings import Standing, Standings
from streams.cli.options import echo_json, of_decision, of_system, once, settings_from
from streams.errors import BadInput
from streams.settings import Settings


@click.command("breakdown")
@of_decision
@once("--unit", required=True, metavar="CODE", help="the unit or group")
@once("--indicator", metavar="NAME", help="only this indicator")
@click.option("--by", type=click.Choice(BYS), default="procedure", show_default=True, help="what figures are taken by")
@click.option(
    "--days", type=click.IntRange(1, 366), default=LATELY, show_default=True, help="last days that are told apart"
)
@click.option("--json", "as_json", is_flag=True, help="print JSON alone on stdout")
@of_system
def command(unit: str, indicator: str | None, by: By, days: int, as_json: bool, **given: Any) -> None:
    """Say which part of a unit's dossiers lowers its ratios: by procedure, field or channel."""
    from models.standings.completeness import as_json as json_of
    from models.standings.completeness import sentence_vn
    from streams.cli.tables import print_breakdown, print_standings
    from streams.files.decision_files import read_reading
    from streams.local.state import located
    from streams.monitoring.completeness import lasting_causes

    settings = located(settings_from(**given))
    reading = read_reading(settings)
    if indicator is not None and indicator not in reading.indicators:
        raise BadInput(f"--indicator {indicator}: the decision has {', '.join(reading.indicators)}")
    causes = lasting_causes(settings)
    found = _found(settings, reading, unit, by, days)
    if indicator is not None:
        found["standings"] = [row for row in found["standings"] if row["indicator"] == indicator]
        for part in ("breakdown", "history"):
            found[part] = {name: rows for name, rows in found[part].items() if name == indicator}
    if as_json:
        echo_json(found | {"causes": json_of(causes)})
        return
    for cause in causes:
        click.echo(f"Số liệu chưa đầy đủ: {sentence_vn(cause)}")
    print_standings(reading, found["standings"])
    print_breakdown(reading, {unit: found["breakdown"]})


def _found(settings: Settings, reading: Reading, unit: str, by: By, days: int) -> dict[str, Any]:
    """Count anew from what is known of every dossier, so that parts and whole are of one moment."""
    from streams.broker.reading import Dossiers

    told = _told(settings, reading, unit)
    standings = Standings(reading, date.fromisoformat(max(row["as_of"] for row in told.values())))
    for of, day, indicator, numerator, denominator in reading.measures():
        standings.add(of, day, indicator, numerator, denominator)
    dossiers = (dossier for _, dossier in Dossiers(settings))
    apart = breakdowns(standings, _counting(standings, dossiers), [unit], by, days)
    return {
        "unit": unit,
        "name": reading.registry.name(unit),
        "as_of": standings.as_of.isoformat(),
        "standings": _standings(standings, unit, told),
        "breakdown": apart.get(unit, {}),
        "history": {indicator: history(standings, unit, indicator) for indicator in reading.indicators},
    }


def _told(settings: Settings, reading: Reading, unit: str) -> dict[str, Standing]:
    """Return what the running system says of the unit, by indicator. Raises BadInput where it says nothing."""
    from streams.board.standings_log import standings_now

    rows = [row for row in standings_now(settings) if row["decision"] == reading.decision.id]
    told = {row["indicator"]: row for row in rows if row["unit"] == unit}
    if not told:
        raise BadInput(f"--unit {unit}: no unit or group of that code has a standing under {reading.decision.id}")
    return told


def _counting(standings: Standings, dossiers: Iterator[Dossier]) -> Iterator[Dossier]:
    """Count each dossier as it passes."""
    for dossier in dossiers:
        for unit, day, cell, numerator in contributions(dossier[0], standings.reading.fold):
            standings.add(unit, day, cell, numerator, 1)
        yield dossier


def _standings(standings: Standings, unit: str, told: dict[str, Standing]) -> list[Standing]:
    """Return the unit's standings of the moment at which it was counted, with the alerts that are open."""
    from models.standings.prospects import Prospects

    complete, group = Prospects(standings).complete, standings.groups().get(unit)
    if group is not None:
        return [complete(standings.group_standing(group, indicator)) for indicator in standings.reading.indicators]
    alerts = {indicator: row["alert"] for indicator, row in told.items()}
    return [complete(standings.standing(unit, i, alerts.get(i))) for i in standings.reading.indicators]
