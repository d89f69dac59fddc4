"""What tally says with a tick that has been passed: how much had come in when the tick was written."""

from collections import deque
from types import SimpleNamespace
from typing import Any

import orjson

from models.alerting.feed_silence import heard, silent
from models.dossiers.events import TOPIC_OF
from streams.broker import topics
from streams.engine import Room
from streams.files.decision_files import read_reading
from streams.settings import Settings
from streams.workers.tally import TallyWork
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


def fetch(topic: str, first: int, values: list[tuple[bytes, Any]], partition: int = 0) -> Any:
    records = [
        SimpleNamespace(key=k, value=orjson.dumps(v), headers=(), timestamp=0, offset=offset)
        for offset, (k, v) in enumerate(values, start=first)
    ]
    return SimpleNamespace(
        topic=topic, partition=partition, start=first, position=first + len(records), records=records
    )


def passed(evenings: list[int]) -> list[int]:
    """A tick each evening, in whose cut so many records lie; all are read at once. Return what is said of each."""
    table = Rows()
    owner = owner_of(table)
    work = TallyWork(owner, read_reading(SETTINGS), SETTINGS, table)
    deque(work.restoring(renewed=True), maxlen=0)
    events = [event("received", f"H-{n}", "2024-06-03", version=1, unit="12688") for n in range(evenings[-1])]
    ticks = [
        {"at": f"2024-06-{n:02d}T23:59:59+07:00", "flush": None, "upto": {TOPIC_OF["received"]: total}}
        for n, total in enumerate(evenings, start=3)
    ]
    work.take(fetch(SETTINGS.topic(topics.TICKS), 0, [(b"", t) for t in ticks]))
    work.take(fetch(RECEIVED, 0, [(e["dossier"].encode(), e) for e in events]))
    owner.progress.next.update({SETTINGS.topic(topics.TICKS): len(ticks), RECEIVED: len(events)})
    said = [orjson.loads(a.value) for a in work.announcements(Room(1_000, 1 << 20)) if a is not None]  # type: ignore[arg-type]
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


def test_a_new_epoch_is_said_in_as_many_transactions_as_it_takes_and_then_its_ticks() -> None:
    """A successor goes on with the unit at which its predecessor ended."""
    table = Rows()
    owner = owner_of(table)
    work = TallyWork(owner, read_reading(SETTINGS), SETTINGS, table)
    deque(work.restoring(renewed=True), maxlen=0)
    events = [event("received", f"H-{n}", "2024-06-03", version=1, unit=f"{12600 + n % 9}") for n in range(30)]
    work.take(fetch(RECEIVED, 0, [(e["dossier"].encode(), e) for e in events]))
    owner.progress.next[RECEIVED] = len(events)
    owner.memo["ticks"] = [{"at": f"2024-06-{d:02d}T23:59:59+07:00", "flush": None, "upto": {}} for d in (3, 4, 5)]
    owner.memo["goal"] = {}

    said = []
    for n in range(40):
        room = Room(2, 1 << 20)
        for announced in work.announcements(room):
            if announced is not None:
                said.append(orjson.loads(announced.value))  # type: ignore[arg-type]
                room.take(len(announced.value))  # type: ignore[arg-type]
        if work.owes == "nothing":
            break
        if n == 2:
            owner.memo = orjson.loads(orjson.dumps(owner.memo))
            work = TallyWork(owner, read_reading(SETTINGS), SETTINGS, table)
            deque(work.restoring(renewed=False), maxlen=0)
            assert work.owes == "now"

    assert n > 4
    assert [m["unit"] for m in said if m["kind"] == "tally"] == sorted({e["unit"] for e in events})
    assert [m["kind"] for m in said if m["kind"] != "tally"] == ["mark", "mark", "passed", "passed", "passed"]
    assert sum(c[1] for m in said if m["kind"] == "tally" for c in m["days"]["2024-06-03"].values()) >= len(events)
