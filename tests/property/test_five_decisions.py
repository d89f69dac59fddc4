"""All five decisions on random streams and catalogues, with successions: against the oracle, and against themselves."""

import csv
import json
import random
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.decisions.reading import Reading, Sources
from models.dossiers.events import Event, decode
from models.evaluation.evaluation import Evaluation, Evaluator, evaluate
from models.registers.catalogue import parse_catalogue
from models.registers.units import Unit, parse_successions
from models.standings.standings import Standing
from streams.files.decision_files import read_decision, shipped_registry
from tests.conftest import examples, most_are_long
from tests.oracle.oracle import Heir, Oracle, Record
from tests.strategies import OWN, WORLDS, World, random_catalogue, random_events

ROOT = Path(__file__).parents[2]
FIELDS = (
    "numerator", "denominator", "target", "status", "shortfall", "last_7_days", "last_30_days", "members", "frozen",
    "ceiling", "assisted", "exempt", "overdue",
)  # fmt: skip
BY_ID: dict[str, Any] = {"argvalues": WORLDS, "ids": [w.decision for w in WORLDS]}
ALL = (*WORLDS, OWN)
AND_OWN: Any = {"argvalues": ALL, "ids": [w.decision for w in ALL]}


def file_of(world: World) -> Path:
    return ROOT / (f"tests/data/{world.file}" if world.file else f"models/data/decisions/{world.decision}.toml")


def reading_of(world: World, rows: list[dict[str, str]], switches: Mapping[str, str], *, heirs: bool) -> Reading:
    units = [Unit(code, code, level, parent, target) for level, code, parent, target in world.extra]  # type: ignore[arg-type]
    successions = [dict(zip(("date", "from", "to", "procedures"), h, strict=True)) for h in world.heirs]
    return Reading(
        read_decision(str(file_of(world)) if world.file else world.decision),
        Sources(
            shipped_registry().with_units(units),
            catalogue=tuple(parse_catalogue(rows)),
            successions=tuple(parse_successions(successions if heirs else [])),
            switches=switches,
        ),
    )


def oracle_of(
    world: World, rows: list[dict[str, str]], switches: Mapping[str, str], file: Path, *, heirs: bool
) -> Oracle:
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    turns = [
        Heir(date.fromisoformat(day), old, new, tuple(p for p in procedures.split(";") if p))
        for day, old, new, procedures in world.heirs
    ]
    return Oracle(
        file_of(world),
        ROOT / "models/data/units.csv",
        catalogue=file,
        switches=dict(switches),
        heirs=turns if heirs else (),
        units=world.extra,
    )


def chosen(chance: random.Random, world: World) -> dict[str, str]:
    return {name: chance.choice(values) for name, values in world.switches} | {"alert_rule": "literal"}


def judged(reading: Reading, events: list[dict[str, Any]], as_of: str) -> Evaluation:
    found = ((n, json.dumps(e).encode()) for n, e in enumerate(events, start=1))
    return evaluate(reading, found, date.fromisoformat(as_of))


def standings_of(reading: Reading, events: list[dict[str, Any]], as_of: str) -> list[Standing]:
    """Standings alone, without the evenings in between."""
    evaluator = Evaluator(reading, date.fromisoformat(as_of))
    for one in events:
        decoded = decode(json.dumps(one).encode())
        assert isinstance(decoded, Event)
        evaluator.take(decoded)
    return evaluator.standing_rows()


def compared(standing: Mapping[str, Any]) -> dict[str, Any]:
    found = {f: standing.get(f) for f in FIELDS}
    return found | {"target": None if standing["target"] is None else str(standing["target"])}


@pytest.mark.parametrize("seed", most_are_long(range(9)))
@pytest.mark.parametrize("world", **AND_OWN)
def test_standings_and_alerts_are_those_of_the_oracle(world: World, seed: int, tmp_path: Path) -> None:
    chance = random.Random(f"{world.decision}/{seed}")
    rows, switches, heirs = random_catalogue(chance, world), chosen(chance, world), chance.random() < 0.7
    events = random_events(chance, world, chance.choice((12, 60, 150)))
    as_of = chance.choice(world.as_of)
    reading = reading_of(world, rows, switches, heirs=heirs)
    oracle = oracle_of(world, rows, switches, tmp_path / "catalogue.csv", heirs=heirs)
    oracle.load(Record(json.dumps(e).encode()) for e in events)
    result = judged(reading, events, as_of)
    ours = {(s["unit"], s["indicator"]): s for s in result.standings}
    theirs = oracle.standings(date.fromisoformat(as_of))

    assert oracle.refused == []
    assert result.refused == []
    assert ours.keys() == theirs.keys()
    for key, expected in theirs.items():
        assert compared(ours[key]) == compared(expected), key
    if seed % 3:  # a year of evenings costs the oracle seconds
        return
    alerts = sorted((a["at"], a["unit"], a["indicator"], a["status"]) for a in result.alerts)
    assert alerts == oracle.alerts(date.fromisoformat(as_of))


