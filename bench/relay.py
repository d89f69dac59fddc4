"""A bare relay: read committed records of one topic, send them on in one transaction per fetch. One hop of two.

usage: relay.py BOOTSTRAP SOURCE DESTINATION. No state, no work: the least that two transactional hops cost.
"""

import asyncio
import sys
import uuid

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition


async def main(bootstrap: str, source: str, destination: str) -> None:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level="read_committed", fetch_max_wait_ms=50, auto_offset_reset="latest"
    )
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=uuid.uuid4().hex, acks="all", linger_ms=0)
    await consumer.start()
    await producer.start()
    consumer.assign([TopicPartition(source, p) for p in range(4)])
    await consumer.seek_to_end()
    print("ready", flush=True)
    while True:
        fetched = await consumer.getmany(timeout_ms=1000)
        if not fetched:
            continue
        async with producer.transaction():
            sent = [
                await producer.send(destination, r.value, key=r.key, partition=tp.partition)
                for tp, records in fetched.items()
                for r in records
            ]
            await asyncio.gather(*sent)


asyncio.run(main(*sys.argv[1:4]))
