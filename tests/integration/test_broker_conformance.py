"""The broker under the tests is what the engine needs: real end offsets, transactions, fencing, compaction keys."""

import asyncio
import time
import uuid

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import ProducerFenced
from faust.types import TP
from kafka.admin import NewTopic

from streams.broker import topics
from streams.engine.aiokafka_log import KafkaLog
from streams.engine.log import Broken

pytestmark = pytest.mark.kafka


@pytest.fixture
def topic(kafka_address: str) -> str:
    name = f"conformance-{uuid.uuid4().hex[:8]}"
    client = topics.admin(kafka_address, {})
    client.create_topics([NewTopic(name, 1, 1)], wait_for_metadata=True)
    client.close()
    return name


def producer(address: str, transactional_id: str) -> AIOKafkaProducer:
    return AIOKafkaProducer(bootstrap_servers=address, transactional_id=transactional_id, transaction_timeout_ms=10_000)


def test_a_log_ends_in_a_marker_that_no_reader_is_given(kafka_address: str, topic: str) -> None:
    async def run() -> tuple[int, int, list[int]]:
        async with producer(kafka_address, topic) as p, p.transaction():
            await p.send_and_wait(topic, b"1", partition=0)
            await p.send_and_wait(topic, b"2", partition=0, headers=[("h", b"v")])
        tp = TopicPartition(topic, 0)
        async with AIOKafkaConsumer(
            bootstrap_servers=kafka_address, isolation_level="read_committed", auto_offset_reset="earliest"
        ) as c:
            c.assign([tp])
            while (end := (await c.end_offsets([tp]))[tp]) == 0:  # noqa: ASYNC110 - its marker is on its way
                await asyncio.sleep(0.05)
            offsets = []
            while await c.position(tp) < end:
                offsets += [r.offset for records in (await c.getmany(timeout_ms=100)).values() for r in records]
            return end, await c.position(tp), offsets

    end, position, offsets = asyncio.run(run())

    assert offsets == [0, 1]
    assert end == position == 3, "the marker has an offset, and a position passes it"


def test_a_successor_fences_its_predecessor_and_aborts_what_it_left_open(kafka_address: str, topic: str) -> None:
    async def run() -> int:
        old, new = producer(kafka_address, topic), producer(kafka_address, topic)
        await old.start()
        await old.begin_transaction()
        await old.send_and_wait(topic, b"never seen", partition=0)
        await new.start()
        with pytest.raises(ProducerFenced):
            await old.commit_transaction()
        async with new.transaction():
            await new.send_and_wait(topic, b"seen", partition=0)
        await asyncio.gather(old.stop(), new.stop(), return_exceptions=True)
        tp = TopicPartition(topic, 0)
        seen = []
        async with AIOKafkaConsumer(
            bootstrap_servers=kafka_address, isolation_level="read_committed", auto_offset_reset="earliest"
        ) as c:
            c.assign([tp])
            end = (await c.end_offsets([tp]))[tp]
            while await c.position(tp) < end:
                seen += [r.value for records in (await c.getmany(timeout_ms=100)).values() for r in records]
        assert seen == [b"seen"]
        return len(seen)

    assert asyncio.run(run()) == 1


def test_a_reader_that_has_read_answers_at_once_about_topics_it_has_not_heard_of(
    kafka_address: str, topic: str
) -> None:
    """A takeover reads changelogs and then asks about the sources: half a second for each of them was the most of it."""
    others = [f"{topic}-{n}" for n in range(7)]
    client = topics.admin(kafka_address, {})
    client.create_topics([NewTopic(name, 1, 1) for name in others], wait_for_metadata=True)
    client.close()

    async def run() -> float:
        async with AIOKafkaProducer(bootstrap_servers=kafka_address) as p:
            await p.send_and_wait(topic, b"1", partition=0)
        log = KafkaLog({"bootstrap_servers": kafka_address}, topic, 10.0)
        async with log.reader() as reader:
            tp = TP(topic, 0)
            assert [len(records) async for _, records in reader.read({tp: 0}, {tp: 1})] == [1]
            began = time.monotonic()
            bounds = await reader.bounds([TP(name, 0) for name in others])
            assert set(bounds.values()) == {(0, 0)}
            return time.monotonic() - began

    assert asyncio.run(run()) < 1.5


def test_a_transaction_that_timed_out_shuts_its_appender_out_and_another_finds_it_aborted(
    kafka_address: str, topic: str
) -> None:
    """The broker says "there is a newer producer" also where there is none: it is asked from the log what is true."""

    async def run() -> None:
        log, tp = KafkaLog({"bootstrap_servers": kafka_address}, topic, 1.0), TP(topic, 0)
        late, again = log.appender(topic), log.appender(topic)
        await late.fence()
        await late.begin()
        await late.send({tp: [(b"k", b"1")]})
        await asyncio.sleep(6)  # the timeout, and the broker's look for what has timed out
        with pytest.raises(Broken, match=r"ProducerFenced|InvalidProducerEpoch"):
            await late.commit()
        await asyncio.wait_for(asyncio.gather(late.stop(), return_exceptions=True), 10)
        await again.fence()
        async with log.reader() as reader:
            end = (await reader.bounds([tp]))[tp].last
            assert end == 2, "the record and the marker of its end"
            assert [r async for _, records in reader.read({tp: 0}, {tp: end}) for r in records] == []
        await again.begin()
        await again.send({tp: [(b"k", b"1")]})
        await again.commit()
        assert await again.gone([topic, f"{topic}.deleted"]) == [f"{topic}.deleted"]
        await again.stop()

    asyncio.run(run())
