"""What is wrong with the topics or the log is said and stops the work; nothing is reset silently."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kafka import TopicPartition
from kafka.admin import NewTopic

from streams.broker import topics
from streams.errors import BadInput
from streams.feeds.simulate import Simulation, simulate
from tests.integration.system import System

pytestmark = pytest.mark.kafka


def lotrinh(system: System, *arguments: str) -> "subprocess.CompletedProcess[str]":
    import os

    command = [sys.executable, "-m", "streams.cli", *arguments]
    return subprocess.run(
        command, env=os.environ | system.env, capture_output=True, text=True, timeout=120, check=False
    )


def test_topics_are_created_once_and_then_as_they_have_to_be(system: System) -> None:
    again = lotrinh(system, "topics", "apply")

    assert again.returncode == 0
    assert "created" not in again.stderr
    assert "18 topics are as they have to be" in again.stderr


@pytest.mark.parametrize(
    ("partitions", "configs", "words"),
    [
        (3, {}, "has 3 partitions, 4 are expected"),
        (4, {"cleanup.policy": "compact"}, "cleanup.policy=compact, delete is expected"),
        (4, {"message.timestamp.type": "CreateTime"}, "message.timestamp.type=CreateTime, LogAppendTime is expected"),
    ],
)
def test_a_wrong_topic_is_refused_by_name(system: System, partitions: int, configs: dict[str, str], words: str) -> None:
    client = topics.admin(system.settings.kafka or "", {})
    name = system.settings.topic("dossier.paid")
    client.delete_topics([name])
    while name in client.list_topics():
        time.sleep(0.1)
    client.create_topics([NewTopic(name, partitions, 1, topic_configs=configs)], wait_for_metadata=True)

    with pytest.raises(BadInput, match=words):
        topics.apply(client, system.settings)
    client.close()
    refused = lotrinh(system, "worker", "tally")
    assert refused.returncode == 2
    assert words in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_missing_topic_is_named(system: System) -> None:
    client = topics.admin(system.settings.kafka or "", {})
    name = system.settings.topic("standings")
    client.delete_topics([name])
    while name in client.list_topics():
        time.sleep(0.1)
    client.close()
    refused = lotrinh(system, "worker", "watch")

    assert refused.returncode == 2
    assert f"topic {name} is missing: run `lotrinh topics apply`" in refused.stderr


def test_a_source_truncated_below_the_position_stops_the_worker(system: System) -> None:
    worker = system.start("tally").until_ready()
    system.feed(simulate(system.reading, Simulation(200, 5)))
    system.start("watch")
    system.settle()
    worker.stop()
    system.feed(simulate(system.reading, Simulation(200, 6)))
    client = topics.admin(system.settings.kafka or "", {})
    for partition in range(4):
        tp = TopicPartition(system.settings.topic("dossier.submitted"), partition)
        client.delete_records({tp: -1})  # up to the end: what tally has not read is gone
    client.close()
    again = system.start("tally")

    assert again.process.wait(60) == 70
    assert ": gone" in again.text()


def test_a_source_trimmed_under_a_running_worker_stops_it(system: System) -> None:
    """What was deleted before it was read is missed, not passed over as an empty stretch."""
    worker = system.start("tally").until_ready()
    system.feed(simulate(system.reading, Simulation(50, 5)))
    system.start("watch").until_ready()
    system.settle()
    worker.signal(signal.SIGSTOP)  # not for long: it keeps its partitions
    system.feed(simulate(system.reading, Simulation(200, 6)))
    client = topics.admin(system.settings.kafka or "", {})
    for partition in range(4):
        client.delete_records({TopicPartition(system.settings.topic("dossier.submitted"), partition): -1})
    client.close()
    worker.signal(signal.SIGCONT)

    assert worker.process.wait(60) == 70
    assert ": gone" in worker.text()


def test_an_unknown_broker_is_one_sentence(tmp_path: Path) -> None:
    import os

    env = os.environ | {"LOTRINH_KAFKA": "127.0.0.1:1", "LOTRINH_STATE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", "standings", "--json"],
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 2
    assert done.stderr.startswith("lotrinh: Kafka at 127.0.0.1:1 does not answer")
    assert "Traceback" not in done.stderr


def test_redrive_publishes_again_what_is_accepted_by_now(system: System) -> None:
    system.start("tally")
    system.start("watch")
    system.send(b"nonsense", topic="dossier.submitted", key=b"R-1")
    good = b'{"id":"r:1","type":"received","dossier":"R-2","version":1,"at":"2024-06-03T08:00:00+07:00","unit":"12688"}'
    system.send(good, topic="dossier.submitted", key=b"wrong key")
    system.flush()
    system.settle()
    listed = lotrinh(system, "dead-letters", "list", "--json")
    redriven = lotrinh(system, "dead-letters", "redrive")
    lotrinh(system, "dead-letters", "redrive")
    system.settle()

    assert listed.stdout.count('"reason"') == 2
    assert "1  published again" in redriven.stdout
    assert "1  still refused: the record is not JSON" in redriven.stdout
    assert system.standings()["12688", "online-dossiers"]["denominator"] == 1
