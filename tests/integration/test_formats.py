"""State and messages of a later release on real processes: each says so in one sentence and stops, nothing moves."""

import json
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient

from streams.broker import topics
from streams.broker.reading import POSITION, consumer, records_of
from streams.engine.format_numbers import HEADER, MEMO
from tests.builders import received
from tests.integration.system import System
from tests.integration.test_refusals import lotrinh

pytestmark = pytest.mark.kafka


def ends(system: System) -> dict[TopicPartition, int]:
    reader = consumer(system.settings)
    names = [s.name for s in topics.specs(system.settings)]
    found = reader.end_offsets([TopicPartition(n, p) for n in names for p in range(system.settings.partitions)])
    reader.close()
    return dict(found)


def positions(system: System, app: str) -> Any:
    client = KafkaAdminClient(bootstrap_servers=system.settings.kafka)
    try:
        group = system.settings.topic(app)
        return {tp: at.offset for tp, at in client.list_group_offsets([group])[group].items()}
    finally:
        client.close()


def newest_position(system: System, app: str) -> Any:
    """The position row of partition 0."""
    name = topics.changelog(system.settings, app, topics.TABLES[app][0]).removeprefix(system.settings.prefix)
    return [r for r in records_of(system.settings, name) if r.key == POSITION and r.partition == 0][-1]


@pytest.fixture
def counted(system: System) -> System:
    """A system that has counted, and stands still."""
    workers = [system.start(name).until_ready() for name in topics.TABLES]
    system.feed(json.dumps(e).encode() for e in received(8, "12688", "online", "2024-06-03"))
    system.settle()
    assert [w.stop() for w in workers] == [0, 0]
    return system


def test_whoever_meets_a_later_format_says_so_and_stops(counted: System) -> None:
    system, said = counted, {}
    for app, kind in ((topics.TALLY, "dossiers"), (topics.WATCH, MEMO)):
        row = newest_position(system, app)
        numbers = json.loads(dict(row.headers)[HEADER])
        assert numbers == dict.fromkeys([*topics.TABLES[app], MEMO], 1)
        later = [(HEADER, json.dumps({**numbers, kind: 99}).encode())]
        system.send(row.value, topic=row.topic.removeprefix(system.settings.prefix), key=POSITION, headers=later,
                    partition=0)  # fmt: skip
        system.flush()
        before = ends(system), positions(system, app)
        worker = system.start(app)
        assert worker.process.wait(60) == 70
        said[app] = [line for line in worker.text().splitlines() if "stop:" in line]
        assert (ends(system), positions(system, app)) == before
        assert "Traceback" not in worker.text()
    assert (
        f"dossiers of {system.settings.topic('tally')}-0 is in format 99, this release reads format 1"
        in said["tally"][0]
    )
    assert (
        f"memo of {system.settings.topic('watch')}-0 is in format 99, this release reads format 1" in said["watch"][0]
    )
    doctor = json.loads(lotrinh(system, "doctor", "--json").stdout)
    (found,) = [check for check in doctor["checks"] if check["check"] == "formats"]
    assert found["level"] == "failed"
    assert "dossiers of tally is in format 99" in found["text"]


def test_a_later_message_stops_a_running_worker_with_its_position_unmoved(system: System) -> None:
    watch = system.start(topics.WATCH).until_ready()
    before = ends(system)
    system.send(b"\x00not for us", topic=topics.TALLIES, key=None, headers=[(HEADER, b"99")], partition=1)
    system.send(b"\x00nor this", topic=topics.STANDINGS, key=b"d/i/u", headers=[(HEADER, b"99")], partition=1)
    system.flush()
    assert watch.process.wait(60) == 70
    assert "unit.tallies is in format 99, this release reads format 1; nothing was written" in watch.text()
    assert "Traceback" not in watch.text()
    grown = {tp.topic.removeprefix(system.settings.prefix) for tp, end in ends(system).items() if end != before[tp]}
    assert grown == {topics.TALLIES, topics.STANDINGS}
    refused = lotrinh(system, "standings", "--json")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.count("\n") == 1
    assert "standings is in format 99, this release reads format 1" in refused.stderr
