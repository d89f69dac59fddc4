"""tally: what is known of each dossier, and from it the counters of units by civil day.

Keyed by dossier. Reads the portal's topics and the clock; keeps one row per dossier (its layers of facts); announces,
once per transaction, the absolute counters of every unit and day it touched.
"""

import hashlib
from collections.abc import Iterable
from typing import Any, Final

import orjson

from models.calendar import utc_ms
from models.contributions import contributions
from models.dossier import EMPTY, view
from models.events import Refused, decode
from models.fold import fold
from models.reading import Reading
from streams import topics
from streams.broker import bootstrap, client_options, faust_credentials
from streams.engine import Announcement, Engine, EngineConfig, Fetch, Owner
from streams.engine.owner import partition_of
from streams.messages import Mark, Passed, Tally, Tick, Version, dumps
from streams.settings import Settings

PENDING_TICKS_MAX: Final = 10_000
"""ticks waiting for their cut, per partition: a week of minutes; older ones are then passed over"""


class TallyWork:
    """What tally keeps of one source partition: the dossiers' rows, and the counters they add up to."""

    def __init__(self, owner: Owner, reading: Reading, settings: Settings, dossiers: Any) -> None:
        """Start with nothing counted."""
        self._owner = owner
        self._reading = reading
        self._rules = reading.fold
        self._settings = settings
        self._dossiers = dossiers
        self._cells: dict[str, dict[str, dict[str, list[int]]]] = {}
        self._touched: dict[str, dict[str, None]] = {}
        self._fold = reading.fold_fingerprint()
        self._begins = False
        self._completes = False
        self._passed: list[Tick] = []
        self._dead: list[Announcement] = []
        self._short = {settings.topic(name): name for name in topics.INBOUND}

    # -- what is derived -----------------------------------------------------------------------------------------------

    def restored(self, *, renewed: bool) -> None:
        """Fold the dossiers' rows into counters; announce all of them where the epoch is new."""
        self._cells.clear()
        self._touched.clear()
        for _, row in self._owner.rows(self._dossiers):
            for unit, day, cell, numerator in contributions(view(orjson.loads(row)), self._rules):
                self._count(unit, day, cell, numerator, 1)
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

    def _count(self, unit: str, day: str, cell: str, numerator: int, denominator: int) -> None:
        days = self._cells.get(unit)
        if days is None:
            days = self._cells[unit] = {}
        cells = days.get(day)
        if cells is None:
            cells = days[day] = {}
        counted = cells.get(cell)
        if counted is None:
            cells[cell] = [numerator, denominator]
        else:
            counted[0] += numerator
            counted[1] += denominator
        touched = self._touched.get(unit)
        if touched is None:
            self._touched[unit] = {day: None}
        else:
            touched[day] = None

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
        dossiers, rules, count = self._dossiers, self._rules, self._count
        loads, dump = orjson.loads, orjson.dumps
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
            row = dossiers.get(key)
            layers = EMPTY if row is None else loads(row)
            folded = fold(layers, event, rules)
            counts[folded.outcome] += 1
            if folded.layers is layers:
                continue
            dossiers[key] = dump(folded.layers)
            for unit, day, cell, numerator in folded.taken:
                count(unit, day, cell, -numerator, -1)
            for unit, day, cell, numerator in folded.put:
                count(unit, day, cell, numerator, 1)

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
        registry, partitions = self._reading.registry, self._settings.partitions
        touched, self._touched = self._touched, {}
        for unit, days in touched.items():
            of_unit = self._cells[unit]
            tally: Tally = {"kind": "tally", **self._version(), "unit": unit, "days": {d: of_unit[d] for d in days}}
            yield Announcement(
                topic, unit.encode(), dumps(tally), partition_of(registry.home(unit).encode(), partitions)
            )
            for day in days:
                self._forget_empty(unit, day)

    def _forget_empty(self, unit: str, day: str) -> None:
        """Drop counters that have come back to nothing, once that has been said."""
        cells = self._cells[unit][day]
        empty = [cell for cell, counted in cells.items() if counted[1] == 0 and counted[0] == 0]
        for cell in empty:
            del cells[cell]
        if not cells:
            del self._cells[unit][day]


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
