"""The engine's log on real Kafka, by aiokafka. What it relies on: docs/engine.md, `tests/test_library_facts.py`."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError
from aiokafka.producer import sender
from aiokafka.structs import OffsetAndMetadata
from faust.types import TP

from streams.engine.log import WITNESS, Bounds, Broken, Passing, Row, Rows
from streams.engine.process_exit import die

BATCH_BYTES = 900_000
"""of one record batch, below the broker's `message.max.bytes`"""
TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)
CLEARED = b"\x00cleared"
"""key of a record that is aborted as soon as it is there"""
POLL_MS = 50
CHUNK = 2_000
"""records of a changelog in hand at once; all that has been fetched would be a hundred thousand"""
STALLED_S = 60.0
"""how long a read may wait for its next record, which is there"""
MARKERS_S = 0.001
"""After a commit is decided its markers are still being written, and the next transaction is turned away meanwhile. How
long to wait before asking again; aiokafka's 20 ms are several times what the markers take."""
sender.BACKOFF_OVERRIDE = MARKERS_S


class KafkaLog:
    """Kafka under one group."""

    def __init__(self, client: Mapping[str, Any], group: str, transaction_timeout_s: float) -> None:
        """Take aiokafka's connection options; connects when asked for something."""
        self._client = client
        self._group = group
        self._timeout_ms = int(transaction_timeout_s * 1000)

    def appender(self, name: str) -> "KafkaAppender":
        """Return an appender under a transactional id."""
        return KafkaAppender(
            AIOKafkaProducer(
                **self._client,
                transactional_id=name,
                acks="all",
                linger_ms=0,
                max_batch_size=BATCH_BYTES,
                max_request_size=8 * BATCH_BYTES,
                transaction_timeout_ms=self._timeout_ms,
            )
        )

    @asynccontextmanager
    async def reader(self) -> AsyncIterator["KafkaReader"]:
        """Connect a consumer without a group."""
        consumer = AIOKafkaConsumer(
            **self._client,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="none",  # a position that is out of range is an error, never a new beginning
            max_partition_fetch_bytes=2 << 20,
            # Questions wait behind a fetch that waits for records (half a second each), and one by one for every topic
            # that the client has not heard of; there is nothing to wait for, what is read does not grow.
            fetch_max_wait_ms=POLL_MS,
            retry_backoff_ms=POLL_MS // 5,
        )
        try:
            await consumer.start()
            yield KafkaReader(consumer, self._client)
        finally:
            await consumer.stop()

    async def witnessed(self, tps: Collection[TP]) -> Mapping[TP, int]:
        """Return the group's positions that were committed as witnesses of a state."""
        admin = AIOKafkaAdminClient(**self._client)
        try:
            await admin.start()
            found = await admin.list_consumer_group_offsets(self._group, partitions=[TopicPartition(*tp) for tp in tps])
        finally:
            await admin.close()
        return {TP(*tp): at.offset for tp, at in found.items() if at.metadata == WITNESS}


