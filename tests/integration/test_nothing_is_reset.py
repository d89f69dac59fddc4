"""State that was lost is noticed at every start: on a real Kafka, the process is started three times in a row.

A guard that holds once and not the second time is none: a supervisor starts again within seconds.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient

from streams.broker import topics
from streams.broker.reading import POSITION, consumer, records_of
from streams.feeds.simulate import Simulation, simulate
from tests.integration.system import System

pytestmark = pytest.mark.kafka

STARTS = 3
LATE = str(Path(__file__).parent / "late")
"""a coordinator that answers late, so that what is done too early shows"""


class Stage:
    """A system whose workers have done their work and stopped, and what can be done to its topics."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.client: KafkaAdminClient = topics.admin(system.settings.kafka or "", {})

    def feed(self, seed: int, dossiers: int = 20) -> None:
        self.system.feed(simulate(self.system.reading, Simulation(dossiers, seed)))

    def witnesses(self, app: str) -> dict[TopicPartition, int]:
        found = self.client.list_group_offsets([self.system.settings.topic(app)])
        return {tp: at.offset for group in found.values() for tp, at in group.items()}

    def until_counted(self, app: str, *names: str) -> None:
        """Wait until the group has been told of everything that these topics hold."""
        wanted = [
            TopicPartition(self.system.settings.topic(n), p)
            for n in names
            for p in range(self.system.settings.partitions)
        ]
        deadline = time.monotonic() + 60
        while True:
            told, ends = self.witnesses(app), self.ends(wanted)
            if all(told.get(tp, 0) >= end for tp, end in ends.items()):
                return
            assert time.monotonic() < deadline, f"{app} has come to {told} of {ends}"
            time.sleep(0.2)

    def ends(self, tps: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        reader = consumer(self.system.settings)
        try:
            return dict(reader.end_offsets(tps))
        finally:
            reader.close()

    def copy(self, topic: str) -> list[Any]:
        return list(records_of(self.system.settings, topic.removeprefix(self.system.settings.prefix)))

    def empty(self, topic: str) -> None:
        """Delete a topic and make it anew."""
        self.client.delete_topics([topic])
        while topic in self.client.list_topics():
            time.sleep(0.1)
        topics.apply(self.client, self.system.settings)

    def trim(self, name: str) -> None:
        """Delete every record of a topic from its head; its end stays."""
        tps = [TopicPartition(self.system.settings.topic(name), p) for p in range(self.system.settings.partitions)]
        self.client.delete_records(self.ends(tps))

    def put_back(self, topic: str, records: Sequence[Any]) -> None:
        """Give a topic the content of a copy, at the same offsets.

        Where a marker lay there is the record before or after it once more, which says the same.
        """
        self.empty(topic)
        producer = KafkaProducer(bootstrap_servers=self.system.settings.kafka, acks="all")
        come: dict[int, int] = {}
        for record in records:
            for _ in range(come.get(record.partition, 0), record.offset + 1):
                producer.send(topic, record.value, key=record.key, partition=record.partition)
            come[record.partition] = record.offset + 1
        producer.flush()
        producer.close()

    def refused(self, app: str, words: str) -> None:
        """Start the process three times: each time it ends with 70 and these words, and the group forgets nothing."""
        before = self.witnesses(app)
        for start in range(1, STARTS + 1):
            worker = self.system.start(app, PYTHONPATH=LATE)
            assert worker.process.wait(60) == 70, f"start {start}: {worker.text()[-2000:]}"
            assert words in worker.text(), f"start {start}: {worker.text()[-2000:]}"
            assert not worker.ready.exists(), f"start {start} had begun to work"
            assert self.witnesses(app) == before, f"start {start} moved the witness"


@pytest.fixture
def stage(system: System) -> Stage:
    return Stage(system)


def test_tally_refuses_a_state_that_is_not_what_it_was(stage: Stage) -> None:
    system, changelog = stage.system, topics.changelog(stage.system.settings, topics.TALLY, "dossiers")
    worker = system.start("tally").until_ready()
    stage.feed(1)
    stage.until_counted("tally", *topics.INBOUND)
    older = stage.copy(changelog)
    stage.feed(2)
    stage.until_counted("tally", *topics.INBOUND)
    assert worker.stop() == 0
    assert any(record.key == POSITION for record in older)

    stage.put_back(changelog, older)  # a disk restored from yesterday's backup; a leader without the newest records
    stage.refused("tally", "its changelog was emptied or cut")
    stage.empty(changelog)
    stage.refused("tally", "its changelog was emptied or cut")


def test_tally_refuses_a_source_that_is_not_what_it_was(stage: Stage) -> None:
    system, name = stage.system, topics.INBOUND[0]
    worker = system.start("tally").until_ready()
    stage.feed(1)
    stage.until_counted("tally", *topics.INBOUND)
    assert worker.stop() == 0

    stage.feed(2)
    stage.trim(name)  # retention overtook a worker that was down
    stage.refused("tally", ": gone")
    stage.empty(system.settings.topic(name))
    stage.refused("tally", ": another log")
