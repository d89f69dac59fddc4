"""Nothing that a person could be known by is anywhere but in the portal's own records (I5), whoever writes it where."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition
from redis import Redis

from models.dossiers.events import FIELDS, TOPIC_OF, TOPICS
from tests.chaos.wall import WallUnderTest
from tests.integration.system import System
from tests.integration.test_refusals import lotrinh

pytestmark = pytest.mark.kafka

AT = "2024-06-03T08:00:00+07:00"
CANARIES = ("Nguyễn Thị CANARY-7f3a", "canary-7f3a@example.vn", "CANARY 0987654321", "CANARY\u202e-001099012345")
TRACES = ("CANARY", "canary", "Nguyễn Th", "0987654321", "001099012345")
STRANGER = "code-nobody-knows"


def records() -> Iterator[tuple[str, bytes | None, bytes, list[tuple[str, bytes]]]]:
    """Every text field of every type with a canary, and keys, headers and CloudEvents' attributes."""
    told = 0
    full = {"version": 1, "at": AT, "unit": "12688", "procedure": "1.004616", "transaction": "T1", "copy": "K1"}
    for kind, topic in TOPIC_OF.items():
        for field in (*FIELDS, "applicant"):
            told += 1
            good: dict[str, Any] = {"id": f"c:{told}", "type": kind, "dossier": f"C-{told}", **full}
            bad = json.dumps({**good, field: CANARIES[told % len(CANARIES)]}, ensure_ascii=False).encode()
            yield topic, good["dossier"].encode(), bad, []
    good = {"id": "k:1", "type": "received", "dossier": "K-1", **full}
    value = json.dumps({"unit": "12688", "channel": "online"}).encode()
    attributes = {"specversion": "1.0", "id": "1", "source": "/x", "type": "received", "subject": "K-1", "time": AT}
    for canary in CANARIES:
        yield "dossier.submitted", canary.encode(), json.dumps(good).encode(), []
        yield "dossier.submitted", b"K-1", json.dumps(good | {"id": "h:1"}).encode(), [("citizen", canary.encode())]
        for name in ("id", "type", "subject", "time", "specversion"):
            headers = [(f"ce_{k}", v.encode()) for k, v in (attributes | {name: canary}).items()]
            yield "dossier.submitted", b"K-1", value, headers
        structured = json.dumps({**attributes, "subject": canary, "data": {"unit": canary}}, ensure_ascii=False)
        yield "dossier.submitted", b"K-1", structured.encode(), [("content-type", b"application/cloudevents+json")]


def everything_in_kafka(system: System) -> Iterator[tuple[str, bytes]]:
    """Keys, values and headers of every topic of ours but the portal's own."""
    consumer = KafkaConsumer(bootstrap_servers=system.settings.kafka, auto_offset_reset="earliest")
    try:
        ours = {t for t in consumer.topics() if t.startswith(system.settings.prefix)}
        for topic in sorted(ours - {system.settings.topic(name) for name in TOPICS}):
            tps = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic) or ()]
            consumer.assign(tps)
            consumer.seek_to_beginning(*tps)
            ends = consumer.end_offsets(tps)
            while any(consumer.position(tp) < end for tp, end in ends.items()):
                for found in consumer.poll(timeout_ms=500).values():
                    for record in found:
                        held = (record.key or b"", record.value or b"", *(v for _, v in record.headers if v))
                        yield topic, b"\n".join(held)
    finally:
        consumer.close()


def everything_in_redis(url: str) -> Iterator[tuple[str, bytes]]:
    with Redis.from_url(url) as redis:
        for key in redis.scan_iter():
            yield "Redis", key + b"\n" + (redis.dump(key) or b"")
            kind = redis.type(key)
            if kind == b"hash":
                yield "Redis", repr(redis.hgetall(key)).encode()
            elif kind == b"stream":
                yield "Redis", repr(redis.xrange(key)).encode()


def test_a_canary_is_nowhere(system: System, tmp_path: Path) -> None:
    for name in ("tally", "watch", "notify"):
        system.start(name, LOTRINH_OPS_PORT="0", LOTRINH_LOG_LEVEL="debug")
    pages = [w.until_ready().ready.read_text().strip().rstrip("/") for w in system.workers[:2]]
    wall = WallUnderTest(system, tmp_path / "wall")
    try:
        sent = 0
        for topic, key, value, headers in records():
            system.send(value, topic=topic, key=key, headers=headers)
            sent += 1
        stranger = {"id": "s:1", "type": "received", "dossier": "S-1", "at": AT, "unit": STRANGER}
        system.send(json.dumps(stranger | {"channel": "online"}).encode())
        system.flush()
        system.settle()
        wall.until_shown()
        assert not wall.judge()

        board = f"http://127.0.0.1:{wall.port}"
        urls = [f"{page}{path}" for page in pages for path in ("/metrics", "/readyz?verbose")]
        urls += [f"{board}/api/v1/boards/{system.settings.decision}/{path}" for path in ("snapshot", "meta")]
        urls += [f"{board}{path}" for path in ("/metrics", "/readyz?verbose")]
        found: list[tuple[str, bytes]] = [*everything_in_kafka(system), *everything_in_redis(wall.redis_url)]
        for url in urls:
            with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - ours
                found.append((url, answer.read()))
        for command in (("quality", "--json"), ("quality",), ("dead-letters", "list"), ("standings", "--json")):
            done = lotrinh(system, *command)
            found.append((" ".join(command), (done.stdout + done.stderr).encode()))
        found += [(str(file), file.read_bytes()) for file in system.folder.rglob("*") if file.suffix == ".log"]

        for trace in TRACES:
            assert not [where for where, held in found if trace.encode() in held], trace
            assert not [where for where, held in found if json.dumps(trace)[1:-1].encode() in held], trace
        letters = system.dead_letters()
        assert len(letters) > sent / 2
        # The net has no hole: what is meant to be there is found, and a unit that nobody knows only where it may be.
        where = {place for place, held in found if STRANGER.encode() in held}
        assert system.settings.topic("standings") in where
        assert not [place for place in where if place == "Redis" or place.startswith(board)]
    finally:
        wall.close()
