"""tally: what is known of each dossier, and from it the counters of units by civil day.

Keyed by dossier. Reads the portal's topics and the clock; keeps one row per dossier (its layers of facts); announces,
once per transaction, the absolute counters of every unit and day it touched.
"""

import hashlib
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Final, NamedTuple

from orjson import loads

from models.calendar.civil_time import utc_ms
from models.counting.contributions import contributions
from models.counting.counters import Cells, Counters
from models.counting.learning import NONE, Held, learn_all, moved
from models.counting.open_dossiers import Gaps, Listed
from models.counting.shorthand import Shorthand
from models.decisions.reading import Reading
from models.dossiers.dossier import Dossier
from models.dossiers.events import Event, Refused, decode
from models.dossiers.likely_causes import WRONG_KEY, with_cause_of_key
from models.dossiers.limits import Crowds
from models.dossiers.national import in_todays_measure
from models.partitioning import misplaced, wrong_partition
from streams.broker import topics
from streams.engine import Announcement, Fetch, Owes, Owner, Room
from streams.engine.log import partition_of
from streams.engine.work import FOLDED_PER_STEP
from streams.records.dossier_rows import pack, parts_at_most, shorthand_of, unpack
from streams.records.messages import Mark, Passed, Tally, Tick, Version, dumps
from streams.settings import Settings

log = logging.getLogger("lotrinh.tally")

PENDING_TICKS_MAX: Final = 10_000
"""ticks waiting for their cut, per partition: a week of minutes; older ones are then passed over"""
CELLS_MAX: Final = 4_000
"""cells of a unit's days in one record: some 150 KB"""
LEARNT_AT_ONCE: Final = 1_000
"""dossiers that learn what was told of them before others have their turn: some 20 ms"""
IN_HAND_MAX: Final = 30_000
"""unit-days counted in at once while rows are folded, before they are laid to rest: some 20 MB"""


class TallyFigures(NamedTuple):
    """What a partition of tally says of itself."""

    counts: Mapping[str, int]
    """applied, unchanged, refused: every record since the state's first, kept in the state"""
    watermark: str | None
    """the newest tick passed: all that had arrived by that instant has been counted; None until the first one"""
    ticks_passed: int
    """by this process"""
    ticks_waiting: int
    unit_days: int
    misplaced: Mapping[str, int]
    """inbound topic (without prefix) → records refused for their partition, kept in the state"""
    largest_row: int = 0
    """bytes of the largest dossier's row, since the partition was taken over"""


