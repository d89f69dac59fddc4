"""One owned source partition: its fence, its state, what is applied and not yet committed, and the commits."""

import asyncio
import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2
from faust.types import TP

from streams.engine.stop import die, point, watched
from streams.engine.tables import Table
from streams.engine.transport import Fetch

if TYPE_CHECKING:
    from streams.engine.app import Engine

log = logging.getLogger("lotrinh.engine")

POSITION = b"\x00position"
"""key of the row that says how far the state has come; no table key begins with NUL"""
BATCH_BYTES = 900_000
"""of one record batch, below the broker's `message.max.bytes`"""
GATHER_S = 3.0
"""how long a transaction may wait for more while a backlog is worked off"""
GATHER_POLL_S = 0.02
ATTEMPTS = 5
"""of one transaction, with growing pauses, before the process gives up"""


class Announcement(NamedTuple):
    """A record that an application sends within the transaction of the state it follows from."""

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int | None = None
    """None: by the key, as every Kafka client does"""
    headers: tuple[tuple[str, bytes], ...] = ()


class Work(Protocol):
    """What an application keeps of one source partition besides its tables."""

    def restored(self, *, renewed: bool) -> None:
        """Derive everything from the tables' rows of this partition (`Owner.rows`).

        `renewed`: the fingerprint has changed or there was no state; a new epoch begins, and all must be announced.
        """

    def take(self, fetch: Fetch) -> None:
        """Take a fetch in: read its records, write tables. Called by the agent's body, which may not await."""

    def announcements(self) -> Iterable[Announcement]:
        """Return what is to be said of everything taken since the last call. Called once per transaction."""


@dataclass
class Progress:
    """How far a partition's state has come: the row under `POSITION`."""

    next: dict[str, int] = field(default_factory=dict)
    """source topic → position applied"""
    epoch: int = 0
    fingerprint: str = ""
    memo: dict[str, Any] = field(default_factory=dict)
    """what the application keeps with the position; JSON"""

    def dump(self) -> bytes:
        """Return the row."""
        return orjson.dumps(
            {"next": self.next, "epoch": self.epoch, "fingerprint": self.fingerprint, "memo": self.memo}
        )

    @classmethod
    def load(cls, raw: bytes) -> "Progress":
        """Read the row."""
        return cls(**orjson.loads(raw))


@lru_cache(maxsize=65_536)
def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition Kafka's default partitioner gives a key."""
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)


_Record = tuple[bytes | None, bytes | None] | tuple[bytes | None, bytes | None, tuple[tuple[str, bytes], ...]]
"""key, value, and headers where there are any"""


class Taken(NamedTuple):
    """One moment of a partition's state, as the records of one transaction."""

    records: Mapping[tuple[str, int], Sequence[_Record]]
    position: Mapping[str, int]


