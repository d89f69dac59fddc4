"""tally: what is known of each dossier, and from it the counters of units by civil day.

Keyed by dossier. Reads the portal's topics and the clock; keeps one row per dossier (its layers of facts); announces,
once per transaction, the absolute counters of every unit and day it touched.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, Final

import orjson

from models.calendar import utc_ms
from models.contributions import Contribution, contributions
from models.dossier import NOTHING, Dossier
from models.events import Refused, decode
from models.fold import learn, moved
from models.reading import Reading
from streams import topics
from streams.broker import bootstrap, client_options, faust_credentials
from streams.engine import Announcement, Engine, EngineConfig, Fetch, Owner
from streams.engine.owner import partition_of
from streams.messages import Mark, Passed, Tally, Tick, Version, dumps
from streams.settings import Settings

PENDING_TICKS_MAX: Final = 10_000
"""ticks waiting for their cut, per partition: a week of minutes; older ones are then passed over"""


UnitDay = tuple[str, str]
"""(unit, civil day as ISO text)"""


class Counted:
    """A contribution as the counter it moves. Equal only to itself, which makes comparing what a dossier held cheap."""

    __slots__ = ("counter", "numerator", "unit_day")

    def __init__(self, unit_day: UnitDay, counter: list[int], numerator: int) -> None:
        """Hold the counter, [numerator, denominator], of a unit and civil day."""
        self.unit_day = unit_day
        self.counter = counter
        self.numerator = numerator


def _unpacked(row: Any) -> Dossier:
    """Return a dossier's row as the core knows it: rows rest as bytes and are objects while they are being written."""
    if row is None:
        return NOTHING
    return orjson.loads(row) if type(row) is bytes else row  # type: ignore[no-any-return]  # what was packed


