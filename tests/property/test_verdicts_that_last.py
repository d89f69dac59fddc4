"""What a rule said of figures that have not changed is taken again unasked: the same state on every evening as asked."""

import json
import random
from collections.abc import Iterable
from datetime import date
from typing import Any, cast

import pytest

from models.alerting.rules import RULES
from models.decisions.reading import Reading
from models.evaluation.evaluation import Evaluator, evaluate
from models.forecasting.forecast import volume
from streams.feeds.simulate import Simulation, simulate
from tests.builders import thai_binh
from tests.conftest import most_are_long
from tests.property.test_five_decisions import AND_OWN, chosen, reading_of
from tests.strategies import World, random_catalogue, random_events


def year(reading: Reading, lines: Iterable[bytes], as_of: date) -> tuple[list[str], list[Any]]:
    """Alert memory on every evening, and the transitions."""
    evenings: list[str] = []

    def remember(evaluator: Evaluator, at: str) -> None:
        memory = {f"{unit}/{indicator}": kept for (unit, indicator), kept in evaluator.alerts.memory.items()}
        evenings.append(at + json.dumps(memory, sort_keys=True))

    result = evaluate(reading, enumerate(lines, 1), as_of, on_tick=remember)
    return evenings, [result.alerts, result.standings]


def assert_same(reading: Reading, lines: list[bytes], as_of: date, monkeypatch: pytest.MonkeyPatch) -> int:
    evenings, found = year(reading, lines, as_of)
    asked = RULES["evidence"]._replace(turns=None)
    monkeypatch.setitem(cast("dict[str, Any]", RULES), "evidence", asked)
    asked_evenings, expected = year(reading, lines, as_of)

    for evening, other in zip(asked_evenings, evenings, strict=True):
        assert evening == other, evening[:25]
    assert expected == found
    return len(found[0])


@pytest.mark.parametrize("seed", most_are_long(range(2)))
@pytest.mark.parametrize("world", **AND_OWN)
def test_of_random_streams(world: World, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(f"lasting/{world.decision}/{seed}")
    rows, switches, heirs = random_catalogue(chance, world), chosen(chance, world), chance.random() < 0.5
    lines = [json.dumps(e).encode() for e in random_events(chance, world, chance.choice((60, 150)))]
    reading = reading_of(world, rows, switches | {"alert_rule": "evidence"}, heirs=heirs)

    assert_same(reading, lines, date.fromisoformat(chance.choice(world.as_of)), monkeypatch)


ENTERED = tuple(
    ("340/communes", indicator, day, value, between)
    for indicator in ("online-dossiers", "digitised-results")
    for day, value, between in (("2024-03-01", "20", "step"), ("2024-08-01", "60", "linear"), ("2024-12-31", "100", ""))
)


@pytest.mark.parametrize(("seed", "dossiers", "entered"), [(1, 600, ()), (2, 900, ENTERED)])
def test_of_a_year(seed: int, dossiers: int, entered: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    reading = thai_binh(rule="evidence", trajectories=entered)
    lines = list(simulate(reading, Simulation(dossiers, seed)))

    assert assert_same(reading, lines, date(2024, 12, 31), monkeypatch) > 100


@pytest.mark.parametrize("counted", [1, 3, 20, 150, 4_000])
def test_what_is_still_to_come_falls_from_day_to_day(counted: int) -> None:
    volumes = [volume(counted, day, 366 - day) for day in range(1, 367)]

    assert [v.most for v in volumes] == sorted((v.most for v in volumes), reverse=True)
    assert [v.mean for v in volumes] == sorted((v.mean for v in volumes), reverse=True)
