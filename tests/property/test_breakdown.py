"""A breakdown adds up to the standing it explains, whatever it is by, of random streams under every decision."""

import json
import random
from datetime import date

import pytest

from models.evaluation.breakdown import BYS, By, breakdowns, history, taken_apart
from models.evaluation.evaluation import evaluate
from tests.conftest import most_are_long
from tests.property.test_five_decisions import AND_OWN, chosen, reading_of
from tests.strategies import World, random_catalogue, random_events


@pytest.mark.parametrize("seed", most_are_long(range(2)))
@pytest.mark.parametrize("by", BYS)
@pytest.mark.parametrize("world", **AND_OWN)
def test_rows_add_up_to_the_standing(world: World, by: By, seed: int) -> None:
    chance = random.Random(f"apart/{world.decision}/{seed}")
    rows, switches, heirs = random_catalogue(chance, world), chosen(chance, world), chance.random() < 0.7
    events = random_events(chance, world, chance.choice((12, 60, 150)))
    reading = reading_of(world, rows, switches, heirs=heirs)
    lines = ((n, json.dumps(e).encode()) for n, e in enumerate(events, 1))
    result = evaluate(reading, lines, date.fromisoformat(chance.choice(world.as_of)))
    assert result.counters is not None
    apart = breakdowns(result.counters, result.dossiers.values(), {r["unit"] for r in result.standings}, by)

    for row in result.standings:
        if not taken_apart(reading, row["indicator"], by):
            assert row["indicator"] not in apart.get(row["unit"], {})
            continue
        found = apart[row["unit"]][row["indicator"]]
        key = (row["unit"], row["indicator"])
        assert sum(r["numerator"] for r in found) == row["numerator"], key
        assert sum(r["denominator"] for r in found) == row["denominator"], key
        assert [sum(r["last_30_days"][place] for r in found) for place in (0, 1)] == row["last_30_days"], key
        assert [r["missing"] for r in found] == [r["denominator"] - r["numerator"] for r in found]
        assert len(found) <= 51


@pytest.mark.parametrize("world", **AND_OWN)
def test_history_ends_with_the_standing(world: World) -> None:
    chance = random.Random(f"history/{world.decision}")
    rows, switches = random_catalogue(chance, world), chosen(chance, world)
    reading = reading_of(world, rows, switches, heirs=False)
    events = random_events(chance, world, 60)
    lines = ((n, json.dumps(e).encode()) for n, e in enumerate(events, 1))
    result = evaluate(reading, lines, date.fromisoformat(world.as_of[-1]))
    assert result.counters is not None
    first, _ = reading.period(result.counters.as_of)

    for row in result.standings[:: max(1, len(result.standings) // 40)]:
        days = history(result.counters, row["unit"], row["indicator"])
        assert days[0][0] == first.isoformat()
        assert len(days) == (result.counters.as_of - first).days + 1
        last = (row["as_of"], row["numerator"], row["denominator"], row["expected"])
        if row["status"] not in ("no-target", "not-measured"):
            assert days[-1] == last
