"""A takeover gives way to others while it folds a large state: how often follows from the rows, and nothing else does."""

from typing import Any

import pytest

from models.calendar.civil_time import day_number
from streams.engine.work import FOLDED_PER_STEP
from streams.workers import watch
from tests.property.test_watch_in_steps import Partition

EPOCH = 1


def partition(unit_days: int) -> Partition:
    """One whose state holds so many unit-days of communes."""
    made = Partition("literal", [])
    units = sorted(unit.code for unit in made.reading.registry.units.values() if unit.level == "commune")
    made.owner.memo["clock"] = "2024-12-30T08:00:00+07:00"
    first = day_number("2024-01-02")
    made.owner.memo["slots"] = {"0": {"epoch": EPOCH, "fold": "", "clock": None, "flush": None}}
    for n in range(unit_days):
        unit, start = units[n % len(units)], (first + n // len(units)) * watch.DAY_S
        row = {"0": {str(EPOCH): [n, {"online-dossiers": [1, 2]}]}}
        made.tables.unit_days._rows[unit, (start, start + watch.DAY_S - 0.1)] = row
    return made


@pytest.mark.parametrize("unit_days", [500, 6_500])
def test_others_have_their_turn_every_thousand_rows(unit_days: int) -> None:
    made, in_one_go = partition(unit_days), partition(unit_days)
    assert len(list(made.owner.rows(made.tables.unit_days))) == unit_days

    steps = sum(1 for _ in made.work.restoring(renewed=False))
    in_one_go.work.restored(renewed=False)

    assert steps == unit_days // FOLDED_PER_STEP
    assert _figures(made) == _figures(in_one_go)
    assert sum(n for _, n in _figures(made).values()) == 2 * unit_days


def _figures(made: Partition) -> Any:
    standings = made.work._standings
    return {unit: standings.figures(unit, "online-dossiers") for unit in standings.with_counters()}
