"""The ceiling: a plain confluent-kafka loop that decodes, merges and counts with the same core, and keeps nothing."""

import uuid

from confluent_kafka import Consumer, TopicPartition

from bench.peers.client import Counting, Stopwatch, given, report
from models.dossiers.events import TOPICS
from streams.workers.worker import tune_collector


def main() -> None:
    bootstrap, prefix, records = given()
    tune_collector()
    counting, watch = Counting(), Stopwatch()
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": uuid.uuid4().hex, "enable.auto.commit": False,
         "auto.offset.reset": "earliest", "isolation.level": "read_committed"}
    )  # fmt: skip
    consumer.assign([TopicPartition(f"{prefix}{t}", p, 0) for t in TOPICS for p in range(4)])
    seen, take = 0, counting.take
    while seen < records:
        messages = consumer.consume(1000, timeout=1.0)
        if messages:
            watch.begin()
        for message in messages:
            take(message.key(), message.value(), message.headers() or ())
        seen += len(messages)
    found = watch.end()
    report(found, counting.digest())


if __name__ == "__main__":
    main()
