"""What tally says with a tick that has been passed: how much had come in when the tick was written."""

from types import SimpleNamespace
from typing import Any

import orjson

from models.events import TOPIC_OF
from models.feeds import heard, silent
from streams import topics
from streams.library import read_reading
from streams.settings import Settings
from streams.tally import TallyWork
from tests.builders import event

SETTINGS = Settings(partitions=1)
RECEIVED = SETTINGS.topic(TOPIC_OF["received"])


class Rows:
    """A table of rows, in memory."""

    def __init__(self) -> None:
        self.rows: dict[bytes, Any] = {}

    def written(self, keys: Any) -> None:
        """Nothing is logged here."""


def owner_of(table: Rows) -> Any:
    return SimpleNamespace(
        memo={}, goal={}, epoch=1, position=0, partition=0, progress=SimpleNamespace(next={}),
        rows=lambda _: iter(table.rows.items()),
    )  # fmt: skip


def fetch(topic: str, first: int, values: list[tuple[bytes, Any]]) -> Any:
    records = [SimpleNamespace(key=k, value=orjson.dumps(v), headers=(), timestamp=0) for k, v in values]
    return SimpleNamespace(topic=topic, start=first, position=first + len(records), records=records)


def passed(evenings: list[int]) -> list[int]:
    """A tick each evening, in whose cut so many records lie; all are read at once. Return what is said of each."""
    table = Rows()
    owner = owner_of(table)
    work = TallyWork(owner, read_reading(SETTINGS), SETTINGS, table)
    work.restored(renewed=True)
    events = [event("received", f"H-{n}", "2024-06-03", version=1, unit="12688") for n in range(evenings[-1])]
    ticks = [
        {"at": f"2024-06-{n:02d}T23:59:59+07:00", "flush": None, "upto": {TOPIC_OF["received"]: total}}
        for n, total in enumerate(evenings, start=3)
    ]
    work.take(fetch(SETTINGS.topic(topics.TICKS), 0, [(b"", t) for t in ticks]))
    work.take(fetch(RECEIVED, 0, [(e["dossier"].encode(), e) for e in events]))
    said = [orjson.loads(a.value) for a in work.announcements()]
    return [m["records"] for m in said if m["kind"] == "passed"]


def test_each_of_several_ticks_passed_at_once_tells_of_its_own_evening() -> None:
    assert passed([40, 75, 75, 120]) == [40, 75, 75, 120]


def test_a_backlog_that_is_caught_up_with_is_no_silence_and_hides_none() -> None:
    rhythm = list(range(0, 1_000, 40))
    busy, quiet = ([rhythm[-1] + n for n in passed(evenings)] for evenings in ([40, 80, 120], [40, 80, 80]))

    for total in busy:
        rhythm = heard(rhythm, total)
    assert not silent(rhythm)
    rhythm = list(range(0, 1_000, 40))
    for total in quiet:
        rhythm = heard(rhythm, total)
    assert silent(rhythm)
