"""What watch takes for a silent source, where the clock goes on without a tick for days."""

from datetime import date
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from faust.types import TP

from models.calendar.workdays import SHIPPED
from streams.engine import Fetch
from streams.files.decision_files import read_reading
from streams.settings import Settings
from streams.workers.watch import WatchWork
from tests.tour.story import days

SETTINGS = Settings(partitions=1)
READING = read_reading(SETTINGS)


class Watch:
    """One partition of watch, told by one partition of tally which ticks it has passed."""

    def __init__(self) -> None:
        owner: Any = SimpleNamespace(
            memo={}, goal={}, epoch=1, position=0, partition=0, rows=lambda _: iter(()), spend=lambda _: None
        )
        tables: Any = SimpleNamespace(unit_days={}, gaps={}, alerts={}, announced={})
        self.work = WatchWork(owner, READING, SETTINGS, tables)
        self.work.restored(renewed=True)
        self._take({"kind": "mark", "fold": READING.fold_fingerprint(), "complete": False})
        self.records = 0

    def _take(self, message: dict[str, Any]) -> None:
        value = orjson.dumps({"slot": 0, "epoch": 1, "position": 0, **message})
        self.work.take(Fetch(TP("unit.tallies", 0), [SimpleNamespace(value=value, offset=0)], 0, 1))

    def evening(self, day: date, *, came: int, tick: str | None = "23:59:59") -> list[tuple[str, str]]:
        """So many records come in on a day, before its last tick or after. Return the kinds of what is raised."""
        early = tick is not None and tick < "12"
        if tick is not None:
            at = f"{day}T{tick}+07:00"
            records = self.records + (0 if early else came)
            self._take({"kind": "passed", "at": at, "flush": None, "records": records})
        self.records += came
        return [(t["kind"], t["status"]) for t in self.work.raised()]


def in_rhythm() -> Watch:
    watch = Watch()
    for day in days(date(2024, 6, 3), date(2024, 7, 12)):
        assert watch.evening(day, came=40 * SHIPPED.is_working(day)) == []
    return watch


def test_a_source_that_sends_nothing_on_a_working_day_is_silent() -> None:
    watch = in_rhythm()

    assert watch.evening(date(2024, 7, 15), came=0) == [("source-silent", "firing")]
    assert watch.evening(date(2024, 7, 16), came=40) == [("source-silent", "resolved")]


@pytest.mark.parametrize("last", [None, "08:00:00"])
def test_evenings_on_which_nobody_ticked_say_nothing_of_the_source(last: str | None) -> None:
    """The whole system stands still for three working days; the source sends on, and is read afterwards."""
    watch = in_rhythm()
    assert watch.evening(date(2024, 7, 15), came=40, tick=last) == []
    for day in (16, 17):
        assert watch.evening(date(2024, 7, day), came=40, tick=None) == []

    assert watch.evening(date(2024, 7, 18), came=40) == []
    assert watch.evening(date(2024, 7, 19), came=0) == [("source-silent", "firing")]
