"""`lotrinh doctor` on real Kafka: well, and with one thing after another gone wrong."""

import json
import subprocess
import time
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic

from streams.broker import topics
from streams.feeds.simulate import Simulation, simulate
from tests.integration.system import System
from tests.integration.test_refusals import lotrinh

pytestmark = pytest.mark.kafka


def examined(system: System, *arguments: str) -> "tuple[subprocess.CompletedProcess[str], dict[str, dict[str, Any]]]":
    done = lotrinh(system, "doctor", "--json", *arguments)
    found: dict[str, dict[str, Any]] = {}
    for check in json.loads(done.stdout)["checks"]:
        known = found.get(check["check"])
        if known is None or known["level"] in ("ok", "skipped"):
            found[check["check"]] = check
    return done, found


def test_the_doctor_finds_what_is_wrong_and_says_what_to_do(system: System) -> None:
    client = topics.admin(system.settings.kafka or "", {})
    tally = system.start("tally", LOTRINH_OPS_PORT="0").until_ready()
    watch = system.start("watch").until_ready()
    system.feed(simulate(system.reading, Simulation(300, 5)))
    system.settle()
    address = tally.ready.read_text().strip()

    # all is well
    done, found = examined(system, "--worker", address)
    levels = {name: check["level"] for name, check in found.items()}
    assert not [f for f in found.values() if f["level"] == "failed"]
    for name in ("kafka", "topics", "replication", "tally", "watch", "ticks", "clocks", "positions", "rules", "lag",
                 "compaction", "worker", "libraries", "broker disk"):  # fmt: skip
        assert levels[name] == "ok", found[name]
    assert levels["redis"] == levels["wallboard"] == "skipped"
    refused = levels["dead letters"] == "warning"
    assert done.returncode == (1 if refused else 0), done.stdout
    assert "Traceback" not in done.stderr

    # a topic that keeps too little, and a record that is refused
    name = system.settings.topic("dossier.paid")
    client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, {"retention.ms": "1000"})])
    system.send(b"nonsense", topic="dossier.submitted", key=b"R-1")
    system.flush()
    system.settle()
    done, found = examined(system)
    assert done.returncode == 1
    assert f"topic {name} has retention.ms=1000" in found["topics"]["text"]
    assert "were refused" in found["dead letters"]["text"]
    assert "redrive" in found["dead letters"]["remedy"]

    # no worker; other rules; and what tally has not read is gone
    assert tally.stop() == watch.stop() == 0
    system.feed(simulate(system.reading, Simulation(100, 6)))
    source = system.settings.topic("dossier.submitted")
    client.delete_records({TopicPartition(source, p): -1 for p in range(4)})
    done, found = examined(system, "--set", "electronic_copies=share", "--worker", address)
    assert done.returncode == 2
    assert done.stderr.startswith("lotrinh: ")
    assert done.stderr.count("\n") == 1
    assert {c for c, f in found.items() if f["level"] == "failed"} >= {"tally", "watch", "positions", "worker"}
    assert "trimmed" in found["positions"]["text"]
    assert found["rules"]["level"] == "warning"
    assert all(f["consequence"] and f["remedy"] for f in found.values() if f["level"] in ("failed", "warning"))

    # topics missing or of another shape
    client.delete_topics([name, system.settings.topic("alerts")])
    while {name, system.settings.topic("alerts")} & set(client.list_topics()):
        time.sleep(0.1)
    client.create_topics([NewTopic(name, 3, 1)], wait_for_metadata=True)
    client.close()
    text = lotrinh(system, "doctor").stdout
    assert f"topic {system.settings.topic('alerts')} is missing" in text
    assert "has 3 partitions, 4 are expected" in text


def test_a_broker_that_is_away_is_a_finding() -> None:
    import os
    import sys

    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", "doctor"], capture_output=True, text=True, timeout=60, check=False,
        env=os.environ | {"LOTRINH_KAFKA": "127.0.0.1:1", "LOTRINH_REDIS": "redis://127.0.0.1:1/0"},
    )  # fmt: skip

    assert done.returncode == 2
    assert "FAILED   kafka         Kafka at 127.0.0.1:1 does not answer" in done.stdout
    assert "FAILED   redis         does not answer: ConnectionError" in done.stdout
    assert (
        done.stderr
        == f"lotrinh: 2 of {done.stdout.count(chr(10)) - done.stdout.count(' so: ') - done.stdout.count(' do: ')} checks failed: kafka, redis\n"
    )