class KafkaAppender:
    """One transactional producer."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        """Hold the producer, not yet started."""
        self._producer = producer

    async def fence(self) -> None:
        """`init_transactions`: a new epoch for this id; the coordinator ends what the predecessor left open."""
        await self._producer.start()

    async def clear(self, tps: Collection[TP]) -> None:
        """Append one record to each partition and abort: the marker ends whatever is open there under this id."""
        await self.begin()
        await self.send({tp: [(CLEARED, None)] for tp in tps})
        await self.abort()

    async def partitions(self, topic: str) -> int:
        """Return how many partitions a topic has; waits until the broker knows it."""
        return len(await self._producer.partitions_for(topic))

    async def gone(self, topics: Collection[str]) -> list[str]:
        """Return those of some topics that the broker does not know; none where it does not answer."""
        try:
            known = (await self._producer.client.fetch_all_metadata()).topics(exclude_internal_topics=False)
        except KafkaError:
            return []
        return sorted(set(topics) - set(known))

    async def begin(self) -> None:
        """Begin; local, Kafka is told with the first record."""
        try:
            await self._producer.begin_transaction()
        except KafkaError as exc:  # what ended the transaction before has made the producer useless
            raise Broken(_words(exc)) from exc

    async def send(self, rows: Rows) -> Mapping[TP, int]:
        """Send everything as few record batches, and wait for all acknowledgements.

        All of them are packed first: Kafka is told of the transaction with the first that is sent.
        """
        producer = self._producer
        packed: list[tuple[str, int, Any]] = []
        for (topic, partition), of_partition in rows.items():
            for batch in _batches(producer, of_partition):
                packed.append((topic, partition, batch))
                await asyncio.sleep(0)  # the rest of the process has its turn
        counts = [batch.record_count() for *_, batch in packed]
        sent, ends = [], {}
        try:
            for topic, partition, batch in packed:
                sent.append(await producer.send_batch(batch, topic, partition=partition))
            for count, delivered in zip(counts, await asyncio.gather(*sent), strict=True):
                ends[TP(delivered.topic, delivered.partition)] = delivered.offset + count
        except KafkaError as exc:
            for future in sent:
                future.add_done_callback(_seen)
            if isinstance(exc, TOO_LARGE):
                die(_too_large(rows, exc))
            if getattr(exc, "retriable", False):
                raise Passing(repr(exc)) from exc
            raise Broken(_words(exc)) from exc
        return ends

    async def commit(self) -> None:
        """Flush and commit; aiokafka asks again by itself as long as the answer may still come."""
        try:
            await self._producer.commit_transaction()
        except KafkaError as exc:
            raise Broken(_words(exc)) from exc

    async def tell(self, positions: Mapping[TP, int], group: str) -> None:
        """Tell a group of positions, within the transaction."""
        told = {TopicPartition(*tp): OffsetAndMetadata(offset, "") for tp, offset in positions.items()}
        await self._producer.send_offsets_to_transaction(told, group)

    async def abort(self) -> None:
        """Flush, so that nothing of it is still on its way, and abort."""
        try:
            await self._producer.abort_transaction()
        except KafkaError as exc:
            raise Broken(_words(exc)) from exc

    async def stop(self) -> None:
        """Disconnect."""
        await self._producer.stop()


class KafkaReader:
    """A consumer assigned by hand."""

    def __init__(self, consumer: AIOKafkaConsumer, client: Mapping[str, Any]) -> None:
        """Hold the consumer, started, and the options of another."""
        self._consumer = consumer
        self._client = client

    async def bounds(self, tps: Collection[TP]) -> Mapping[TP, Bounds]:
        """Return first offset and last stable one, of each."""
        asked = [TopicPartition(*tp) for tp in tps]
        first, last = await self._consumer.beginning_offsets(asked), await self._consumer.end_offsets(asked)
        return {TP(*tp): Bounds(first[tp], last[tp]) for tp in asked}

    async def written(self, tps: Collection[TP]) -> Mapping[TP, int]:
        """Return the high watermarks; only a consumer that reads what is not committed is told them."""
        consumer = AIOKafkaConsumer(**self._client, isolation_level="read_uncommitted", enable_auto_commit=False)
        try:
            await consumer.start()
            ends = await consumer.end_offsets([TopicPartition(*tp) for tp in tps])
        finally:
            await consumer.stop()
        return {TP(*tp): end for tp, end in ends.items()}

    async def read(self, since: Mapping[TP, int], upto: Mapping[TP, int]) -> AsyncIterator[tuple[TP, Sequence[Any]]]:
        """Yield records until every position has reached its end."""
        consumer = self._consumer
        ends = {TopicPartition(*tp): end for tp, end in upto.items() if since[tp] < end}
        consumer.assign(list(ends))
        for tp in ends:
            consumer.seek(tp, since[TP(*tp)])
        now = asyncio.get_running_loop().time
        came = now()
        while any([await consumer.position(tp) < end for tp, end in ends.items()]):
            found = await consumer.getmany(timeout_ms=POLL_MS, max_records=CHUNK)
            if found:
                came = now()
            elif now() - came > STALLED_S:
                raise TimeoutError(f"nothing came of {sorted(ends)} for {STALLED_S:g} s")
            for tp, records in found.items():
                yield TP(*tp), records


def _too_large(rows: Rows, exc: KafkaError) -> str:
    """Return which record a broker has most probably refused for its size, and what to do; never what is in it."""
    size, (topic, partition), key = max(
        (len(value or b"") + len(key or b""), where, key or b"")
        for where, found in rows.items()
        for key, value, *_ in found
    )
    return (
        f"{type(exc).__name__}: {topic}-{partition} takes no record of {size} bytes (SHA-256 of its key begins "
        f"{sha256(key).hexdigest()[:16]}); nothing is lost. Raise max.message.bytes of {topic} to at least {2 * size}: "
        "docs/operations.md, Limits"
    )


def _words(exc: KafkaError) -> str:
    return f"{type(exc).__name__}: {exc}"


def _seen(future: "asyncio.Future[Any]") -> None:
    """Take note of an error that another one has overtaken."""
    if not future.cancelled():
        future.exception()


def _batches(producer: AIOKafkaProducer, rows: Iterable[Row]) -> Iterator[Any]:
    """Pack records into as few record batches as they fit in; a record larger than a batch goes alone."""
    batch = producer.create_batch()
    for key, value, *headers in rows:
        if batch.append(key=key, value=value, timestamp=None, headers=list(*headers)) is None:
            batch.close()
            yield batch
            batch = producer.create_batch()
            if batch.append(key=key, value=value, timestamp=None, headers=list(*headers)) is None:
                raise MessageSizeTooLargeError
    batch.close()
    if batch.record_count():
        yield batch