@pytest.mark.parametrize("world", **BY_ID)
def test_the_random_streams_reach_what_they_are_for(world: World) -> None:
    wanted = {"met", "below", "no-dossiers", "frozen", "counted"}
    wanted |= {"ceiling"} if world.decision in ("hai-duong-2022", "lak-2022") else set()
    seen: set[str] = set()
    for seed in range(40):
        chance = random.Random(f"{world.decision}/{seed}")
        rows, switches = random_catalogue(chance, world), chosen(chance, world)
        events = random_events(chance, world, 150)
        for s in standings_of(reading_of(world, rows, switches, heirs=True), events, world.as_of[0]):
            seen |= {s["status"], *(k for k in ("frozen", "ceiling") if k in s)}
            seen |= {"counted"} if s["numerator"] else set()
        if wanted <= seen:
            return
    pytest.fail(f"never seen: {wanted - seen}")


# -- laws --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", **AND_OWN)
@given(seed=st.integers(0, 2**32), order=st.randoms(use_true_random=False))
@settings(max_examples=examples(6), deadline=None)
def test_order_and_repetition_leave_standings_unchanged(world: World, seed: int, order: random.Random) -> None:
    chance = random.Random(seed)
    reading = reading_of(world, random_catalogue(chance, world), chosen(chance, world), heirs=True)
    events, as_of = random_events(chance, world, 20), chance.choice(world.as_of)
    before = standings_of(reading, events, as_of)
    again = events + order.choices(events, k=6)
    order.shuffle(again)

    assert standings_of(reading, again, as_of) == before


UNDO: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
    ({"type": "corrected", "channel": "online"}, {"type": "corrected", "channel": "in_person"}),
    ({"type": "corrected", "procedure": "1.000001"}, {"type": "corrected", "procedure": "1.000002"}),
    ({"type": "transferred"}, {"type": "transferred"}),
    ({"type": "deleted"}, {"type": "restored"}),
    ({"type": "withdrawn"}, {"type": "corrected", "status": None}),
    ({"type": "refused"}, {"type": "corrected", "refused_at": None}),
    (
        {"type": "paid", "transaction": "T9", "method": "online", "gateway": "national"},
        {"type": "refunded", "transaction": "T9"},
    ),
    ({"type": "corrected", "digitised": True}, {"type": "corrected", "digitised": False}),
)


@pytest.mark.parametrize("world", **BY_ID)
@given(seed=st.integers(0, 2**32), step=st.sampled_from(UNDO))
@settings(max_examples=examples(6), deadline=None)
def test_what_is_done_and_undone_leaves_standings_unchanged(
    world: World, seed: int, step: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    chance = random.Random(seed)
    reading = reading_of(world, random_catalogue(chance, world), chosen(chance, world), heirs=True)
    day = chance.choice(world.days)
    base = {
        "id": "base", "type": "resolved", "dossier": "X", "at": f"{day}T10:00:00+07:00", "version": 100, "unit": world.units[0],
        "procedure": "1.000002", "channel": "in_person", "received_at": f"{day}T09:00:00+07:00", "digitised": False,
    }  # fmt: skip
    events = [*random_events(chance, world, 12), base]
    done, undone = (
        {"id": f"x{v}", "dossier": "X", "at": f"{day}T1{v}:00:00+07:00", "version": 100 + v, **part}
        for v, part in enumerate(step, start=1)
    )
    if step[0]["type"] == "transferred":
        done["unit"], undone["unit"] = world.units[1], world.units[0]
    before = standings_of(reading, events, world.as_of[0])

    assert standings_of(reading, [*events, done, undone], world.as_of[0]) == before