class TallyWork:
    """What tally keeps of one source partition: the dossiers' rows, and the counters they add up to."""

    def __init__(self, owner: Owner, reading: Reading, settings: Settings, dossiers: Any) -> None:
        """Start with nothing counted."""
        self._owner = owner
        self._reading = reading
        self._rules = reading.fold
        self._settings = settings
        self._dossiers = dossiers
        self._told: defaultdict[bytes, list[Event]] = defaultdict(list)
        """dossier → what was told of it since counters were last announced, as it came"""
        self._crowds = Crowds(settings.limits)
        self._counters = Counters()
        """those in hand have changed since they were last announced"""
        self._gaps = Gaps(reading.followed())
        self._fold = reading.fold_fingerprint()
        self._shorthand = Shorthand(self._rules, self._fold)
        self._begins = False
        self._anew: list[str] = []
        """units of a new epoch whose counters are still to be said, at this position; the next one last"""
        self._gaps_of: dict[str, dict[str, Listed]] = {}
        """unit → cell → its first dossiers, while they are said anew"""
        self._left = False
        """whether the last transaction had no room for all that was to be said"""
        self._dead: list[Announcement] = []
        self._watermark: str | None = None
        self._ticks_passed = 0
        self._astray: set[bytes] = set()
        """dossiers of the state whose key does not belong here: from before a check, or under another partitioner"""
        self._short = {settings.topic(name): name for name in topics.INBOUND}

    # -- what is derived -----------------------------------------------------------------------------------------------

    def restoring(self, *, renewed: bool) -> Iterator[None]:
        """Fold the dossiers' rows into counters, in steps; announce all of them where the epoch is new."""
        yield from self._folding()
        memo = self._owner.memo
        memo.setdefault("counts", {"applied": 0, "unchanged": 0, "refused": 0})
        memo.setdefault("ticks", [])
        memo.setdefault("misplaced", {})
        memo["largest_row"] = max((len(row) for _, row in self._owner.rows(self._dossiers)), default=0)
        self._look_for_strays()
        if renewed:
            # Counters from a state are as complete as the state was; those made from nothing are so only once
            # everything that is in the log by now has been counted.
            has_state = bool(self._counters.unit_days()) or any(memo["counts"].values())
            memo["goal"] = {} if has_state else self._owner.goal
            self._begins = True
        elif "anew" not in memo:
            self._gaps.settle()  # whoever counted them has announced them
        self._anew = [] if renewed else self._from(memo.get("anew"))

    def _folding(self) -> Iterator[None]:
        """Make the counters from the dossiers' rows."""
        self._told.clear()
        self._crowds.forget()
        self._counters = Counters()
        self._gaps.forget()
        sums, others = self._shorthand.sums(self._gaps.followed.__getitem__), []
        for folded, (key, row) in enumerate(self._owner.rows(self._dossiers), 1):
            if not folded % FOLDED_PER_STEP:
                yield
            below = sums.add(shorthand_of(row))
            if below is None:
                others.append((key, row))
            elif below:
                self._gaps.move(key.decode(), (), below)
        for unit, days in sums.units():
            self._counters.lay(unit, days)
        for folded, (key, row) in enumerate(others, 1):
            if not folded % FOLDED_PER_STEP:
                yield
            self._count(key, contributions(unpack(row)[0], self._rules), 1)
            if len(self._counters) > IN_HAND_MAX:
                self._counters.settle()
        self._counters.settle()

    def _from(self, first: str | None) -> list[str]:
        """Return the units from `first` on, it last; none where that is None."""
        return [] if first is None else sorted((u for u in self._counters.units() if u >= first), reverse=True)

    def _look_for_strays(self) -> None:
        """Find the dossiers that were counted here and whose key belongs elsewhere: their other half may count too."""
        owner, by = self._owner, self._settings.partitioner
        keys = [key for key, _ in owner.rows(self._dossiers)]
        self._astray = misplaced(keys, owner.partition, self._settings.partitions, by)
        owner.memo["astray"], owner.memo["partitioner"] = len(self._astray), by
        if self._astray:
            log.warning(
                "partition %d holds %d of %d dossiers whose key %s (LOTRINH_PARTITIONER) puts elsewhere; "
                "what comes for them here from now on is refused: see `lotrinh doctor`, check partitioner",
                owner.partition, len(self._astray), len(keys), by,
            )  # fmt: skip

    def _held(self, row: bytes, dossier: Dossier) -> Held:
        """Return where the dossier of a row counts: by its shorthand, or else by its facts.

        Kept for all, it took more memory than the rows.
        """
        held = self._shorthand.read(shorthand_of(row))
        return contributions(dossier[0], self._rules) if held is None else held

    def _count(self, key: bytes, moved: Held, sign: int) -> None:
        """Put contributions of a dossier into the counters, or take them out."""
        counters, followed = self._counters, self._gaps.followed
        for unit, day, cell, numerator in moved:
            cells = counters[unit, day]
            counter = cells.get(cell)
            if counter is None:
                counter = cells[cell] = [0, 0]
            counter[1] += sign
            if numerator:
                counter[0] += sign
            elif followed[cell]:
                (self._gaps.put if sign > 0 else self._gaps.take)(unit, cell, day, key.decode())

    # -- what comes in -------------------------------------------------------------------------------------------------

    def read_back(self, records: Iterable[Any]) -> None:
        """Do nothing: tally's state follows from its sources alone."""

    def take(self, fetch: Fetch) -> None:
        """Take a fetch in: events, for their dossiers to learn of; or ticks, into the queue."""
        if fetch.topic in self._short:
            self._take_events(fetch)
        else:
            ticks: list[Tick] = self._owner.memo["ticks"]
            ticks += (loads(record.value) for record in fetch.records)
            del ticks[:-PENDING_TICKS_MAX]

    def _take_events(self, fetch: Fetch) -> None:
        told, rows, astray, codes = self._told, self._dossiers.rows, self._astray, self._settings.codes
        may_refuse = self._crowds.may_refuse
        unknown: list[bytes] = []
        parted: list[tuple[bytes, Event, Any]] = []
        refused = 0
        for record in fetch.records:
            event = decode(record.value, record.headers, codes)
            key = record.key
            if isinstance(event, Refused) or key != event.dossier.encode():
                self._refuse(fetch, record, event)
                refused += 1
                continue
            if key not in told and (key not in rows or key in astray):
                unknown.append(key)
            of_key = told[key]
            of_key.append(event)
            if event.parts is not None and may_refuse(event.dossier, parts_at_most(rows.get(key)) + len(of_key)):
                parted.append((key, event, record))
        # Once per dossier: what has a row here has been looked at.
        if unknown:
            refused += self._refuse_misplaced(fetch, unknown)
        if parted:
            refused += self._refuse_crowds(fetch, parted)
        self._owner.memo["counts"]["refused"] += refused

    def _refuse_misplaced(self, fetch: Fetch, keys: list[bytes]) -> int:
        """Take back what was told of dossiers whose key does not belong here, and return how many records that was."""
        here, settings = self._owner.partition, self._settings
        wrong = misplaced(keys, here, settings.partitions, settings.partitioner)
        if not wrong:
            return 0
        refused = 0
        for key in wrong:
            del self._told[key]
        for record in fetch.records:
            if record.key not in wrong:
                continue
            event = decode(record.value, record.headers, settings.codes)
            if isinstance(event, Event) and event.dossier.encode() == record.key:
                why = wrong_partition(record.key, here, settings.partitions, settings.partitioner)
                self._refuse(fetch, record, Refused(why, event.dossier))
                refused += 1
        counts: dict[str, int] = self._owner.memo["misplaced"]
        topic = self._short[fetch.topic]
        counts[topic] = counts.get(topic, 0) + refused
        return refused

    def _refuse_crowds(self, fetch: Fetch, parted: Iterable[tuple[bytes, Event, Any]]) -> int:
        """Take back what was told of a payment or a copy too many, and return how many records that was."""
        told, rows = self._told, self._dossiers.rows
        beyond: dict[str, set[int]] = {}
        refused = 0
        for key, event, record in parted:
            if key not in told:
                continue  # it does not belong here
            row, of_key = rows.get(key), told[key]

            def known(row: bytes | None = row, of_key: list[Event] = of_key, event: Event = event) -> Iterable[str]:
                before = of_key[: next(n for n, e in enumerate(of_key) if e is event)]
                return chain(unpack(row)[0], *(e.facts for e in before if id(e) not in beyond.get(event.dossier, ())))

            why = self._crowds.refuses(event, parts_at_most(row) + len(of_key), known)
            if why is None:
                continue
            self._refuse(fetch, record, Refused(why, event.dossier))
            beyond.setdefault(event.dossier, set()).add(id(event))
            refused += 1
        for dossier, events in beyond.items():
            key = dossier.encode()
            told[key] = [event for event in told[key] if id(event) not in events]
        return refused

    def _learn(self) -> Iterable[None]:
        """Let dossiers learn what was told of them since counters were last announced, and move the counters by it.

        Once per transaction and dossier, not once per event: what counts follows from what is known, and a row is read,
        written and packed once. Others have their turn after some of them.
        """
        told = [*self._told.items()]
        self._told.clear()
        for first in range(0, len(told), LEARNT_AT_ONCE):
            self._learn_of(told[first : first + LEARNT_AT_ONCE])
            yield None

    def _learn_of(self, told: Iterable[tuple[bytes, list[Event]]]) -> None:
        rows, rules, write, count = self._dossiers.rows, self._rules, self._shorthand.write, self._count
        learnt: list[bytes] = []
        came = same = largest = 0
        for key, events in told:
            row = rows.get(key)
            before = in_todays_measure(unpack(row))
            dossier, unchanged = learn_all(before, events)
            came += len(events)
            same += unchanged
            if dossier is before:
                continue
            learnt.append(key)
            held = NONE if row is None else self._held(row, before)
            now = contributions(dossier[0], rules)
            rows[key] = row = pack(dossier, now, write)
            largest = max(largest, len(row))
            if held:
                taken, now = moved(held, now)
                count(key, taken, -1)
            count(key, now, 1)
        self._dossiers.written(learnt)
        memo = self._owner.memo
        memo["largest_row"] = max(largest, memo.get("largest_row", 0))
        counts = memo["counts"]
        counts["applied"] += came - same
        counts["unchanged"] += same

    def _refuse(self, fetch: Fetch, record: Any, event: Event | Refused) -> None:
        """Make a dead letter: reason and coordinates, never what the record held."""
        if isinstance(event, Event):
            refused = Refused(with_cause_of_key(WRONG_KEY, record.key, event.dossier), event.dossier)
        else:
            refused = event
        value = record.value or b""
        letter = {
            "reason": refused.reason,
            "topic": fetch.topic,
            "partition": fetch.partition,
            "offset": record.offset,
            "sha256": hashlib.sha256(value).hexdigest(),
            "length": len(value),
            "at": utc_ms(max(record.timestamp, 0)),
        }
        key = refused.dossier.encode() or None
        self._dead.append(Announcement(self._settings.topic(topics.DEAD_LETTERS), key, dumps(letter)))

    def _passes(self, room: Room) -> Iterable[Announcement]:
        """Say which ticks have been passed: those before whose cut everything has been counted, in their order.

        They stay in the memo until they are said.
        """
        memo, at, topic = self._owner.memo, self._owner.progress.next, self._settings.topic
        ticks: list[Tick] = memo["ticks"]
        said, misplaced_here = self._version(), dict(memo["misplaced"])
        while ticks and all(at.get(topic(name), 0) >= position for name, position in ticks[0]["upto"].items()):
            if room.full:
                self._left = True
                return
            tick = ticks.pop(0)
            self._watermark = tick["at"] or self._watermark
            self._ticks_passed += 1
            # From the tick, not from what has been counted by now: several ticks passed at once tell of their own days.
            records = sum(tick["upto"].values())
            passed = Passed(
                kind="passed", slot=said["slot"], epoch=said["epoch"], position=said["position"],
                at=tick["at"], flush=tick["flush"], records=records,
            )  # fmt: skip
            if misplaced_here:
                passed["misplaced"] = misplaced_here
            yield from self._everywhere(topic(topics.TALLIES), passed)

    # -- what goes out -------------------------------------------------------------------------------------------------

    @property
    def owes(self) -> Owes:
        """A new epoch is said at one position, before anything more is taken in; and ticks in their order."""
        return "now" if self._begins or self._anew or self._left else "nothing"

    def announcements(self, room: Room) -> Iterable[Announcement | None]:
        """Yield marks of a new epoch, the counters touched, then ticks passed; first of all dead letters.

        The counters of a new epoch are said over as many transactions as it takes, then that they are complete.
        """
        yield from self._learn()
        dead, self._dead, self._left = self._dead, [], False
        yield from dead
        topic, memo = self._settings.topic(topics.TALLIES), self._owner.memo
        if self._begins:
            self._begins = False
            yield from self._everywhere(topic, self._mark(complete=False))
            self._counters.settle()
            self._anew = self._from("")
        if self._anew:
            yield from self._tallies_anew(topic, room)
            if self._anew:
                memo["anew"] = self._anew[-1]
                return
        else:
            yield from self._tallies(topic)
        memo.pop("anew", None)
        goal = memo.get("goal")
        if goal is not None and all(self._owner.progress.next.get(name, 0) >= at for name, at in goal.items()):
            del memo["goal"]
            yield from self._everywhere(topic, self._mark(complete=True))
        yield from self._passes(room)

    # -- what is to be watched -----------------------------------------------------------------------------------------

    def figures(self) -> TallyFigures:
        """Return what operations want to know; cheap, and read only."""
        memo = self._owner.memo
        return TallyFigures(
            memo.get("counts", {}),
            self._watermark,
            self._ticks_passed,
            len(memo.get("ticks", ())),
            self._counters.unit_days(),
            memo.get("misplaced", {}),
            memo.get("largest_row", 0),
        )

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
        gaps_of: dict[str, dict[str, Listed]] = {}
        for unit, cell, listed in self._gaps.touched():
            gaps_of.setdefault(unit, {})[cell] = listed
        days_of: dict[str, dict[str, Cells]] = {}
        for (unit, day), cells in self._counters.items():
            days_of.setdefault(unit, {})[day] = cells
        for unit, days in days_of.items():
            yield from self._tally(topic, unit, days, gaps_of.get(unit))
        self._counters.settle()

    def _tallies_anew(self, topic: str, room: Room) -> Iterable[Announcement]:
        """Say what the counters of further units are, all of their days, as many as there is room for."""
        gaps_of = self._gaps_of
        for unit, cell, listed in self._gaps.touched():
            gaps_of.setdefault(unit, {})[cell] = listed
        while self._anew and not room.full:
            unit = self._anew.pop()
            yield from self._tally(topic, unit, self._counters.of(unit), gaps_of.get(unit))
        if not self._anew:
            gaps_of.clear()

    def _tally(
        self, topic: str, unit: str, days: dict[str, Cells], gaps: dict[str, Listed] | None
    ) -> Iterable[Announcement]:
        """Return what is said of a unit: absolute, and never so much at once that no record batch holds it."""
        home = partition_of(self._reading.home(unit).encode(), self._settings.partitions)
        said: dict[str, Cells] = {}
        cells = 0
        for day, of_day in days.items():
            if cells and cells + len(of_day) > CELLS_MAX:
                yield Announcement(topic, unit.encode(), dumps(self._tally_of(unit, said)), home)
                said, cells = {}, 0
            said[day] = of_day
            cells += len(of_day)
        tally = self._tally_of(unit, said)
        if gaps:
            tally["gaps"] = gaps
        yield Announcement(topic, unit.encode(), dumps(tally), home)

    def _tally_of(self, unit: str, days: dict[str, Cells]) -> Tally:
        owner = self._owner
        return Tally(
            kind="tally", slot=owner.partition, epoch=owner.epoch, position=owner.position, unit=unit, days=days
        )
