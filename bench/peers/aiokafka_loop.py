"""The same loop over aiokafka's `getmany`: the driver that Faust and lotrinh stand on. Keeps nothing."""

import asyncio

from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.peers.client import Counting, Given, Stopwatch, given, report
from models.dossiers.events import TOPICS
from streams.workers.worker import tune_collector


async def count(of: Given) -> None:
    counting, watch = Counting(), Stopwatch()
    consumer = AIOKafkaConsumer(
        bootstrap_servers=of.bootstrap, enable_auto_commit=False, auto_offset_reset="earliest",
        isolation_level="read_committed",
    )  # fmt: skip
    await consumer.start()
    consumer.assign([TopicPartition(f"{of.prefix}{t}", p) for t in TOPICS for p in range(4)])
    await consumer.seek_to_beginning()
    seen, take = 0, counting.take
    while seen < of.records:
        for messages in (await consumer.getmany(timeout_ms=1000)).values():
            watch.begin()
            for message in messages:
                take(message.key, message.value, message.headers)
            seen += len(messages)
    found = watch.end()
    await consumer.stop()
    report(found, counting.digest())


if __name__ == "__main__":
    tune_collector()
    asyncio.run(count(given()))
