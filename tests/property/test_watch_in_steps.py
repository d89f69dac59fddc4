"""However little a transaction has room for, and wherever a process ends: the same rows and transitions, once each."""

import random
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pytest
from faust.types import TP

from models.calendar.civil_time import end_of
from streams.audit.explain import _Memory, _Tables
from streams.engine import Announcement, Fetch, Room
from streams.files.decision_files import read_reading
from streams.settings import Settings
from streams.workers.watch import GATHERED_PER_STEP, WatchWork

UNITS = ("12688", "12691", "12700", "12742", "340", "34.so-tu-phap", "99999.unknown")
FIRST = date(2024, 6, 3)


def log_of(rng: random.Random, fold: str, days: int) -> list[dict[str, Any]]:
    """A source partition's words of some units, and an evening after each day."""
    position = 0
    said: list[dict[str, Any]] = [
        {"kind": "mark", "slot": 0, "epoch": 1, "position": 0, "fold": fold, "complete": False}
    ]
    for n in range(days):
        day = FIRST + timedelta(days=n)
        for unit in rng.sample(UNITS, 4):
            position += 1
            counted = rng.choice([0, 40, 90])
            below = counted * rng.choice([1, 3, 7 + 2 * (unit < "126")]) // 10
            told = (day - timedelta(days=rng.randrange(n + 1))).isoformat()
            cells = {"online-dossiers": [max(0, counted - below), counted]} if counted else {}
            version = {"slot": 0, "epoch": 1, "position": position}
            said.append({"kind": "tally", **version, "unit": unit, "days": {told: cells}})
        passed = {"kind": "passed", "slot": 0, "epoch": 1, "position": position, "records": 10 * n}
        if rng.random() < 0.8:  # else two evenings come at once
            said.append({**passed, "at": end_of(day), "flush": None})
    said.append({**passed, "at": end_of(day), "flush": "end"})
    return said


class Partition:
    """One partition of watch whose tables, memo and position are what was committed last when a process ends."""

    def __init__(self, rule: str, log: list[dict[str, Any]]) -> None:
        self.settings = Settings(partitions=1, switches={"alert_rule": rule})
        self.reading = read_reading(self.settings)
        self.log = [SimpleNamespace(offset=n, value=orjson.dumps(m)) for n, m in enumerate(log)]
        self.committed: tuple[int, Any, Any] = (0, {}, {})
        self.said: list[Announcement] = []
        self.begin()

    def begin(self) -> None:
        position, memo, rows = self.committed
        self.tables: Any = _Tables()
        self.owner: Any = _Memory(0)
        self.owner.memo.update(orjson.loads(orjson.dumps(memo)))
        self.owner.position, self.owner.epoch = position, 1
        self.tables.unit_days._rows.update(rows.get("unit_days", {}))
        for name in ("gaps", "alerts", "announced"):
            getattr(self.tables, name).update(rows.get(name, {}))
        self.work = WatchWork(self.owner, self.reading, self.settings, self.tables)  # type: ignore[arg-type]  # what it needs of them
        self.work.restored(renewed=position == 0 and not memo)

    def merge(self, most: int) -> None:
        at = self.owner.position
        fetch = Fetch(TP("t", 0), cast("Any", self.log[at : at + most]), at, min(len(self.log), at + most))
        self.tables.unit_days.fetch = fetch
        self.work.take(fetch)
        self.owner.position = fetch.position

    def transaction(self, room: Room) -> list[Announcement]:
        made = []
        for said in self.work.announcements(room):
            if said is not None:
                made.append(said)
                room.take(len(said.value or b""))
        return made

    def commit(self, made: list[Announcement]) -> None:
        rows = {name: dict(getattr(self.tables, name)) for name in ("gaps", "alerts", "announced")}
        rows["unit_days"] = dict(self.tables.unit_days._rows)
        self.committed = self.owner.position, orjson.loads(orjson.dumps(self.owner.memo)), rows
        self.said += made

    def outcome(self) -> tuple[dict[Any, Any], list[Any], list[Any]]:
        """The last row under each key, transitions, and heartbeats; no row twice or older at one key."""
        rows: dict[Any, Any] = {}
        newest: dict[Any, str] = {}
        transitions, beats = [], []
        for said in self.said:
            if said.topic.endswith("standings"):
                row = None if said.value is None else orjson.loads(said.value)
                version = dict(said.headers)["version"].decode() if row is None else row.pop("version")
                assert version > newest.get(said.key, ""), f"{said.key!r} twice at {version}"
                rows[said.key], newest[said.key] = row, version
            elif said.topic.endswith("alerts"):
                transitions.append(orjson.loads(said.value or b""))
            else:
                beats.append(orjson.loads(said.value or b"")["clock"])
        return rows, transitions, beats


def whole(rule: str, log: list[dict[str, Any]]) -> Partition:
    watch = Partition(rule, log)
    while watch.owner.position < len(watch.log):
        watch.merge(len(watch.log))
        while True:
            watch.commit(watch.transaction(Room(1 << 30, 1 << 30)))
            if watch.work.owes == "nothing":
                break
    return watch


@pytest.mark.parametrize(
    ("rule", "seed"),
    [
        ("evidence", 1),
        *(
            pytest.param(*case, marks=pytest.mark.long)
            for case in [("evidence", 0), ("literal", 2), ("literal", 3), ("forecast", 0)]
        ),
    ],
)
def test_in_steps_as_in_one_go(rule: str, seed: int) -> None:
    rng = random.Random(seed)
    fold = read_reading(Settings(partitions=1)).fold_fingerprint()
    log = log_of(rng, fold, 18)
    rows, transitions, beats = whole(rule, log).outcome()
    assert rows
    assert transitions

    watch, transactions, crashes = Partition(rule, log), 0, 0
    while watch.owner.position < len(log) or watch.work.owes != "nothing":
        assert transactions < 20_000
        if rng.random() < 0.03:
            watch.begin()
            crashes += 1
            continue
        if watch.work.owes != "now" and watch.owner.position < len(log):
            watch.merge(rng.choice([1, 3, 40]))
        before = watch.committed[:2]
        behind = watch.owner.position < len(log)
        made = watch.transaction(
            Room(rng.choice([1, 30, 600]), rng.choice([1, 5_000, 1 << 20]), patient=behind and rng.random() < 0.7)
        )
        transactions += 1
        if rng.random() < 0.05:
            watch.begin()
            crashes += 1
            continue
        watch.commit(made)
        assert made or watch.committed[:2] != before or watch.work.owes == "later", "nothing came of a transaction"
    assert crashes
    assert transactions > 20
    in_steps = watch.outcome()
    assert in_steps[0] == rows
    assert in_steps[1] == transitions
    assert in_steps[2][-1] == beats[-1]


def test_what_is_to_be_said_of_28_000_units_is_gathered_in_steps() -> None:
    """Counted, not timed: no more rows are looked at between two turns of others than a step holds."""
    fold = read_reading(Settings(partitions=1)).fold_fingerprint()
    watch = Partition("evidence", log_of(random.Random(1), fold, 2))
    watch.merge(len(watch.log))
    while watch.work.owes == "now":
        watch.transaction(Room(1 << 30, 1 << 30))
    changed = [(f"{n:05d}", "online-dossiers") for n in range(28_000)]

    steps = sum(1 for _ in watch.work._to_tell(changed))

    owed = watch.work._owed
    assert owed == sorted(owed, reverse=True)
    assert set(changed) <= set(owed)
    assert steps >= 2 * (len(changed) // GATHERED_PER_STEP)  # looked at, and put in order
    assert GATHERED_PER_STEP <= 2_000