class Owner:
    """A source partition that this worker owns.

    Fetches are merged as they come; one task commits everything merged so far, again and again. Nothing waits for a
    timer: at low rates a transaction holds one record, under load thousands.
    """

    def __init__(self, engine: "Engine", partition: int) -> None:
        """Own nothing yet; `open` takes over."""
        self.engine = engine
        self.partition = partition
        self.tables: list[Table] = engine.engine_tables()
        self.progress = Progress()
        self.work: Work = engine.new_work(self)
        self.ends: dict[TopicPartition, int] = {}
        """changelog → position up to which the rows in memory are complete; empty: they are not to be trusted"""
        self.let_go_at = 0.0
        self.transactions = 0
        self.records_out = 0
        self.goal: Mapping[str, int] = {}
        """source topic → where its log ended at takeover"""
        self._taken_at = 0.0
        self._since: float | None = None
        self._records = 0
        self._caught_up = False
        self._keys: dict[Table, set[Any]] = {t: set() for t in self.tables}
        self._dirty: dict[Table, dict[Any, None]] = {t: {} for t in self.tables}
        self._pending = 0
        self._announce = False
        self._in_body = False
        self._producer: AIOKafkaProducer | None = None
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

    @property
    def memo(self) -> dict[str, Any]:
        """What the application keeps with the position; JSON, small, written with every transaction."""
        return self.progress.memo

    @property
    def pending(self) -> int:
        """Records applied and not yet taken into a transaction."""
        return self._pending

    def row_counts(self) -> Mapping[str, int]:
        """Return table → rows of this partition, as of the last transaction."""
        return {table.name: len(keys) for table, keys in self._keys.items()}

    def rows(self, table: Any) -> Iterator[tuple[Any, Any]]:
        """Yield key and value of this partition's rows of a table."""
        source: Table = getattr(table, "table", table)
        rows = source.rows
        return ((key, rows[key]) for key in [*self._keys[source] | self._dirty[source].keys()] if key in rows)

    # -- taking over: fence, restore, only then work -------------------------------------------------------------------

    async def open(self) -> None:
        """Take the partition over: the predecessor is fenced, then the state is read, and only then work begins."""
        began, known = time.monotonic(), bool(self.ends)
        self.closed, self._in_body = False, False
        self._since, self._records, self._caught_up = None, 0, False
        self._taken_at = time.monotonic()
        self._wake, self._room, self._task = asyncio.Event(), asyncio.Event(), None
        self._room.set()
        config = self.engine.config
        self._producer = AIOKafkaProducer(
            **config.client(),
            transactional_id=f"{config.id}-{self.partition}",
            acks="all",
            linger_ms=0,
            max_batch_size=BATCH_BYTES,
            max_request_size=8 * BATCH_BYTES,
            transaction_timeout_ms=int(config.transaction_timeout_s * 1000),
        )
        await self._producer.start()  # init_transactions: fences the predecessor and ends what it left open
        fenced = time.monotonic()
        read = await self._restore()
        await self._check_source()
        renewed = self.progress.fingerprint != config.fingerprint
        if renewed:
            # Later than every epoch before it, also where the old changelog is gone: readers must not take what is new
            # for old.
            self.progress.epoch = max(self.progress.epoch + 1, int(time.time()))
            self.progress.fingerprint = config.fingerprint
        for topic in config.announces:
            await self._producer.partitions_for(topic)
        if read or renewed or not known:
            self.work.restored(renewed=renewed)
        self._task = watched(asyncio.create_task(self._run(), name=f"{config.id}-{self.partition}"))
        if renewed:
            self.announce()
        log.info(
            "%s-%d taken over: fenced in %.2f s, %d rows in %.2f s, epoch %d, position %d",
            config.id, self.partition, fenced - began, read, time.monotonic() - fenced, self.epoch, self.position,
        )  # fmt: skip

    async def _restore(self) -> int:
        """Read the changelogs of this partition up to their end; from where the memory is complete, if it is."""
        changelogs = {TopicPartition(t.changelog_topic_name, self.partition): t for t in self.tables}
        consumer = AIOKafkaConsumer(
            **self.engine.config.client(),
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=8 << 20,
        )
        await consumer.start()
        read = 0
        try:
            consumer.assign(list(changelogs))
            await consumer.seek_to_beginning()
            for tp, known in self.ends.items():
                consumer.seek(tp, known)
            ends = await consumer.end_offsets(list(changelogs))
            # By position: the end of a transactional log is a marker, which no reader is ever given.
            while any([await consumer.position(tp) < end for tp, end in ends.items()]):
                for tp, records in (await consumer.getmany(timeout_ms=50)).items():
                    read += self._load(changelogs[tp], records)
                    await asyncio.sleep(0)
            self.ends = {tp: await consumer.position(tp) for tp in changelogs}
        finally:
            await consumer.stop()
        for table in self.tables:
            self._keys[table] &= table.rows.keys()
        self._note_committed(self.progress.next)
        return read

    def _load(self, table: Table, records: Iterable[Any]) -> int:
        count = 0
        add = self._keys[table].add
        for count, record in enumerate(records, start=1):  # noqa: B007
            if record.key == POSITION:
                self.progress = Progress.load(record.value)
            else:
                add(table.load(record.key, record.value))
        return count

    async def _check_source(self) -> None:
        """Compare the state's positions with the source's log: never go on where something between is gone."""
        sources = [TopicPartition(t, self.partition) for t in sorted(self.engine.sources)]
        consumer = AIOKafkaConsumer(**self.engine.config.client(), isolation_level="read_committed")
        await consumer.start()
        try:
            first, last = await consumer.beginning_offsets(sources), await consumer.end_offsets(sources)
        finally:
            await consumer.stop()
        for tp in sources:
            at = self.progress.next.setdefault(tp.topic, first[tp])
            if at < first[tp]:
                die(f"{tp.topic}-{tp.partition} begins at {first[tp]}, the state has come to {at}: gone")
            if at > last[tp]:
                die(f"{tp.topic}-{tp.partition} ends at {last[tp]}, the state has come to {at}: another log")
        self.goal = {tp.topic: last[tp] for tp in sources}

    # -- working -------------------------------------------------------------------------------------------------------

    async def room(self) -> None:
        """Wait until there is room for more that is applied and not committed."""
        await self._room.wait()

    def begin(self, fetch: Fetch) -> None:
        """Let the agent's body write on behalf of a fetch."""
        self._bind()
        fetch.owner = self

    def applied(self, fetch: Fetch) -> None:
        """Take note that a fetch has been merged: its position is now the state's."""
        self._unbind()
        self._records += len(fetch.records)
        self.engine.stats.applied(fetch.topic, fetch.partition, fetch.records, time.monotonic())
        if self._since is None:
            self._since = time.time()
        self.progress.next[fetch.topic] = fetch.position
        self._pending += len(fetch.records)
        if self._pending >= self.engine.config.pending_records_max:
            self._room.clear()
        self._wake.set()

    def announce(self) -> None:
        """Ask for a transaction although no fetch was merged."""
        self._announce = True
        self._wake.set()

    def _take(self) -> Taken:
        """Take everything applied so far: at once, without waiting, so that it is one moment of the state."""
        records: dict[tuple[str, int], list[_Record]] = {}
        partitions = self.engine.config.partitions
        self._bind()
        for topic, key, value, partition, headers in self.work.announcements():  # which may still write tables
            to = partition if partition is not None else partition_of(key or b"", partitions)
            records.setdefault((topic, to), []).append((key, value, headers) if headers else (key, value))
        self._unbind()
        for table, dirty in self._dirty.items():
            rows = table.dump(dirty)
            records[table.changelog_topic_name, self.partition] = [*rows]
            gone = [key for key, row in zip(dirty, rows, strict=True) if row[1] is None]
            self._keys[table].update(dirty)
            self._keys[table].difference_update(gone)
            self._dirty[table] = {}
        first = self.tables[0].changelog_topic_name
        records[first, self.partition].append((POSITION, self.progress.dump()))
        self._pending, self._announce = 0, False
        return Taken(records, dict(self.progress.next))

    def _bind(self) -> None:
        """Let table writes of what now runs, which may not await, join this partition's next transaction."""
        self._in_body = True
        for table in self.tables:
            table.dirty = self._dirty[table]

    def _unbind(self) -> None:
        for table in self.tables:
            del table.dirty
        self._in_body = False

    async def _run(self) -> None:
        while not self.closed or self._wake.is_set():
            await self._wake.wait()
            self._wake.clear()
            if self._in_body:
                die("an agent's body awaited something; half a fetch would have been committed")
            if self.closed and not self._pending and not self._announce:
                continue
            if self._gathers():
                await asyncio.sleep(GATHER_POLL_S)
                self._wake.set()
                continue
            taken = self._take()
            self._taken_at = time.monotonic()
            await self._commit(taken)
            self.engine.stats.commit.observe(time.monotonic() - self._taken_at)
            self.engine.stats.transactions += 1
            self._note_committed(taken.position)
            self.transactions += 1
            self._room.set()
            self._note_caught_up(taken.position)

    def _gathers(self) -> bool:
        """Tell whether to wait for more: in a backlog, where the next fetch is on its way.

        Larger transactions write each row and say each announcement less often. At the end of the log there is no wait.
        """
        if self.closed or self._caught_up or 2 * self._pending >= self.engine.config.pending_records_max:
            return False
        position = self.progress.next
        behind = any(position.get(topic, 0) < end for topic, end in self.goal.items())
        return behind and not self._announce and time.monotonic() - self._taken_at < GATHER_S

    async def _commit(self, taken: Taken) -> None:
        """Send one moment of the state as one transaction; on an error that may pass, abort and send the same again."""
        producer, fault = self._producer, self.engine.config.fault
        assert producer is not None  # noqa: S101 - `open` has made it
        for attempt in range(1, ATTEMPTS + 1):
            try:
                point("before_begin", fault)
                await producer.begin_transaction()
                point("after_begin", fault)
                await self._send(producer, taken)
                point("before_commit", fault)
                await producer.commit_transaction()
                point("after_commit", fault)
            except KafkaError as exc:
                if attempt == ATTEMPTS or not await self._aborted(producer, exc):
                    die(exc)
                self.engine.stats.aborted += 1
                log.warning(
                    "%s-%d: transaction aborted, attempt %d: %r", self.engine.config.id, self.partition, attempt, exc
                )
                await asyncio.sleep(0.1 * 2**attempt)
            else:
                return

    async def _aborted(self, producer: AIOKafkaProducer, error: KafkaError) -> bool:
        """Abort what a failed attempt left; False where only a new process can go on (fenced, or unknown outcome)."""
        if not getattr(error, "retriable", False):
            return False
        try:
            await producer.abort_transaction()
        except Exception as exc:  # noqa: BLE001 - whatever it is, this producer is of no more use
            log.warning("could not abort: %r", exc)
            return False
        return True

    async def _send(self, producer: AIOKafkaProducer, taken: Taken) -> None:
        sent, counts = [], []
        for (topic, partition), rows in taken.records.items():
            for batch in _batches(producer, rows):
                counts.append(batch.record_count())
                sent.append(await producer.send_batch(batch, topic, partition=partition))
        for count, delivered in zip(counts, await asyncio.gather(*sent), strict=True):
            self.records_out += count
            self.engine.stats.records_out += count
            if delivered.topic_partition in self.ends:
                self.ends[delivered.topic_partition] = delivered.offset + count

    def _note_committed(self, position: Mapping[str, int]) -> None:
        self.engine.tables.committed.update({TP(t, self.partition): o for t, o in position.items()})

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
        """Commit what was applied and stop the producer; then memory and changelog agree."""
        self.closed = True
        self._room.set()
        self._wake.set()
        if self._task is not None:
            await self._task
        else:
            self.ends = {}  # was still being taken over
        self.let_go_at = time.monotonic()
        if self._producer is not None:
            await self._producer.stop()

    def forget(self) -> None:
        """Drop this partition's rows from memory: another worker writes them now."""
        for table, keys in self._keys.items():
            for key in keys:
                table.rows.pop(key, None)
        self.engine.forgotten(self.partition)


def _batches(producer: AIOKafkaProducer, rows: Iterable[_Record]) -> Iterator[Any]:
    """Pack records into as few record batches as they fit in; a record larger than a batch goes alone."""
    batch = producer.create_batch()
    for key, value, *headers in rows:
        if batch.append(key=key, value=value, timestamp=None, headers=list(*headers)) is None:
            batch.close()
            yield batch
            batch = producer.create_batch()
            if batch.append(key=key, value=value, timestamp=None, headers=list(*headers)) is None:
                die(f"a row of {len(value or b'')} bytes does not fit a record batch of {BATCH_BYTES} bytes")
    batch.close()
    if batch.record_count():
        yield batch
