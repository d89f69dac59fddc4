"""One owned source partition: its fence, its state, what is applied and not yet committed, and the commits."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple, Protocol

from faust.types import TP

from streams.engine.budget import Budget, Room
from streams.engine.config import EngineConfig
from streams.engine.format_numbers import FIRST, LATER, MEMO, found_in, refusal_of_state, stamp, stamp_of_state
from streams.engine.log import Appender, Bounds, Broken, Log, Passing, Reader, Row, Rows, partition_of
from streams.engine.process_exit import die, point, watched, within
from streams.engine.progress import POSITION, Progress
from streams.engine.stats import Stats
from streams.engine.tables import Table
from streams.engine.work import Fetch, Owes, Work

log = logging.getLogger("lotrinh.engine")

GATHER_S = 3.0
"""how long a transaction may wait for more while a backlog is worked off"""
GATHER_POLL_S = 0.02
LATER_S = 0.25
"""how often to look whether what was put off is to be said now"""
SLICE_S = 0.05
"""for how long a transaction is built before the rest of the process has its turn"""
DUMPED_AT_ONCE = 2_000
"""rows whose form in the changelog is made within one such slice"""
PATIENCE: Final = 3
"""in a backlog, times as long as saying it took for which what may wait is not said again"""
ATTEMPTS = 5
"""of one transaction, with growing pauses, before the process gives up"""
REOPENED_S = 60.0
"""within which an appender is made anew once at most; two who believe to own a partition do not go on for ever"""
STOP_BROKEN_S = 2.0
AWAITED = "an agent's body awaited something; half a fetch would have been committed"


class Host(Protocol):
    """What an owner needs of the process it lives in; `Engine` is one, the simulator has another."""

    config: EngineConfig
    sources: set[str]
    kafka: Log
    new_work: "Callable[[Owner], Work]"
    committed: dict[TP, int]
    """source partition → position committed with its state: what the group is told"""
    stats: Stats

    def engine_tables(self) -> list[Table]:
        """Return the application's tables, in the order in which they were made."""

    def end_of(self, tp: TP) -> int:
        """Return where a source partition's log ended by the last fetch; 0 where that is not known now."""

    def forgotten(self, partition: int) -> None:
        """Tell the application that a partition's state has left this process."""


class Taken(NamedTuple):
    """One moment of a partition's state, as the records of one transaction."""

    records: Rows
    position: Mapping[str, int]
    merged: int
    """source records in it, and whatever else counts as such (`Owner.spend`)"""
    announced: int
    size: int
    """bytes of keys and values"""
    owes: Owes
    """what is left for further transactions"""


