"""Portals on librdkafka, which shares no code with any client of ours, and commands on a system of the tests."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

from confluent_kafka import Producer

from models.dossiers.events import TOPIC_OF
from tests.integration.system import System


def portal(system: System, events: Iterable[dict[str, Any]], key: bytes | None = None, **options: Any) -> None:
    """Publish events, one batch per partition; under one key for all where it is given.

    Options are librdkafka's, with `_` for `.`: partitioner, compression_type, enable_idempotence …
    """
    given = {"partitioner": "murmur2_random", "linger_ms": 500, **options}
    producer = Producer(
        {"bootstrap.servers": system.settings.kafka, **{name.replace("_", "."): value for name, value in given.items()}}
    )
    for each in events:
        topic = system.settings.topic(TOPIC_OF[each["type"]])
        producer.produce(topic, json.dumps(each).encode(), key or each["dossier"].encode())
    assert producer.flush(30) == 0


def command(system: System, *arguments: str, code: int = 0, **env: str) -> str:
    """Run a command on the system and return what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", *arguments],
        env=os.environ | system.env | env, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr
