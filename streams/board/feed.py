"""From Kafka into Redis: one task that reads `standings` and `alerts` from the beginning and keeps the boards.

Nobody else writes to Redis, and Redis holds nothing that is not in Kafka. Each start reads everything again: the
compare-and-set of the script makes that harmless, and what Kafka does not hold any more is swept away at its end.
Nothing is applied before the topics have been read to where they ended at the start, so no board is ever half made.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from models.decisions.reading import Reading
from streams.board.pending import Pending, Watermark
from streams.board.records import RowFact, Unreadable, for_the_wall, read_alert, read_standing
from streams.board.store import (
    BOARDS_MAX,
    Batch,
    BoardStore,
    EpochLost,
    backoff_s,
    connect,
    known_boards,
    position_field,
    why,
)
from streams.broker import topics
from streams.broker.connection import bootstrap, client_options
from streams.broker.formats import BOARD, FILES, check_record
from streams.settings import Settings

log = logging.getLogger("lotrinh.board.feed")

SCHEMA: Final = str(FILES[BOARD].writes)
"""The number of the form of what stands in Redis; a higher one is refused, a lower one begins a new epoch."""
STANDINGS, ALERTS, HEARTBEATS = topics.STANDINGS, topics.ALERTS, topics.HEARTBEATS

COALESCE_S: Final = 0.3
"""Changes within this many seconds after a change form one batch."""
IDLE_S: Final = 1.0
"""without changes, positions and freshness are written this often; it also notices a flushed Redis"""
POLL_RECORDS_MAX: Final = 2_000


class Feed:
    """Keeps the boards in Redis equal to `standings` and `alerts`."""

    def __init__(self, settings: Settings, reading: Reading, now: Callable[[], float] = time.time) -> None:
        """Connect to nothing yet; `reading` names the board that stands there even without rows."""
        self._settings = settings
        self._own = reading.decision.id
        self._made_of = f"{SCHEMA}:{reading.fingerprint()}"
        self._now = now
        self._names = {settings.topic(name): name for name in (STANDINGS, ALERTS, HEARTBEATS)}
        self._redis: Redis = connect(settings)
        self._stores: dict[str, BoardStore] = {}
        self._pending: dict[str, Pending] = {}
        self._goals: dict[TopicPartition, int] = {}
        self._before: dict[str, dict[str, str]] = {}
        """board → the rows that stood there when the reading began; what is not met again by its end is swept"""
        self._stood: dict[str, set[str]] = {}
        """The rows that this process has put on each board."""
        self._due = 0.0
        self._refusals = 0
        """How often in a row Redis has refused a batch."""
        self.watermark = Watermark()
        self.unreadable = 0
        self.batches = 0
        self.failures = 0

    async def run(self) -> None:
        """Feed until cancelled; a broker or a Redis that is away is tried again."""
        failures = 0
        try:
            while True:
                started = time.monotonic()
                try:
                    await self._session()
                except (KafkaError, RedisError, OSError, TimeoutError) as exc:
                    failures = 0 if time.monotonic() - started > 60 else failures + 1
                    self.failures += 1
                    log.warning("the feed stands still: %s; trying again", why(exc))
                    await asyncio.sleep(backoff_s(failures))
        finally:
            await self._redis.aclose()

    async def _session(self) -> None:
        """Read with one consumer until it fails."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap(self._settings),
            **client_options(self._settings),
            group_id=None,  # every process reads everything; positions stand in Redis, beside what they led to
            enable_auto_commit=False,
            auto_offset_reset="earliest",  # also where retention has overtaken us
            isolation_level="read_committed",  # a row of a transaction that is aborted never was
            fetch_max_wait_ms=500,
        )
        try:
            await consumer.start()
            partitions = await self._partitions(consumer)
            consumer.assign(sorted(partitions))
            await self._from_the_start(consumer)
            while True:
                await self._turn(consumer)
        finally:
            await consumer.stop()

    async def _partitions(self, consumer: Any) -> Collection[TopicPartition]:
        """Return all partitions of our topics; wait for those we cannot do without."""
        failures = 0
        while True:
            present = await consumer.topics()
            names = {short: full for full, short in self._names.items() if full in present}
            if len(names) == len(self._names):
                break
            if not failures:
                log.info("waiting for the topics %s", ", ".join(self._names))
            failures += 1
            await asyncio.sleep(min(5.0, backoff_s(failures)))
        return [TopicPartition(full, p) for full in names.values() for p in range(self._settings.partitions)]

    # -- beginning -----------------------------------------------------------------------------------------------------

    async def _from_the_start(self, consumer: Any, *, force: bool = False) -> None:
        """Open the boards and go to the beginning of the topics; `force` begins new epochs."""
        boards = {self._own, *await known_boards(self._redis, self._settings.prefix)}
        self._pending = {board: Pending() for board in boards}
        self._stores, self._before = {}, {}
        stored = {board: await self._open(board, force=force) for board in boards}
        # Rows first, ends afterwards: a row that stands now came from below the ends.
        for board in boards:
            self._before[board] = await self._stores[board].versions()
        ends: Mapping[TopicPartition, int] = await consumer.end_offsets(consumer.assignment())
        for board in boards:
            if self._beyond(stored[board], ends):
                log.warning("board %s has seen more than the topics hold: beginning a new epoch", board)
                await self._open(board, force=True)
                self._before[board] = {}
        self._goals = {tp: end for tp, end in ends.items() if self._names[tp.topic] in (STANDINGS, ALERTS)}
        await consumer.seek_to_beginning()
        self._due = 0.0

    async def _open(self, board: str, *, force: bool = False) -> dict[str, str]:
        store = self._stores[board] = BoardStore(self._redis, self._settings.prefix, board)
        made_of = self._made_of if board == self._own else SCHEMA
        meta = await store.open(secrets.token_hex(5), made_of, force=force)
        log.info("board %s: epoch %s, version %s", board, store.epoch, store.ver)
        return meta

    def _beyond(self, stored: Mapping[str, str], ends: Mapping[TopicPartition, int]) -> bool:
        """Tell whether a board has applied more than the topics hold: they were made anew."""
        fields = {position_field(self._names[tp.topic], tp.partition): end for tp, end in ends.items()}
        return any(int(stored.get(field, 0)) > end for field, end in fields.items())

    # -- reading -------------------------------------------------------------------------------------------------------

    async def _turn(self, consumer: Any) -> None:
        """Read what is there, and write when it is time."""
        wait_s = min(max(self._due - time.monotonic(), 0.0), IDLE_S)
        fetched = await consumer.getmany(timeout_ms=max(50, int(wait_s * 1000)), max_records=POLL_RECORDS_MAX)
        waited = any(map(len, self._pending.values()))
        for tp, records in fetched.items():
            for record in records:
                check_record(self._names[tp.topic], record.headers, f"{tp.topic}-{tp.partition} @ {record.offset}")
            self._absorb(self._names[tp.topic], records)
        now = time.monotonic()
        if not waited and any(map(len, self._pending.values())):
            self._due = min(self._due, now + COALESCE_S)
        if now < self._due:
            return
        positions = {tp: await consumer.position(tp) for tp in consumer.assignment()}
        if any(positions[tp] < goal for tp, goal in self._goals.items()):
            return
        try:
            await self._write(consumer, positions)
            self._due = time.monotonic() + IDLE_S
            self._refusals = 0
        except EpochLost as exc:
            log.warning("reading everything again: %s", exc)
            await self._from_the_start(consumer, force=exc.rewound)
        except (RedisError, OSError, TimeoutError) as exc:
            # Kafka's side goes on: what comes merges into what waits, so waiting costs no memory beyond the rows.
            self.failures += 1
            self._refusals += 1
            log.warning("Redis does not take the board: %s; trying again", why(exc))
            self._due = time.monotonic() + backoff_s(min(self._refusals, 4))

    def _absorb(self, topic: str, records: list[Any]) -> None:
        for record in records:
            if topic == HEARTBEATS:
                self.watermark.beat((record.key or b"").decode(errors="replace"), record.timestamp)
                continue
            self.watermark.record(record.timestamp)
            if topic == STANDINGS:
                row = read_standing(record.key, record.value, record.headers)
                if not isinstance(row, Unreadable) and (pending := self._board(row.decision)) is not None:
                    if self._is_for_the_wall(row):
                        pending.add_row(row)
                    continue
            else:
                alert = read_alert(record.value, record.partition, record.offset)
                if not isinstance(alert, Unreadable) and (pending := self._board(alert.decision)) is not None:
                    pending.add_alert(for_the_wall(alert))
                    continue
            self.unreadable += 1

    def _is_for_the_wall(self, row: RowFact) -> bool:
        """Tell whether a row stands on its board, or stood there and has to go."""
        stood = self._stood.setdefault(row.decision, set())
        if row.row is None:
            return row.key in stood or row.key in self._before.get(row.decision, ())
        stood.add(row.key)
        return True

    def _board(self, decision: str) -> Pending | None:
        if decision not in self._pending and len(self._pending) < BOARDS_MAX:
            self._pending[decision] = Pending()
        return self._pending.get(decision)

    # -- writing -------------------------------------------------------------------------------------------------------

    async def _write(self, consumer: Any, positions: Mapping[TopicPartition, int]) -> None:
        """Apply all that waits, board by board, the positions with the last batch of each."""
        seen_ms = min((consumer.last_poll_timestamp(tp) or 0 for tp in positions), default=0)
        fields = {
            "complete": "1",
            "fed_ms": str(seen_ms),  # Kafka answered then; the server tells from it whether the feed is alive
            "watermark_ms": str(self.watermark.ms),
            "clock": self.watermark.clock,
            "lag": str(sum(max(0, (consumer.highwater(tp) or 0) - at) for tp, at in positions.items())),
        }
        applied = {
            position_field(self._names[tp.topic], tp.partition): at
            for tp, at in positions.items()
            if self._names[tp.topic] in (STANDINGS, ALERTS)
        }
        for board, pending in self._pending.items():
            if board not in self._stores:
                await self._open(board)
            batches = pending.take()
            if board in self._before:
                seen = pending.keys()
                batches[-1].swept = [(k, v) for k, v in self._before[board].items() if k not in seen]
            batches[-1].positions, batches[-1].fields = applied, fields
            for batch in batches:
                await self._apply(board, batch)
            pending.clear()
            self._before.pop(board, None)

    async def _apply(self, board: str, batch: Batch) -> None:
        applied = await self._stores[board].apply(batch)
        self.batches += 1
        if applied.rows or applied.alerts:
            log.debug("board %s: version %s, %s rows, %s alerts", board, applied.ver, applied.rows, applied.alerts)