class Owner:
    """A source partition that this worker owns.

    Fetches are merged as they come; one task commits everything merged so far, again and again. Nothing waits for a
    timer: at low rates a transaction holds one record, under load as many as the budget allows.
    """

    def __init__(self, engine: Host, partition: int) -> None:
        """Own nothing yet; `open` takes over."""
        self.engine = engine
        self.partition = partition
        self.tables: list[Table] = engine.engine_tables()
        self._kinds = [*(table.name for table in self.tables), MEMO]
        formats = engine.config.formats
        self._stamps = {topic: stamp(formats.get(topic, FIRST)) for topic in engine.config.announces}
        self._state_stamp = stamp_of_state(formats, self._kinds)
        self._guarded = any(formats.get(kind, FIRST).writes > FIRST.writes for kind in self._kinds)
        self._foreign: str | None = None
        """why the state is not to be worked on, by its position row"""
        self._unreadable: str | None = None
        """the first row that is none of this release"""
        self.progress = Progress()
        self.work: Work = engine.new_work(self)
        self.ends: dict[TP, int] = {}
        """changelog → position up to which the rows in memory are complete; empty: they are not to be trusted"""
        self.transactions = 0
        self.records_out = 0
        self.goal: Mapping[str, int] = {}
        """source topic → where its log ended at takeover"""
        self._let_go = (0.0, 0.0)
        self._taken_at = self._committed_at = 0.0
        self._since: float | None = None
        self._records = 0
        self._caught_up = False
        self._rows: dict[Table, dict[Any, Any]] = {t: {} for t in self.tables}
        self._dirty: dict[Table, dict[Any, None]] = {t: {} for t in self.tables}
        self._pending = 0
        self._taking = False
        self._owes: Owes = "nothing"
        self._told_at = 0.0
        """when everything had been said"""
        self._telling_s = 0.0
        """how long that took, the last time that it took several transactions"""
        self._telling_since: float | None = None
        self.budget = Budget(engine.config.pending_records_max, engine.config.transaction_timeout_s)
        self._applied = False
        self._announce = False
        self._in_body = False
        self._awaited: asyncio.Handle | None = None
        self.at_work: Fetch | None = None
        """what the agent's body has in hand"""
        self._appender: Appender | None = None
        self._reopened_at = float("-inf")
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self.closed = True

    # -- what an application may ask -----------------------------------------------------------------------------------

    @property
    def epoch(self) -> int:
        """The epoch of what this partition says; grows when all is made anew."""
        return self.progress.epoch

    @property
    def position(self) -> int:
        """The source position applied, summed over topics: with the epoch, the version of what is said."""
        return sum(self.progress.next.values())

    def next_of(self, topic: str) -> int:
        """Return the position applied of one source topic."""
        return self.progress.next.get(topic, 0)

    def idle_s(self) -> float:
        """Return for how long it has been let go of, in seconds: by the clock that says more.

        A monotonic clock stands still while the machine sleeps, the wall clock may be set back.
        """
        steady, wall = self._let_go
        return max(_now() - steady, self.engine.config.wall() - wall)

    @property
    def memo(self) -> dict[str, Any]:
        """What the application keeps with the position; JSON, small, written with every transaction."""
        return self.progress.memo

    @property
    def pending(self) -> int:
        """Records applied and not yet taken into a transaction."""
        return self._pending

    def row_counts(self) -> Mapping[str, int]:
        """Return table → rows of this partition."""
        return {table.name: len(rows) for table, rows in self._rows.items()}

    def rows(self, table: Any) -> Iterator[tuple[Any, Any]]:
        """Yield key and value of this partition's rows of a table."""
        rows = self._rows[getattr(table, "table", table)]
        return ((key, rows[key]) for key in [*rows] if key in rows)

    # -- taking over: fence, restore, only then work -------------------------------------------------------------------

    async def open(self) -> None:
        """Take the partition over: the predecessor is fenced, then the state is read, and only then work begins."""
        began, known, config = _now(), bool(self.ends), self.engine.config
        self.closed, self._in_body = False, False
        self._since, self._records, self._caught_up = None, 0, False
        self._taken_at = _now()
        self.forget_committed()
        self._wake, self._room, self._task = asyncio.Event(), asyncio.Event(), None
        self._taking, self._told_at, self._telling_s, self._telling_since = False, _now(), 0.0, None
        self.budget = Budget(config.pending_records_max, config.transaction_timeout_s)
        self._appender = self.engine.kafka.appender(f"{config.id}-{self.partition}")
        async with within(config.stuck_s, f"{config.id}-{self.partition} could not shut out its predecessor"):
            await self._appender.fence()
            await self._check_topics(self._appender)
        fenced = _now()
        point("after_fence", config.fault)
        async with self.engine.kafka.reader() as reader:
            # Everything is asked before anything is read: afterwards a question waits behind the fetches under way.
            bounds = await reader.bounds([*self._changelogs(), *self._sources()])
            read = await self._restore(reader, bounds)
            told = await self._read_back(reader) if not self.progress.next and not known else []
        await self._compare(bounds)
        async with within(
            config.stuck_s, f"{config.id}-{self.partition} could not clear what was left open", self._gone
        ):
            await self._appender.clear(self._written())
        point("after_restore", config.fault)
        renewed = self.progress.fingerprint != config.fingerprint
        if renewed:
            # Later than every epoch before it, also where the old changelog was thrown away together with the group:
            # readers must not take what is new for old.
            self.progress.epoch = max(self.progress.epoch + 1, int(config.wall()))
            self.progress.fingerprint = config.fingerprint
        if told:
            self._bind()
            self.work.read_back(told)
            self._unbind()
        if read or renewed or not known:
            for _ in self.work.restoring(renewed=renewed):
                await asyncio.sleep(0)  # the rest of the process has its turn
        self._owes = self.work.owes
        self._see_room()
        if self._owes == "nothing":
            self._note_committed(self.progress.next)  # not before: the group would be told, and forget what it knew
        task = asyncio.create_task(self._run(), name=f"{config.id}-{self.partition}")
        self._task = watched(task, cancellable=False)
        if renewed:
            self.announce()
        elif self._owes != "nothing":
            self._wake.set()
        log.info(
            "%s-%d taken over: fenced in %.2f s, %d rows in %.2f s, epoch %d, position %d",
            config.id, self.partition, fenced - began, read, _now() - fenced, self.epoch, self.position,
        )  # fmt: skip

    def _written(self) -> list[TP]:
        """Return every partition that a transaction of this partition may touch."""
        config = self.engine.config
        announced = [TP(topic, p) for topic in config.announces for p in range(config.partitions)]
        return [*announced, *self._changelogs()]

    async def _gone(self) -> str:
        """Name the topics that this partition writes and that are there no more, if that is why nothing ends."""
        appender = self._appender
        assert appender is not None  # noqa: S101 - asked in a transaction
        gone = await appender.gone({tp.topic for tp in self._written()})
        if not gone:
            return ""
        return f"missing on the broker: {', '.join(gone)}; see docs/operations.md, Topics deleted, before you make them"

    async def _check_topics(self, appender: Appender) -> None:
        """Where keys would go to other partitions than those they are looked for in, nothing is written."""
        config = self.engine.config
        for topic in (*config.announces, *(table.changelog_topic_name for table in self.tables)):
            found = await appender.partitions(topic)
            if found != config.partitions:
                die(f"topic {topic} has {found} partitions, {config.partitions} are expected")

    def _changelogs(self) -> dict[TP, Table]:
        return {TP(table.changelog_topic_name, self.partition): table for table in self.tables}

    def _sources(self) -> list[TP]:
        return [TP(topic, self.partition) for topic in sorted(self.engine.sources)]

    async def _restore(self, reader: Reader, bounds: Mapping[TP, Bounds]) -> int:
        """Read the changelogs of this partition up to their end; from where the memory is complete, if it is.

        Nobody else can append to them any more, so their end stands still.
        """
        changelogs = self._changelogs()
        ends = {tp: bounds[tp].last for tp in changelogs}
        for tp in changelogs:
            first, last = bounds[tp]
            if first > 0:
                die(f"{tp.topic}-{tp.partition} begins at {first}: rows of the state are gone")
            if last < self.ends.get(tp, 0):
                die(f"{tp.topic}-{tp.partition} ends at {last}, the state was read up to {self.ends[tp]}: another log")
        read = 0
        async for tp, records in reader.read({tp: self.ends.get(tp, 0) for tp in ends}, ends):
            read += self._load(changelogs[tp], records)
            await asyncio.sleep(0)  # the rest of the process has its turn
        self._check_state(ends)
        self.ends = ends
        return read

    async def _read_back(self, reader: Reader) -> list[Any]:
        """Read what was told before the state was lost: up to where it ends now, what others have not committed too."""
        config = self.engine.config
        tps = [TP(topic, p) for topic in config.reads_back for p in range(config.partitions)]
        if not tps:
            return []
        ends = await reader.written(tps)
        first = {tp: begins for tp, (begins, _) in (await reader.bounds(tps)).items()}
        found: list[Any] = []
        async for tp, records in reader.read(first, ends):
            known = config.formats.get(tp.topic, FIRST)
            for record in records:
                if (why := known.refusal(tp.topic, found_in(record.headers or ()))) is not None:
                    die(f"{tp.topic}-{tp.partition} @ {record.offset}: {why}")
            found += records
        return found

    def _load(self, table: Table, records: Iterable[Any]) -> int:
        """Take rows in. What cannot be read is told at the end: the position row says in which format it is."""
        count = 0
        rows = self._rows[table]
        for count, record in enumerate(records, start=1):  # noqa: B007
            try:
                if record.key == POSITION:
                    self._load_position(record)
                else:
                    table.load(record.key, record.value, rows)
            except (ValueError, TypeError) as exc:
                where = f"{table.changelog_topic_name}-{self.partition} @ {record.offset}"
                self._unreadable = self._unreadable or f"{where} is no row of this release ({exc}): {LATER}"
        return count

    def _load_position(self, record: Any) -> None:
        whose = f"{self.engine.config.id}-{self.partition}"
        self._foreign = refusal_of_state(self.engine.config.formats, self._kinds, record.headers or (), whose)
        if self._foreign is None:
            self.progress = Progress.load(record.value)

    def _check_state(self, ends: Mapping[TP, int]) -> None:
        """Compare the state with what it says of itself: a changelog that was emptied or cut is never passed over.

        A state in another format is refused before anything is made of its rows.
        """
        if (why := self._foreign or self._unreadable) is not None:
            die(why)
        for topic, written in self.progress.ends.items():
            end = ends.get(TP(topic, self.partition))
            if end is not None and end < written:
                die(f"{topic}-{self.partition} ends at {end}, the state has written it up to {written}: emptied or cut")
        if not self.progress.next and any(self._rows.values()):
            die(f"the changelogs of partition {self.partition} hold rows and no position: one was emptied or cut")

    async def _compare(self, bounds: Mapping[TP, Bounds]) -> None:
        """Compare the state's positions with the source's log and with what the group knows.

        Never go on where something between is gone, and never begin again without being told to. What is gone since the
        log was asked is met by the first fetch (`Engine.out_of_range`).
        """
        sources = self._sources()
        self._check_positions(bounds)
        for tp, at in (await self.engine.kafka.witnessed(sources)).items():
            come = self.progress.next[tp.topic]
            if at > come:
                die(
                    f"{tp.topic}-{tp.partition}: the group was told that the state has come to {at}, it has come to "
                    f"{come}: its changelog was emptied or cut. To begin again on purpose, delete the group too"
                )
        self.goal = {tp.topic: bounds[tp].last for tp in sources}

    async def check_source(self, reader: Reader) -> None:
        """Ask where the source's logs begin and end now; ends the process where a position is not between."""
        self._check_positions(await reader.bounds(self._sources()))

    def _check_positions(self, bounds: Mapping[TP, Bounds]) -> None:
        for tp in self._sources():
            first, last = bounds[tp]
            at = self.progress.next.setdefault(tp.topic, first)
            if at < first:
                die(f"{tp.topic}-{tp.partition} begins at {first}, the state has come to {at}: gone")
            if at > last:
                die(f"{tp.topic}-{tp.partition} ends at {last}, the state has come to {at}: another log")

    # -- working -------------------------------------------------------------------------------------------------------

    @property
    def full(self) -> bool:
        """Whether as much is applied and not committed as may be."""
        return not self._room.is_set()

    @property
    def allowance(self) -> int:
        """Records that may be applied before the next transaction; 1 at least, for who has found that there is room."""
        return max(1, self.budget.records - self._pending)

    async def room(self) -> None:
        """Wait until there is room for more that is applied and not committed."""
        await self._room.wait()

    def spend(self, records: int) -> None:
        """Count work that a record has made beyond itself, as so many records: an evening that was judged."""
        self._pending += records

    def _see_room(self) -> None:
        """Let more be applied, unless a transaction is built, something is owed now, or the budget is used up."""
        if self._taking or self._owes == "now" or self._pending >= self.budget.records:
            self._room.clear()
        else:
            self._room.set()

    def begin(self, fetch: Fetch) -> None:
        """Let the agent's body write on behalf of a fetch; ends the process where a record is in another format."""
        if (known := self.engine.config.formats.get(fetch.topic)) is not None:
            for record in fetch.records:
                if (why := known.refusal(fetch.topic, found_in(record.headers))) is not None:
                    die(f"{fetch.topic}-{fetch.partition} @ {record.offset}: {why}")
        self._bind()
        fetch.work = self.work
        self.at_work = fetch
        # Runs when the event loop gets its next turn, and that is never while a body keeps its promise.
        self._awaited = asyncio.get_running_loop().call_soon(die, AWAITED)

    def applied(self, fetch: Fetch) -> None:
        """Take note that a fetch has been merged: its position is now the state's."""
        if self._awaited is not None:
            self._awaited.cancel()
        self.at_work = None
        self._unbind()
        self._records += len(fetch.records)
        self.engine.stats.applied(fetch.topic, fetch.partition, fetch.records, _now())
        if self._since is None:
            self._since = time.time()
        self.progress.next[fetch.topic] = fetch.position
        self._applied = True
        self._pending += len(fetch.records)
        self._owes = self.work.owes
        self._see_room()
        self._wake.set()

    def announce(self) -> None:
        """Ask for a transaction although no fetch was merged."""
        self._announce = True
        self._wake.set()

    async def _take(self) -> Taken:
        """Take everything applied so far as the records of one transaction, nothing being applied meanwhile.

        It is built in slices, so that the rest of the process has its turns; and before the transaction begins.
        """
        self._taking = True
        self._see_room()
        room = Room(self.budget.records, self.budget.bytes, patient=self._patient())
        records = await self._announced(room)
        announced, size = room.used
        for table in self.tables:
            dirty, self._dirty[table] = [*self._dirty[table]], {}
            rows: list[Row] = []
            records[table.changelog_topic_name, self.partition] = rows
            for first in range(0, len(dirty), DUMPED_AT_ONCE):
                if first:
                    await asyncio.sleep(0)
                self._bind()
                dumped = table.dump(dirty[first : first + DUMPED_AT_ONCE])
                self._unbind()
                rows += dumped
                size += sum(len(key) + len(value or b"") for key, value in dumped)
        self.progress.ends = {tp.topic: end for tp, end in self.ends.items()}
        position = self.progress.dump(guarded=self._guarded)
        records[self.tables[0].changelog_topic_name, self.partition].append((POSITION, position, self._state_stamp))
        taken = Taken(records, dict(self.progress.next), self._pending, announced, size + len(position), self.work.owes)
        self._pending, self._applied, self._announce, self._taking = 0, False, False, False
        self._owes = taken.owes
        self._see_room()
        return taken

    async def _announced(self, room: Room) -> dict[tuple[str, int], list[Row]]:
        """Return what the application says, by partition; others have their turn between two slices of it."""
        records: dict[tuple[str, int], list[Row]] = {}
        partitions, stamps, clock = self.engine.config.partitions, self._stamps, time.perf_counter
        self._bind()
        began = clock()
        for said in self.work.announcements(room):  # which may still write tables
            if said is not None:
                topic, key, value, partition, headers = said
                to = partition if partition is not None else partition_of(key or b"", partitions)
                records.setdefault((topic, to), []).append((key, value, (*headers, *stamps[topic])))
                room.take(len(key or b"") + len(value or b""))
            if clock() - began > SLICE_S:
                self._unbind()
                await asyncio.sleep(0)
                self._bind()
                began = clock()
        self._unbind()
        return records

    def _patient(self) -> bool:
        """Tell whether what may wait had better: in a backlog most of the time is for working it off."""
        return self._behind() and _now() - self._told_at < max(GATHER_S, PATIENCE * self._telling_s)

    def _behind(self) -> bool:
        """Tell whether there is more to come in the source, as far as is known."""
        position, end_of = self.progress.next, self.engine.end_of
        return any(position.get(tp.topic, 0) < max(self.goal.get(tp.topic, 0), end_of(tp)) for tp in self._sources())

    def _bind(self) -> None:
        """Let what now runs, which may not await, see this partition's rows and write to its next transaction."""
        self._in_body = True
        for table in self.tables:
            table.bind(self._rows[table], self._dirty[table])

    def _unbind(self) -> None:
        for table in self.tables:
            table.unbind()
        self._in_body = False

    async def _run(self) -> None:
        while not self.closed or self._wake.is_set():
            await self._wake.wait()
            self._wake.clear()
            if self._in_body:
                die(AWAITED)
            if not self._applied and not self._announce and (self._owes == "nothing" or self.closed):
                continue
            if self._gathers():
                await asyncio.sleep(GATHER_POLL_S)
                self._wake.set()
                continue
            if self._owes == "later" and not self._applied and self._patient():
                self._wake_later()
                continue
            began = self._taken_at = _now()
            taken = await self._take()
            open_s = await self._commit_surely(taken)
            self._committed_at = _now()
            whole_s = self._committed_at - began
            self.budget.took(max(taken.merged, taken.announced), taken.size, open_s=open_s, made_s=whole_s - open_s)
            self.engine.stats.commit.observe(whole_s)
            self.engine.stats.transactions += 1
            self._note_told(taken, began)
            self.transactions += 1
            self._see_room()
            self._note_caught_up(taken.position)

    def _note_told(self, taken: Taken, began: float) -> None:
        """Take note of what has been said by now, and go on where something is left."""
        if taken.owes == "nothing":
            self._note_committed(taken.position)
            self._told_at = _now()
            self._telling_s = self._told_at - self._telling_since if self._telling_since is not None else 0.0
            self._telling_since = None
        elif taken.owes == "now":
            if self._telling_since is None:
                self._telling_since = began
            if not self.closed:
                self._wake.set()
        else:
            self._wake_later()

    def _wake_later(self) -> None:
        """Look again soon: what was put off is said when nothing more comes."""
        asyncio.get_running_loop().call_later(LATER_S, self._wake.set)

    def _gathers(self) -> bool:
        """Tell whether to wait for more: in a backlog, where the next fetch is on its way.

        Larger transactions write each row and say each announcement less often. At the end of the log there is no wait.
        """
        if self.closed or self._caught_up or self._owes == "now" or 2 * self._pending >= self.budget.records:
            return False
        position = self.progress.next
        behind = any(position.get(topic, 0) < end for topic, end in self.goal.items())
        now = _now()
        soon = now - self._taken_at < GATHER_S or now - self._committed_at < GATHER_POLL_S  # the budget may have grown
        return behind and not self._announce and soon

    async def _commit_surely(self, taken: Taken) -> float:
        """Commit one moment of the state; where the appender breaks, find out whether it was, with a new one.

        Returns how long the transaction was open, in seconds; one that broke counts with all that came after it.
        """
        began = _now()
        try:
            return await self._commit(taken)
        except Broken as broken:
            if self.closed or _now() - self._reopened_at < REOPENED_S:
                die(f"{self.engine.config.id}-{self.partition} was shut out by the broker: {broken}")
            self._reopened_at = _now()
            if not await self._was_committed(taken, broken):
                await self._commit(taken)
            return _now() - began

    async def _was_committed(self, taken: Taken, broken: Broken) -> bool:
        """Tell whether a transaction was committed whose appender broke; ends the process where another one took over.

        A broker whose coordinator or leader is away for longer than the transaction's timeout aborts it and shuts the
        appender out, as if another one had come. So what is done is what a takeover does: fence, then read on from
        where the memory is complete. Nothing there: it was aborted. Our own position: it was committed. Anything else:
        another worker has gone on from here, and has been shut out by us for the time that it needs to do the same.
        """
        name, config = f"{self.engine.config.id}-{self.partition}", self.engine.config
        log.warning("%s: the broker shut its appender out; a new one looks what was committed: %s", name, broken)
        before, self._appender = self._appender, self.engine.kafka.appender(name)
        assert before is not None  # noqa: S101 - it broke
        with contextlib.suppress(Exception):
            await asyncio.wait_for(before.stop(), STOP_BROKEN_S)
        positions: list[bytes] = []
        count = 0
        async with within(config.stuck_s, f"{name} could not find out what became of its transaction"):
            await self._appender.fence()
            async with self.engine.kafka.reader() as reader:
                ends = {tp: bounds.last for tp, bounds in (await reader.bounds([*self._changelogs()])).items()}
                for tp, end in ends.items():
                    if end < self.ends[tp]:
                        die(f"{tp.topic}-{tp.partition} ends at {end}, the state was read up to {self.ends[tp]}")
                async for _, records in reader.read(self.ends, ends):
                    count += len(records)
                    positions += [record.value for record in records if record.key == POSITION]
            await self._appender.clear(self._written())
        ours = taken.records[self.tables[0].changelog_topic_name, self.partition][-1][1]
        if count and positions != [ours]:
            die(f"{name}: another worker has taken the partition over and gone on from here; this one is too late")
        self.ends.update(ends)
        log.info("%s: the transaction was %s", name, "committed" if count else "aborted, and is sent again")
        return bool(count)

    async def _commit(self, taken: Taken) -> float:
        """Make one moment of the state visible as one transaction, or end the process; return how long it was open.

        Up to the commit an error that may pass aborts, and the same is sent again. From the commit on the outcome of an
        error is unknown: whether it was committed is found out by whoever takes over next, from the changelog.
        """
        appender, config = self._appender, self.engine.config
        assert appender is not None  # noqa: S101 - `open` has made it
        async with within(config.stuck_s, f"{config.id}-{self.partition} could not end its transaction", self._gone):
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    point("before_begin", config.fault)
                    began = _now()
                    await appender.begin()
                    point("after_begin", config.fault)
                    ends = await appender.send(taken.records)
                    point("before_commit", config.fault)
                except Passing as exc:
                    if attempt == ATTEMPTS:
                        die(exc)
                    await appender.abort()
                    self.engine.stats.aborted += 1
                    await appender.clear(self._written())
                    log.warning("%s-%d: aborted, attempt %d: %s", config.id, self.partition, attempt, exc)
                    await asyncio.sleep(0.1 * 2**attempt)
                else:
                    break
            await appender.commit()
            open_s = _now() - began
            point("after_commit", config.fault)
        sent = sum(map(len, taken.records.values()))
        self.records_out += sent
        self.engine.stats.records_out += sent
        self.ends.update({tp: end for tp, end in ends.items() if tp in self.ends})
        return open_s

    def forget_committed(self) -> None:
        """Tell the group nothing: another worker may have told it more, or something is still to be said."""
        for tp in self._sources():
            self.engine.committed.pop(tp, None)

    def _note_committed(self, position: Mapping[str, int]) -> None:
        """Tell the group: all up to here is committed, and said."""
        self.engine.committed.update({TP(t, self.partition): o for t, o in position.items()})

    def _note_caught_up(self, position: Mapping[str, int]) -> None:
        """Say once after a takeover when everything that lay there then has been committed."""
        if self._caught_up or any(position.get(topic, 0) < end for topic, end in self.goal.items()):
            return
        self._caught_up = True
        if self._since is not None:
            log.info(
                "%s-%d caught up: %d records, %d transactions, from %.3f to %.3f",
                self.engine.config.id, self.partition, self._records, self.transactions, self._since, time.time(),
            )  # fmt: skip

    # -- letting go ----------------------------------------------------------------------------------------------------

    async def close(self) -> None:
        """Commit what was applied and disconnect; then memory and changelog agree."""
        self.closed = True
        self._room.set()
        self._wake.set()
        if self._task is not None:
            await asyncio.shield(self._task)
        else:
            self.ends = {}  # was still being taken over
        self._let_go = _now(), self.engine.config.wall()
        if self._appender is not None:
            async with within(self.engine.config.stuck_s, f"{self.engine.config.id}-{self.partition} could not let go"):
                await self._appender.stop()

    def forget(self) -> None:
        """Drop this partition's rows from memory: another worker writes them now."""
        for rows in self._rows.values():
            rows.clear()
        self.engine.forgotten(self.partition)


def _now() -> float:
    return asyncio.get_running_loop().time()
