"""Small stories of events, and readings to judge them by: shared by unit, property and golden tests."""

import json
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from typing import Any

from models.decisions.reading import Reading, Sources
from models.decisions.trajectory import parse_trajectories
from models.evaluation.evaluation import Evaluation, evaluate
from models.registers.catalogue import Entry, parse_catalogue
from models.registers.units import Succession, Unit
from models.standings.standings import Standing
from streams.files.decision_files import read_decision, shipped_registry

YEAR_END = date(2024, 12, 31)


def thai_binh(**options: Any) -> Reading:
    return reading_of("thai-binh-2024", **options)


@cache
def reading_of(  # noqa: PLR0913 - one option per file that a reading is made of
    decision: str,
    *,
    catalogue: tuple[Entry, ...] | None = None,
    units: tuple[Unit, ...] = (),
    successions: tuple[Succession, ...] = (),
    trajectories: tuple[tuple[str, str, str, str, str], ...] = (),
    switches: tuple[tuple[str, str], ...] = (),
    rule: str = "literal",
) -> Reading:
    """Thái Bình 2024; alerts by `literal`, which judges arithmetic alone, unless another rule is asked for."""
    columns = ("unit", "indicator", "date", "value", "between")
    rows = [dict(zip(columns, row, strict=True)) for row in trajectories]
    sources = Sources(
        registry=shipped_registry().with_units(units) if units else shipped_registry(),
        catalogue=catalogue,
        trajectories=parse_trajectories(rows),
        successions=successions,
        switches={"alert_rule": rule, **dict(switches)},
    )
    return Reading(read_decision(decision), sources)


def entries(*rows: Mapping[str, str]) -> tuple[Entry, ...]:
    return tuple(parse_catalogue(rows))


def listed(procedures: int, authority: str, *, lists: str = "a", level: str = "full", **more: str) -> tuple[Entry, ...]:
    """So many procedures of one authority, 1.000000 and on, all on the same lists."""
    row = {"authority": authority, "level": level, "lists": lists, **more}
    return entries(*({"procedure": f"1.{n:06d}", **row} for n in range(procedures)))


def resolved(count: int, unit: str, channel: str, day: str, name: str = "", **fields: Any) -> list[dict[str, Any]]:
    """So many dossiers of one channel, received and resolved on a day."""
    stem = name or f"{unit}-{channel}-{day}"
    at = day if "T" in day else f"{day}T08:00:00+07:00"
    return [
        event("resolved", f"{stem}-{n}", day, version=1, unit=unit, channel=channel, received_at=at, **fields)
        for n in range(count)
    ]


def event(kind: str, dossier: str, at: str, **fields: Any) -> dict[str, Any]:
    """An event with an id of its own; a bare day means eight in the morning."""
    moment = at if "T" in at else f"{at}T08:00:00+07:00"
    version = fields.get("version")
    fallback = f"t:{dossier}:{kind}:{version if version is not None else moment}"
    return {"id": fields.pop("id", fallback), "type": kind, "dossier": dossier, "at": moment, **fields}


def received(count: int, unit: str, channel: str, day: str, name: str = "", **fields: Any) -> list[dict[str, Any]]:
    """So many dossiers of one channel, received on a day."""
    stem = name or f"{unit}-{channel}-{day}"
    return [
        event("received", f"{stem}-{n}", day, version=1, unit=unit, channel=channel, **fields) for n in range(count)
    ]


def paid(count: int, unit: str, day: str, name: str, **fields: Any) -> list[dict[str, Any]]:
    """So many dossiers with one payment each; online over the national portal unless told otherwise."""
    how = {"amount": 10_000, "method": "online", "gateway": "national", **fields}
    return [event("paid", f"{name}-{n}", day, version=2, unit=unit, transaction=f"T{n}", **how) for n in range(count)]


def evaluated(reading: Reading, events: Iterable[Mapping[str, Any]], as_of: date = YEAR_END) -> Evaluation:
    lines = ((n, json.dumps(e).encode()) for n, e in enumerate(events, start=1))
    return evaluate(reading, lines, as_of)


def standing(result: Evaluation, unit: str, indicator: str = "online-dossiers") -> Standing:
    return next(s for s in result.standings if (s["unit"], s["indicator"]) == (unit, indicator))


def figures(result: Evaluation, unit: str, indicator: str = "online-dossiers") -> tuple[int, int, str]:
    s = standing(result, unit, indicator)
    return s["numerator"], s["denominator"], s["status"]


def alerts_of(result: Evaluation, unit: str, indicator: str = "online-dossiers") -> list[tuple[str, str]]:
    return [(a["status"], a["at"][:10]) for a in result.alerts if (a["unit"], a["indicator"]) == (unit, indicator)]
