"""watch: rows of units by civil day, from them standings and alerts.

Keyed by unit. A windowed table (tumbling, one civil day) holds what each source partition of tally says of a unit's
day; the unit's counters are the sum over them. The clock is what every source partition has passed: a tick is acted on
when the last of them has counted all that came before it.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Final, NamedTuple, cast

import orjson

from models.alerts import EVERY, Alerts
from models.calendar import civil_day, day_number, day_text
from models.decisions import Indicator
from models.gaps import Listed
from models.reading import Reading
from models.standings import Standing, Standings
from models.transitions import Transition
from streams import topics
from streams.engine import Announcement, Engine, Fetch, Owner
from streams.engine.owner import partition_of
from streams.engine.stats import Durations
from streams.engine.tables import windowed
from streams.messages import EVIDENCE_HEADER, Mark, Passed, Restored, Tally, cells_in_force, dumps
from streams.settings import Settings

DAY_S: Final = 86_400

Row = dict[str, dict[str, list[Any]]]
"""slot → epoch → [position, cells]; JSON has text keys"""
EVENING: Final = "23:00"
"""time of day from which a tick speaks for the whole of its civil day; ticks come every minute, or at its end"""
VERSION_HEADER: Final = "version"


class WatchFigures(NamedTuple):
    """What a partition of watch says of itself."""

    watermark: str | None
    """the clock: up to that instant everything has been judged; None before the first tick"""
    settled: bool
    """every source partition counts by our rules; while one does not, nothing is announced"""
    open_alerts: int
    evaluations: Durations
    """by this process"""
    unknown_units: int = 0
    """units that no registry knows and for which something counts; they all lie in one partition"""


class WatchTables:
    """The tables of watch: unit-days by window, alert memory and announced rows by their names."""

    def __init__(self, app: Engine) -> None:
        """Make them."""
        # Day numbers × 86 400 are the windows; they never expire (Faust would wipe a backfill by the wall clock).
        self.unit_days: Any = (
            app.Table("unit-days", default=dict).tumbling(DAY_S).relative_to(lambda event: event.value.at)
        )
        self.gaps: Any = app.Table("gaps")
        self.alerts: Any = app.Table("alerts")
        self.announced: Any = app.Table("announced")


class WatchWork:
    """What watch keeps of one source partition: the standings of the units whose home it is."""

    def __init__(self, owner: Owner, reading: Reading, settings: Settings, tables: WatchTables) -> None:
        """Start with nothing."""
        self._owner = owner
        self._reading = reading
        self._settings = settings
        self._tables = tables
        self._fold = reading.fold_fingerprint()
        self._fingerprint = reading.fingerprint()
        self._standings = Standings(reading, date.min)
        self._alerts = self._new_alerts()
        self._changed: set[tuple[str, Indicator]] | None = set()
        """rows to be announced; None: all of them"""
        self._transitions: list[Transition] = []
        self._beats = False
        self._evaluations = Durations()

    # -- what is derived -----------------------------------------------------------------------------------------------

    @property
    def _slots(self) -> dict[str, dict[str, Any]]:
        """Slot → what its source partition has said of itself: epoch, fold, clock, flush."""
        slots: dict[str, dict[str, Any]] = self._owner.memo.setdefault("slots", {})
        return slots

    @property
    def _clock(self) -> str | None:
        """The instant up to which everything has been counted; None while there is no tick yet."""
        clock: str | None = self._owner.memo.get("clock")
        return clock

    def _new_alerts(self) -> Alerts:
        """Return alert state with nothing remembered; a silent feed is told from the home of the province."""
        return Alerts(self._standings, hears_feed=self._is_home(self._reading.decision.province))

    def _settled(self) -> bool:
        """Tell whether every source partition counts by the rules of our reading."""
        slots = self._slots
        return len(slots) == self._settings.partitions and all(s["fold"] == self._fold for s in slots.values())

    def restored(self, *, renewed: bool) -> None:
        """Fold the rows into standings and alert memory; announce all where the epoch is new."""
        clock = self._clock
        self._standings = Standings(self._reading, date.min if clock is None else date.fromisoformat(civil_day(clock)))
        slots, add = self._slots, self._standings.add_day
        for unit, start, row in windowed(self._owner.rows(self._tables.unit_days)):
            day = day_text(int(start) // DAY_S)
            for slot, epochs in row.items():
                add(unit, day, cells_in_force(epochs, slots.get(slot)))
        for unit, row in self._owner.rows(self._tables.gaps):
            for slot, epochs in row.items():
                self._list(unit, slot, cells_in_force(epochs, slots.get(slot)))
        self._standings.take_changed()
        self._alerts = self._new_alerts()
        prefix = f"{self._reading.decision.id}/"
        for key, memory in self._owner.rows(self._tables.alerts):
            if key.startswith(prefix):
                _, indicator, unit = key.split("/", 2)
                self._alerts.memory[unit, indicator] = memory
        self._transitions = []
        self._changed = None if renewed else set()

    def _list(self, unit: str, slot: str, gaps: dict[str, Listed]) -> None:
        for cell, listed in gaps.items():
            self._standings.list_gaps(unit, cell, slot, listed)

    # -- what comes in -------------------------------------------------------------------------------------------------

    def take(self, fetch: Fetch) -> None:
        """Take a fetch of tallies, marks and passed ticks in, in their order."""
        for record in fetch.records:
            message = orjson.loads(record.value)
            kind = message["kind"]
            if kind == "tally":
                self._take_tally(message, fetch)
            elif kind == "mark":
                self._take_mark(message)
            elif kind == "restored":
                self._take_restored(message)
            else:
                self._take_passed(message)

    def _take_tally(self, tally: Tally, fetch: Fetch) -> None:
        slot, epoch, unit = str(tally["slot"]), tally["epoch"], tally["unit"]
        known = self._slots.get(slot)
        current = epoch if known is None else known["epoch"]
        if epoch < current:
            return
        table, name, position = self._tables.unit_days, str(epoch), tally["position"]
        if "gaps" in tally:
            self._take_gaps(tally, str(current))
        for day, cells in tally["days"].items():
            fetch.at = day_number(day) * DAY_S  # the window of this row
            row: Row = table[unit].value()
            epochs = row.get(slot, {})
            said = epochs.get(name)
            if said is not None and said[0] >= position:
                continue
            kept = {e: c for e, c in epochs.items() if int(e) >= current}
            table[unit] = {**row, slot: {**kept, name: [position, cells]}}
            if epoch == current:
                if said is not None:
                    self._standings.add_day(unit, day, said[1], -1)
                self._standings.add_day(unit, day, cells)

    def _take_gaps(self, tally: Tally, current: str) -> None:
        """Take in which dossiers are still to be fulfilled; cells of which nothing is said stay as they are."""
        unit, slot, name, position = tally["unit"], str(tally["slot"]), str(tally["epoch"]), tally["position"]
        row: Row = self._tables.gaps.get(unit, {})
        epochs = row.get(slot, {})
        said = epochs.get(name, [-1, {}])
        if said[0] >= position:
            return
        kept = {e: c for e, c in epochs.items() if int(e) >= int(current)}
        # An empty list stays: it says that the cell's gaps are closed.
        self._tables.gaps[unit] = {**row, slot: {**kept, name: [position, said[1] | tally["gaps"]]}}
        if name == current:
            self._list(unit, slot, tally["gaps"])

    def _take_mark(self, mark: Mark) -> None:
        """Begin an epoch where there is none; go over to a new one when it is complete."""
        slot = str(mark["slot"])
        known = self._slots.get(slot)
        if known is None:
            self._slots[slot] = {"epoch": mark["epoch"], "fold": mark["fold"], "clock": None, "flush": None}
            self._changed = None
        elif mark["complete"] and mark["epoch"] > known["epoch"]:
            known["epoch"], known["fold"] = mark["epoch"], mark["fold"]
            transitions = self._transitions
            self.restored(renewed=True)
            self._transitions = transitions

    def _take_restored(self, said: Restored) -> None:
        """Remember what a backup holds, and judge nothing before every fact of it has been counted."""
        self._owner.memo["held"], self._owner.memo["clock"] = said["flush"], said["clock"]
        for key, memory in said["memory"].items():
            self._tables.alerts[key] = memory
        transitions = self._transitions
        self.restored(renewed=True)
        self._transitions = transitions

    def _held(self, slot: dict[str, Any], flush: str | None) -> bool:
        """Tell whether a restoration holds up judging: until every source partition has passed its last tick."""
        held = self._owner.memo.get("held")
        if held is None:
            return False
        if flush == held:
            slot["restored"] = held
        if not all(s.get("restored") == held for s in self._slots.values()):
            return True
        del self._owner.memo["held"]
        return False

    def _take_passed(self, passed: Passed) -> None:
        """Move the clock to what every source partition has passed, and evaluate."""
        slot = self._slots.get(str(passed["slot"]))
        if slot is None:
            return
        at, flush = passed["at"], passed["flush"]
        if at is not None and (slot["clock"] is None or at > slot["clock"]):
            slot["clock"] = at
            if at[11:] >= EVENING:
                slot["records"] = {**slot.get("records", {}), civil_day(at): passed["records"]}
        if flush is not None:
            slot["flush"] = flush
        if "misplaced" in passed:
            slot["misplaced"] = passed["misplaced"]
        slots = self._slots.values()
        held = self._held(slot, flush)
        if held or not self._settled() or any(s["clock"] is None for s in slots):
            return
        clock = min(s["clock"] for s in slots)
        flushed = flush is not None and all(s["flush"] == flush for s in slots)
        if clock == self._clock and not flushed:
            return
        if self._clock is None:
            self._changed = None
        before = self._clock
        self._owner.memo["clock"] = clock
        began = time.perf_counter()
        self._evaluate(before, clock)
        self._evaluations.observe(time.perf_counter() - began)

    def _evaluate(self, before: str | None, clock: str) -> None:
        self._beats = True
        for instant, asked in self._alerts.instants(before, clock):
            if self._standings.move_to(date.fromisoformat(civil_day(instant))):
                self._changed = None  # every row carries the day
            self._note()
            if asked:
                self._raise(self._alerts.tick(instant, self._records_by(civil_day(instant))))
        self._raise(self._alerts.misplaced(clock, self._misplaced()))

    def _raise(self, transitions: list[Transition]) -> None:
        """Announce transitions, and write down what the alerts remember."""
        self._transitions += transitions
        self._note_rows((t["unit"], cast("Indicator", t["indicator"])) for t in transitions if t["indicator"] != EVERY)
        for unit, indicator in self._alerts.take_changed():
            key = f"{self._reading.decision.id}/{indicator}/{unit}"
            memory = self._alerts.memory.get((unit, indicator))
            if memory is not None:
                self._tables.alerts[key] = memory
            elif self._tables.alerts.get(key) is not None:
                del self._tables.alerts[key]

    def _records_by(self, day: str) -> int | None:
        """Return how many records had come in by the evening of a civil day; None where nobody ticked on that evening.

        What had come by an earlier tick says nothing: a system that stood still would take itself for a silent feed.
        """
        found: list[int | None] = []
        for slot in self._slots.values():
            said: dict[str, int] = slot.get("records", {})
            found.append(said.get(day))
            slot["records"] = {d: n for d, n in said.items() if d >= day}
        known = [n for n in found if n is not None]
        return sum(known) if len(known) == len(found) else None

    def _misplaced(self) -> Mapping[str, int]:
        """Return source topic → how many of its records tally has refused for their partition."""
        total: Counter[str] = Counter()
        for slot in self._slots.values():
            total.update(slot.get("misplaced", {}))
        return total

    def _note_rows(self, rows: Iterable[tuple[str, Indicator]]) -> None:
        """Take note of rows to be announced."""
        if self._changed is not None:
            self._changed.update(rows)

    def _note(self) -> None:
        """Take note of what has changed, for alerts and for what is announced."""
        changed = self._standings.take_changed()
        self._alerts.changed(changed)
        if self._changed is not None:
            self._changed |= changed

    # -- what goes out -------------------------------------------------------------------------------------------------

    def raised(self) -> list[Transition]:
        """Return the transitions raised since last asked, in their order."""
        transitions, self._transitions = self._transitions, []
        return transitions

    def announcements(self) -> Iterable[Announcement]:
        """Return the transitions in their order, and every standing that has changed, with one version."""
        alerts, raised = self._settings.topic(topics.ALERTS), self.raised()
        evidence = ((EVIDENCE_HEADER, self._evidence()),) if raised else ()
        for transition in raised:
            yield Announcement(alerts, transition["fingerprint"].encode(), dumps(transition), None, evidence)
        self._note()
        if self._clock is None or not self._settled():
            return
        if self._beats:
            # Forecasts move with ticks, and once for all of them that a backlog brings: they are the dearest part.
            self._beats = False
            self._note_rows(self._alerts.prospects.refresh())
            key = f"{topics.WATCH}/{self._owner.partition}".encode()
            yield Announcement(self._settings.topic(topics.HEARTBEATS), key, dumps({"clock": self._clock}))
        changed, self._changed = self._changed, set()
        version = f"{self._owner.epoch:010d}.{self._owner.position:016d}"
        yield from self._standing_records(changed, version)

    def _evidence(self) -> bytes:
        """Return where in the log lies what is announced now: all of a partition of tallies up to a position."""
        where = {"partition": self._owner.partition, "position": self._owner.position}
        return dumps({"topic": topics.TALLIES, **where, "reading": self._fingerprint})

    # -- what is to be watched -----------------------------------------------------------------------------------------

    def figures(self) -> WatchFigures:
        """Return what operations want to know; cheap, and read only."""
        still_open = sum(memory["open"] is not None for memory in self._alerts.memory.values())
        strangers = len(self._standings.strangers())
        return WatchFigures(self._clock, self._settled(), still_open, self._evaluations, strangers)

    def _standing_records(self, changed: set[tuple[str, Indicator]] | None, version: str) -> Iterator[Announcement]:
        standings, reading, complete = self._standings, self._reading, self._alerts.prospects.complete
        if changed is None:
            units = {u for u in (*standings.named(), *standings.with_counters()) if self._is_home(u)}
            gone = self._announced() - units
            changed = {(u, i) for u in units | gone for i in reading.indicators}
        units = {unit for unit, _ in changed if self._is_home(unit)}
        present = {u for u in units if standings.has_standing(u)}
        # A unit that came to have dossiers, or lost its last one, appears or goes with all its rows.
        new = {u for u in present if not self._is_announced(u)}
        changed = changed | {(u, i) for u in new for i in reading.indicators}
        groups: dict[tuple[str, Indicator], None] = {}
        for unit, indicator in sorted(changed):
            if unit in present:
                row = standings.standing(unit, indicator, self._alerts.alert_of(unit, indicator))
                yield self._record(complete(row), version)
            group = standings.group_of(unit)
            if group is not None:
                groups[group, indicator] = None
        for code, indicator in groups:
            yield self._record(complete(standings.group_standing(standings.groups()[code], indicator)), version)
        yield from self._go(units - present, version)
        for unit in new:
            self._tables.announced[self._name(unit)] = True

    def _go(self, units: set[str], version: str) -> Iterator[Announcement]:
        """Take back the rows of units that have no standing any more."""
        topic = self._settings.topic(topics.STANDINGS)
        for unit in sorted(units):
            if self._is_announced(unit):
                for indicator in self._reading.indicators:
                    key = f"{self._reading.decision.id}/{indicator}/{unit}".encode()
                    yield Announcement(topic, key, None, self._owner.partition, ((VERSION_HEADER, version.encode()),))
                del self._tables.announced[self._name(unit)]

    def _record(self, row: Standing, version: str) -> Announcement:
        """Return a row's record; it goes where its unit is at home, so that a transaction has one partition of rows."""
        row["version"] = version
        key = f"{row['decision']}/{row['indicator']}/{row['unit']}"
        return Announcement(self._settings.topic(topics.STANDINGS), key.encode(), dumps(row), self._owner.partition)

    def _is_home(self, unit: str) -> bool:
        home = self._reading.home(unit).encode()
        return partition_of(home, self._settings.partitions) == self._owner.partition

    def _name(self, unit: str) -> str:
        return f"{self._reading.decision.id}/{unit}"

    def _is_announced(self, unit: str) -> bool:
        return self._tables.announced.get(self._name(unit)) is not None

    def _announced(self) -> set[str]:
        prefix = f"{self._reading.decision.id}/"
        rows = self._owner.rows(self._tables.announced)
        return {key.removeprefix(prefix) for key, _ in rows if key.startswith(prefix)}
