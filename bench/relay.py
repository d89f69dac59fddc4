"""A bare relay: read committed records of one topic, send them on in one transaction per fetch. One hop of two.

usage: relay.py BOOTSTRAP SOURCE DESTINATION [fenced]. No state, no work: the least that two transactional hops cost.

One producer writes for all partitions, so a fetch of several partitions costs one transaction. `fenced`: a producer per
source partition, as whoever hands partitions over one by one needs it; what comes while one commits goes together.
"""

import asyncio
import sys
import uuid
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition


async def forward(producer: AIOKafkaProducer, destination: str, records: Sequence[Any]) -> None:
    async with producer.transaction():
        sent = [await producer.send(destination, r.value, key=r.key, partition=r.partition) for r in records]
        await asyncio.gather(*sent)


async def forward_all(producer: AIOKafkaProducer, destination: str, queue: "asyncio.Queue[Any]") -> None:
    while True:
        records = [*await queue.get()]
        while not queue.empty():
            records += queue.get_nowait()
        await forward(producer, destination, records)


async def main(bootstrap: str, source: str, destination: str, *, fenced: bool) -> None:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level="read_committed", fetch_max_wait_ms=50, auto_offset_reset="latest"
    )
    producers = [
        AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=uuid.uuid4().hex, acks="all", linger_ms=0)
        for _ in range(4 if fenced else 1)
    ]
    await consumer.start()
    for producer in producers:
        await producer.start()
    consumer.assign([TopicPartition(source, p) for p in range(4)])
    await consumer.seek_to_end()
    print("ready", flush=True)
    if not fenced:
        while True:
            fetched = await consumer.getmany(timeout_ms=1000)
            if fetched:
                await forward(producers[0], destination, [r for records in fetched.values() for r in records])
    queues: list[asyncio.Queue[Any]] = [asyncio.Queue() for _ in producers]
    async with asyncio.TaskGroup() as group:  # which ends the process when one fails
        for producer, queue in zip(producers, queues, strict=True):
            group.create_task(forward_all(producer, destination, queue))
        while True:
            for tp, records in (await consumer.getmany(timeout_ms=1000)).items():
                queues[tp.partition].put_nowait(records)


asyncio.run(main(*sys.argv[1:4], fenced=sys.argv[4:] == ["fenced"]))