class TallyWork:
    """What tally keeps of one source partition: the dossiers' rows, and the counters they add up to."""

    def __init__(self, owner: Owner, reading: Reading, settings: Settings, dossiers: Any) -> None:
        """Start with nothing counted."""
        self._owner = owner
        self._reading = reading
        self._rules = reading.fold
        self._settings = settings
        self._dossiers = dossiers
        self._learnt: dict[bytes, None] = {}
        """dossiers of which something was learnt since counters were last announced"""
        self._held: dict[bytes, tuple[Counted, ...]] = {}
        """dossier → where it counts: what its row says, derived once"""
        self._counted: dict[Contribution, Counted] = {}
        self._cells: dict[UnitDay, dict[str, list[int]]] = {}
        self._touched: dict[UnitDay, None] = {}
        self._emptied: dict[UnitDay, None] = {}
        self._fold = reading.fold_fingerprint()
        self._begins = False
        self._completes = False
        self._passed: list[Tick] = []
        self._dead: list[Announcement] = []
        self._short = {settings.topic(name): name for name in topics.INBOUND}

    # -- what is derived -----------------------------------------------------------------------------------------------

    def restored(self, *, renewed: bool) -> None:
        """Fold the dossiers' rows into counters; announce all of them where the epoch is new."""
        for derived in (self._learnt, self._held, self._counted, self._cells, self._touched, self._emptied):
            derived.clear()
        for key, row in self._owner.rows(self._dossiers):
            held = self._where(_unpacked(row))
            if held:
                self._held[key] = held
                self._count(held, 1)
        memo = self._owner.memo
        memo.setdefault("counts", {"applied": 0, "unchanged": 0, "refused": 0})
        memo.setdefault("ticks", [])
        if renewed:
            # Counters from a state are as complete as the state was; those made from nothing are so only once
            # everything that is in the log by now has been counted.
            has_state = bool(self._cells) or any(memo["counts"].values())
            memo["goal"] = {} if has_state else self._owner.goal
            self._begins = True
            self._pass_ticks(self._owner.progress.next)
        else:
            self._touched.clear()  # whoever counted them has announced them

    def _where(self, dossier: Dossier) -> tuple["Counted", ...]:
        """Return where a dossier counts, as the counters it moves; dossiers that count alike share them."""
        known, add = self._counted, self._add_counted
        return tuple([known.get(c) or add(c) for c in contributions(dossier[0], self._rules)])

    def _add_counted(self, contribution: Contribution) -> "Counted":
        unit, day, cell, numerator = contribution
        counter = self._cells.setdefault((unit, day), {}).setdefault(cell, [0, 0])
        counted = self._counted[contribution] = Counted((unit, day), counter, numerator)
        return counted

    def _count(self, moved: Sequence["Counted"], sign: int) -> None:
        """Put contributions into the counters, or take them out."""
        touched = self._touched
        for counted in moved:
            counter = counted.counter
            counter[0] += sign * counted.numerator
            counter[1] += sign
            touched[counted.unit_day] = None
            if counter[1] == 0:
                self._emptied[counted.unit_day] = None

    # -- what comes in -------------------------------------------------------------------------------------------------

    def take(self, fetch: Fetch) -> None:
        """Take a fetch in: events into dossiers and counters, or ticks into the queue."""
        if fetch.topic in self._short:
            self._take_events(fetch)
        else:
            ticks: list[Tick] = self._owner.memo["ticks"]
            ticks += (orjson.loads(record.value) for record in fetch.records)
            del ticks[:-PENDING_TICKS_MAX]
        self._pass_ticks({**self._owner.progress.next, fetch.topic: fetch.position})

    def _take_events(self, fetch: Fetch) -> None:
        counts = self._owner.memo["counts"]
        dossiers, learnt = self._dossiers, self._learnt
        for record in fetch.records:
            event = decode(record.value, record.headers)
            if isinstance(event, Refused):
                self._refuse(record, event)
                counts["refused"] += 1
                continue
            key = record.key
            if key != event.dossier.encode():
                self._refuse(record, Refused("the record's key is not the dossier", event.dossier))
                counts["refused"] += 1
                continue
            before = _unpacked(dossiers.get(key))
            after, outcome = learn(before, event)
            counts[outcome] += 1
            if after is not before:
                dossiers[key] = after
                learnt[key] = None

    def _recount(self) -> None:
        """Move the counters by what has been learnt since they were announced.

        Once per transaction and dossier, not once per event: what counts follows from what is known.
        """
        held_by, dossiers = self._held, self._dossiers
        for key in self._learnt:
            held, now = held_by.get(key, ()), self._where(_unpacked(dossiers.get(key)))
            taken, put = moved(held, now)
            if taken or put:
                held_by[key] = now
                self._count(taken, -1)
                self._count(put, 1)
        self._learnt.clear()

    def _refuse(self, record: Any, refused: Refused) -> None:
        value = record.value or b""
        letter = {
            "reason": refused.reason,
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "sha256": hashlib.sha256(value).hexdigest(),
            "length": len(value),
            "at": utc_ms(max(record.timestamp, 0)),
        }
        key = refused.dossier.encode() or None
        self._dead.append(Announcement(self._settings.topic(topics.DEAD_LETTERS), key, dumps(letter)))

    def _pass_ticks(self, at: dict[str, int]) -> None:
        """Say which ticks have been passed: those before whose cut everything has been counted, in their order."""
        ticks: list[Tick] = self._owner.memo["ticks"]
        topic = self._settings.topic
        while ticks and all(at.get(topic(name), 0) >= position for name, position in ticks[0]["upto"].items()):
            self._passed.append(ticks.pop(0))
        goal = self._owner.memo.get("goal")
        if goal is not None and all(at.get(name, 0) >= position for name, position in goal.items()):
            del self._owner.memo["goal"]
            self._completes = True

    # -- what goes out -------------------------------------------------------------------------------------------------

    def announcements(self) -> Iterable[Announcement]:
        """Return marks of a new epoch, the counters touched, then ticks passed and dead letters."""
        self._recount()
        topic = self._settings.topic(topics.TALLIES)
        if self._begins:
            yield from self._everywhere(topic, self._mark(complete=False))
        yield from self._tallies(topic)
        if self._completes:
            yield from self._everywhere(topic, self._mark(complete=True))
        for tick in self._passed:
            yield from self._everywhere(
                topic, {"kind": "passed", **self._version(), "at": tick["at"], "flush": tick["flush"]}
            )
        yield from self._dead
        self._begins = self._completes = False
        self._passed, self._dead = [], []

    def _version(self) -> Version:
        owner = self._owner
        return {"slot": owner.partition, "epoch": owner.epoch, "position": owner.position}

    def _mark(self, *, complete: bool) -> Mark:
        return {"kind": "mark", **self._version(), "fold": self._fold, "complete": complete}

    def _everywhere(self, topic: str, message: Mark | Passed) -> Iterable[Announcement]:
        """Say something to every partition of watch."""
        value = dumps(message)
        return (Announcement(topic, None, value, p) for p in range(self._settings.partitions))

    def _tallies(self, topic: str) -> Iterable[Announcement]:
        """Say what the counters of every touched unit and day are now, one record per unit."""
        registry, partitions = self._reading.registry, self._settings.partitions
        days_of: dict[str, dict[str, dict[str, list[int]]]] = {}
        for unit, day in self._touched:
            days_of.setdefault(unit, {})[day] = self._cells[unit, day]
        for unit, days in days_of.items():
            tally: Tally = {"kind": "tally", **self._version(), "unit": unit, "days": days}
            home = partition_of(registry.home(unit).encode(), partitions)
            yield Announcement(topic, unit.encode(), dumps(tally), home)
        for unit_day in self._emptied:
            self._forget_empty(unit_day)
        self._touched.clear()
        self._emptied.clear()

    def _forget_empty(self, unit_day: UnitDay) -> None:
        """Drop counters that have come back to nothing, once that has been said."""
        unit, day = unit_day
        cells = self._cells[unit_day]
        for cell in [cell for cell, counter in cells.items() if counter[1] == 0]:
            del cells[cell]
            for numerator in (0, 1):
                self._counted.pop(Contribution(unit, day, cell, numerator), None)
        if not cells:
            del self._cells[unit_day]


def create_app(settings: Settings, reading: Reading) -> Engine:
    """Return the tally application."""
    config = EngineConfig(
        id=settings.topic(topics.TALLY),
        bootstrap=bootstrap(settings),
        fingerprint=reading.fold_fingerprint(),
        announces=topics.named(settings, (topics.TALLIES, topics.DEAD_LETTERS)),
        partitions=settings.partitions,
        security=client_options(settings),
        faust_credentials=faust_credentials(settings),
        session_timeout_s=settings.session_timeout_s,
        heartbeat_s=settings.heartbeat_s,
        transaction_timeout_s=settings.transaction_timeout_s,
        pending_records_max=settings.pending_records_max,
        fetch_bytes=settings.fetch_bytes,
        kept_state_s=settings.kept_state_s,
        fault=settings.fault,
    )
    app = Engine(config, lambda owner: TallyWork(owner, reading, settings, dossiers))
    inbound = app.source(*topics.named(settings, (*topics.INBOUND, topics.TICKS)))
    dossiers = app.Table("dossiers", key_type=bytes, value_type=bytes)

    @app.agent(inbound, name="tally")
    async def tally(stream: Any) -> None:
        """Merge what each fetch brought; the engine commits and announces."""
        async for fetch in app.fetches(stream):
            fetch.owner.work.take(fetch)

    return app
