"""watch: rows of units by civil day, from them standings and alerts.

Keyed by unit. A windowed table (tumbling, one civil day) holds what each source partition of tally says of a unit's
day; the unit's counters are the sum over them. The clock is what every source partition has passed: a tick is acted on
when the last of them has counted all that came before it.
"""

import logging
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Final, NamedTuple, cast

import orjson

from models.alerting.alerts import EVERY, Alerts
from models.alerting.read_back import read_back
from models.alerting.transitions import Transition
from models.calendar.civil_time import civil_day, day_number, day_text
from models.counting.open_dossiers import Listed
from models.decisions.file import Indicator
from models.decisions.reading import Reading
from models.dossiers.events import TOPICS
from models.standings.standings import Standing, Standings
from streams.broker import topics
from streams.engine import Announcement, Engine, Fetch, Owes, Owner, Room
from streams.engine.log import partition_of
from streams.engine.stats import Durations
from streams.engine.tables import windowed
from streams.engine.work import FOLDED_PER_STEP
from streams.records.messages import EVIDENCE_HEADER, Mark, Passed, Restored, Tally, cells_in_force, dumps
from streams.settings import Settings

log = logging.getLogger("lotrinh.watch")

DAY_S: Final = 86_400

Row = dict[str, dict[str, list[Any]]]
"""slot → epoch → [position, cells]; JSON has text keys"""
EVENING: Final = "23:00"
"""time of day from which a tick speaks for the whole of its civil day; ticks come every minute, or at its end"""
VERSION_HEADER: Final = "version"
JUDGED_AT_ONCE: Final = 500
"""units judged while a fetch is taken in: some 50 ms; a longer evaluation is made in slices, with the transaction"""
JUDGED_PER_STEP: Final = 20
"""units judged between two looks at what the transaction has room for"""
GATHERED_PER_STEP: Final = 1_000
"""changed rows looked at before others may have a turn: some 10 ms"""


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
        windows: Any = app.Table("unit-days", default=dict).tumbling(DAY_S)
        self.unit_days: Any = windows.relative_to(lambda event: event.value.at)
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
        self._evaluation: Iterator[None] | None = None
        """an evaluation that has begun; nothing may be taken in before its end"""
        self._owed: list[tuple[str, Indicator]] = []
        """rows still to be announced at this position, the next one last; nothing may be taken in before"""
        self._announced: set[str] = set()
        """units that have rows in the topic"""
        self._evaluations = Durations()
        self._judging_s = 0.0
        """of the evaluation that has begun, so far"""

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
        """Fold as `restoring` does, in one go."""
        deque(self.restoring(renewed=renewed), maxlen=0)

    def restoring(self, *, renewed: bool) -> Iterator[None]:
        """Fold the rows into standings and alert memory, in steps; announce all where the epoch is new.

        What a predecessor had begun is gone on with: an evaluation after its last step, announcements at the next row.
        """
        memo, begun = self._owner.memo, self._owner.memo.get("evaluating")
        clock = self._clock if begun is None else begun["instant"]
        self._standings = Standings(self._reading, date.min if clock is None else date.fromisoformat(civil_day(clock)))
        slots, add = self._slots, self._standings.add_day
        for folded, (unit, start, row) in enumerate(windowed(self._owner.rows(self._tables.unit_days)), 1):
            if not folded % FOLDED_PER_STEP:
                yield
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
        announced = self._owner.rows(self._tables.announced)
        self._announced = {key.removeprefix(prefix) for key, _ in announced if key.startswith(prefix)}
        owed = [] if renewed else memo.get("owed")
        self._changed = None if owed == [] else set()
        self._owed = []
        if owed:
            yield from self._to_tell(None, tuple(owed))
        self._beats = bool(owed)
        self._evaluation = None if begun is None else self._evaluating(begun["before"], begun)

    def read_back(self, records: Iterable[Any]) -> None:
        """Remember the alerts that were told, and hold up judging until all that lies in the source has been counted.

        What is told again would be mailed again; what is judged on half of the facts would end alerts that stand.
        """
        told: list[Transition] = []
        clock = ""
        own = f"{topics.WATCH}/{self._owner.partition}".encode()
        for record in records:
            if record.value is None:
                continue
            said = orjson.loads(record.value)
            if "fingerprint" in said:
                if said["decision"] == self._reading.decision.id and self._is_home(self._about(said["unit"])):
                    told.append(said)
            elif record.key == own:
                clock = max(clock, said["clock"])
        found = read_back(told)
        for (decision, indicator, unit), memory in found.memory.items():
            self._tables.alerts[f"{decision}/{indicator}/{unit}"] = memory
        if told or clock:
            self._owner.memo["read_back"] = clock
            still_open = sum(memory["open"] is not None for memory in found.memory.values())
            log.warning(
                "watch-%d has no state, but has told of alerts: %d of %d are open still and are not told again; "
                "judging waits until the source has been counted to its end (%d transitions could not be read back)",
                self._owner.partition, still_open, len(found.memory), found.unreadable,
            )  # fmt: skip

    def _about(self, unit: str) -> str:
        """Return the unit in whose home an alert is told: the province for what is about none."""
        return self._reading.decision.province if unit in TOPICS else unit

    def _counts_again(self) -> bool:
        """Tell whether what lay in the source when a lost state was begun anew has not all been counted yet."""
        if "read_back" not in self._owner.memo:
            return False
        return any(self._owner.next_of(topic) < end for topic, end in self._owner.goal.items())

    def _list(self, unit: str, slot: str, gaps: dict[str, Listed]) -> None:
        for cell, listed in gaps.items():
            self._standings.list_gaps(unit, cell, slot, listed)

    # -- what comes in -------------------------------------------------------------------------------------------------

    def take(self, fetch: Fetch) -> None:
        """Take a fetch of tallies, marks and passed ticks in, in their order, up to what takes a longer evaluation."""
        judged = 0
        for index, record in enumerate(fetch.records):
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
                judged += self._judge(JUDGED_AT_ONCE)
                if self._evaluation is not None or judged >= JUDGED_AT_ONCE:
                    fetch.leave(index + 1)
                    break
        self._owner.spend(judged)

    def _judge(self, most: int) -> int:
        """Go on with the evaluation that has begun, if one has, for so many steps at most; return how many it took."""
        if self._evaluation is None:
            return 0
        began = time.perf_counter()
        for taken in range(most):
            if next(self._evaluation, self) is self:
                self._evaluation = None
                self._evaluations.observe(self._judging_s + time.perf_counter() - began)
                self._judging_s = 0.0
                return taken
        self._judging_s += time.perf_counter() - began
        return most

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
        if held or self._counts_again() or not self._settled() or any(s["clock"] is None for s in slots):
            return
        clock = min(s["clock"] for s in slots)
        flushed = flush is not None and all(s["flush"] == flush for s in slots)
        if clock == self._clock and not flushed:
            return
        if self._clock is None:
            self._changed = None
        judged_to = self._owner.memo.pop("read_back", None) or None
        before = self._clock or judged_to
        self._owner.memo["clock"] = clock
        self._evaluation = self._evaluating(before)

    def _evaluating(self, before: str | None, begun: Mapping[str, Any] | None = None) -> Iterator[None]:
        """Evaluate at every instant from `before` to the clock, in steps; the memo says how far it has come.

        `begun`: what the memo says of an evaluation that a predecessor has begun.
        """
        self._beats, memo, clock = True, self._owner.memo, cast("str", self._clock)
        for instant, asked in self._alerts.instants(before, clock):
            if begun is not None and instant < begun["instant"]:
                continue
            if self._standings.move_to(date.fromisoformat(civil_day(instant))):
                self._changed = None  # every row carries the day
            self._note()
            after = None if begun is None or begun["after"] is None else (begun["after"][0], begun["after"][1])
            begun = None
            if asked:
                memo["evaluating"] = step = {"before": before, "instant": instant, "after": after}
                for come, raised in self._alerts.ticking(instant, self._records_by(civil_day(instant)), after):
                    self._raise(raised)
                    step["after"] = come
                    yield
        self._raise(self._alerts.misplaced(clock, self._misplaced()))
        memo.pop("evaluating", None)

    def _raise(self, transitions: list[Transition]) -> None:
        """Announce transitions, and write down what the alerts remember."""
        self._transitions += transitions
        self._note_rows((t["unit"], t["indicator"]) for t in transitions if t["indicator"] != EVERY)
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
        """Return the transitions raised since last asked, in their order, those of an evaluation that has begun too."""
        while self._evaluation is not None:
            self._judge(JUDGED_AT_ONCE)
        transitions, self._transitions = self._transitions, []
        return transitions

    @property
    def owes(self) -> Owes:
        """What has begun is finished first: an evaluation, announcing the rows of one position."""
        if self._evaluation is not None or self._owed:
            return "now"
        return "later" if "owed" in self._owner.memo and self._speaks() else "nothing"

    def _speaks(self) -> bool:
        """Tell whether standings may be announced: there has been a tick, and all count by our rules."""
        return self._clock is not None and self._settled()

    def announcements(self, room: Room) -> Iterable[Announcement | None]:
        """Yield the transitions in their order, and then every standing that has changed, with one version.

        Transitions go with the memory that remembers them. An evaluation may take several transactions, step by step;
        rows wait for its end, so that a row of a position says what all of them have raised. They too may take several.
        """
        yield from self._raised(room)
        while self._evaluation is not None:
            if room.full:
                self._note_owed()
                return
            room.take(0, self._judge(JUDGED_PER_STEP))
            yield None
            yield from self._raised(room)
        self._note()
        if self._speaks() and not self._owed:
            if room.patient and (self._changed is None or len(self._changed) > room.records):
                self._note_owed()
                return
            yield from self._begin_to_tell()
        version = f"{self._owner.epoch:010d}.{self._owner.position:016d}"
        while self._owed and not room.full:
            yield self._telling(*self._owed.pop(), version)
        if not self._owed and self._beats and self._speaks():
            self._beats = False
            key = f"{topics.WATCH}/{self._owner.partition}".encode()
            yield Announcement(self._settings.topic(topics.HEARTBEATS), key, dumps({"clock": self._clock}))
        self._note_owed()

    def _raised(self, room: Room) -> Iterator[Announcement]:
        """Yield transitions; the alert's memory, which is written with them, is about as large."""
        raised, self._transitions = self._transitions, []
        if raised:
            alerts, evidence = self._settings.topic(topics.ALERTS), ((EVIDENCE_HEADER, self._evidence()),)
            for transition in raised:
                value = dumps(transition)
                room.take(len(value), 0)
                yield Announcement(alerts, transition["fingerprint"].encode(), value, None, evidence)

    def _note_owed(self) -> None:
        """Write into the memo from which row on is still to be announced: that one and all after it."""
        memo = self._owner.memo
        if self._owed:
            memo["owed"] = list(self._owed[-1])
        elif self._changed is None or self._changed:
            memo["owed"] = []
        else:
            memo.pop("owed", None)

    def _begin_to_tell(self) -> Iterator[None]:
        """Put together what is to be announced at this position."""
        if self._beats:
            # Forecasts move with ticks, and once for all of them that a backlog brings: they are the dearest part.
            for key in self._alerts.prospects.refreshing():
                if key is not None and self._changed is not None:
                    self._changed.add(key)
                yield None
        changed, self._changed = self._changed, set()
        yield from self._to_tell(changed)

    def _to_tell(self, changed: Iterable[tuple[str, Indicator]] | None, since: tuple[str, ...] = ()) -> Iterator[None]:
        """Owe the rows to be announced where some have changed, None: all; the first one last. In steps.

        A unit that came to have dossiers, or lost its last one, appears or goes with all its rows.
        """
        standings, reading = self._standings, self._reading
        if changed is None:
            units = {*standings.named(), *standings.with_counters(), *self._announced}
            changed = {(u, i) for u in units for i in reading.indicators}
        rows: defaultdict[str, set[Indicator]] = defaultdict(set)
        is_home: dict[str, bool] = {}
        for looked_at, (unit, indicator) in enumerate(changed, 1):
            if not looked_at % GATHERED_PER_STEP:
                yield
            home = is_home.get(unit)
            if home is None:
                home = is_home[unit] = self._is_home(unit)
                if home and standings.has_standing(unit) != (unit in self._announced):
                    rows[unit].update(reading.indicators)
            if not home:
                continue
            rows[unit].add(indicator)
            group = standings.group_of(unit)
            if group is not None:
                rows[group].add(indicator)
        owed: list[tuple[str, Indicator]] = []
        for looked_at, unit in enumerate(sorted(rows, reverse=True), 1):
            if not looked_at % GATHERED_PER_STEP:
                yield
            owed += (row for i in sorted(rows[unit], reverse=True) if (row := (unit, i)) >= since)
        self._owed = owed

    def _telling(self, code: str, indicator: Indicator, version: str) -> Announcement | None:
        """Return the record of a row as it is now: of a group, of a unit, or of one that has no standing any more."""
        standings, complete = self._standings, self._alerts.prospects.complete
        if code in standings.groups():
            return self._record(complete(standings.group_standing(standings.groups()[code], indicator)), version)
        if standings.has_standing(code):
            if code not in self._announced:
                self._tables.announced[self._name(code)] = True
                self._announced.add(code)
            row = standings.standing(code, indicator, self._alerts.alert_of(code, indicator))
            return self._record(complete(row), version)
        if code not in self._announced:
            return None
        if not self._owed or self._owed[-1][0] != code:  # that was the last of its rows
            del self._tables.announced[self._name(code)]
            self._announced.discard(code)
        key = f"{self._reading.decision.id}/{indicator}/{code}".encode()
        topic, headers = self._settings.topic(topics.STANDINGS), ((VERSION_HEADER, version.encode()),)
        return Announcement(topic, key, None, self._owner.partition, headers)

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
