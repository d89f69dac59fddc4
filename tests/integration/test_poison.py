"""Records that are no events: each ends as a dead letter with a reason and coordinates, and holds nothing up."""

import hashlib
import json

import pytest
from kafka.admin import ConfigResource, ConfigResourceType

from models.dossiers.likely_causes import WRONG_KEY
from streams.broker import topics
from streams.feeds.simulate import Simulation, simulate
from tests.integration.system import System

pytestmark = pytest.mark.kafka

CANARY = "Nguyễn Thị CANARY-7f3a"
GOOD = {
    "id": "p:1", "type": "received", "dossier": "P-1", "version": 1, "at": "2024-06-03T08:00:00+07:00",
    "unit": "12688", "channel": "online",
}  # fmt: skip


def variant(**changes: object) -> bytes:
    return json.dumps({**GOOD, **changes}, ensure_ascii=False).encode()


POISON = [
    b"",
    b"not json",
    b"\xff\xfe",
    b"[]",
    b"null",
    b"[" * 100_000,
    variant(applicant=CANARY),
    variant(unit=CANARY + " " * 300),
    variant(version="7"),
    variant(version=7.5),
    variant(at="2024-06-03T08:00:00"),
    variant(at="2024-02-30T08:00:00+07:00"),
    variant(unit=None),
    variant(type="married"),
    variant(channel=CANARY),
    variant(dossier="P\u0000"),
    b" " * 70_000,
    json.dumps(GOOD).encode()[:-1] + b', "unit": "340"}',
    variant(type="paid"),
]


def test_poison_becomes_dead_letters_without_payload_and_stops_nothing(system: System) -> None:
    system.start("tally")
    system.start("watch")
    good = list(simulate(system.reading, Simulation(100, 3)))
    for n, value in enumerate(good):
        system.send(value)
        if n < len(POISON):
            system.send(POISON[n], topic="dossier.submitted", key=b"P-1")
    system.send(json.dumps(GOOD).encode(), topic="dossier.submitted", key=b"another")
    system.send(json.dumps(GOOD).encode(), topic="dossier.submitted", key=None)
    system.send(json.dumps(GOOD).encode(), topic="dossier.submitted", key=b'"P-1"')
    system.flush()
    system.settle()

    letters = system.dead_letters()
    system.verdict()
    assert len(letters) == len(POISON) + 3
    assert {d["sha256"] for d in letters} >= {hashlib.sha256(p).hexdigest() for p in POISON}
    reasons = {d["reason"] for d in letters}
    assert "the record is not JSON: it is UTF-16, not UTF-8" in reasons
    assert f"{WRONG_KEY}: the record has no key" in reasons
    assert f"{WRONG_KEY}: the key is in JSON quotes; use a serializer for plain text" in reasons
    text = json.dumps(letters, ensure_ascii=False)
    assert "CANARY" not in text
    assert "applicant" not in text
    assert all(d.keys() == {"reason", "topic", "partition", "offset", "sha256", "length", "at"} for d in letters)


def test_one_dossier_with_too_many_payments_stops_nothing(system: System) -> None:
    """A portal that sends one constant code for all its payers (findings: 820 long ones ended tally for good)."""
    tally = system.start("tally")
    system.start("watch")
    told = {**GOOD, "dossier": "TEST", "at": "2024-06-03T09:00:00+07:00"}
    system.send(json.dumps(told).encode())
    for n in range(1_100):
        payment = {"id": f"{n:0190}", "transaction": f"{n:0190}", "type": "paid", "version": 2, "amount": 5}
        system.send(json.dumps({**told, **payment, "method": "online", "gateway": "national"}).encode())
    system.flush()
    system.settle()
    tally.stop()
    tally = system.start("tally").until_ready()
    system.settle()

    system.verdict()
    standing = system.standings()["12688", "online-payments"]
    assert (standing["numerator"], standing["denominator"]) == (1_000, 1_000)
    assert [d["reason"] for d in system.dead_letters()] == ["too many payments of one dossier"] * 100

    # What no bound of ours can help: a broker that takes less. The last line names what, where and what to do.
    changelog = topics.changelog(system.settings, "tally", "dossiers")
    client = topics.admin(str(system.settings.kafka), {})
    resource = ConfigResource(ConfigResourceType.TOPIC, changelog, {"max.message.bytes": "2000"})
    client.alter_configs([resource])
    client.close()
    system.send(json.dumps({**told, "id": "one-more", "type": "withdrawn"}).encode())
    system.flush()
    tally.process.wait(60)
    assert tally.process.returncode == 70
    assert f"{changelog}-" in tally.text()
    assert "takes no record of" in tally.text()
    assert "SHA-256 of its key begins" in tally.text()
    assert f"Raise max.message.bytes of {changelog}" in tally.text()


def test_a_cloudevent_counts_like_a_plain_event(system: System) -> None:
    system.start("tally")
    system.start("watch")
    data = {k: v for k, v in GOOD.items() if k not in ("id", "type", "dossier", "at")}
    attributes = {
        "specversion": "1.0", "id": "ce:1", "source": "portal", "type": "vn.lotrinh.dossier.received.v1",
        "subject": "P-2", "time": "2024-06-03T09:00:00+07:00",
    }  # fmt: skip
    headers = [(f"ce_{k}", v.encode()) for k, v in attributes.items()]
    system.send(json.dumps(data).encode(), topic="dossier.submitted", key=b"P-2", headers=headers)
    structured = {**attributes, "id": "ce:2", "subject": "P-3", "data": data}
    content = [("content-type", b"application/cloudevents+json; charset=UTF-8")]
    system.send(json.dumps(structured).encode(), topic="dossier.submitted", key=b"P-3", headers=content)
    future = {**attributes, "id": "ce:3", "type": "vn.lotrinh.dossier.received.v9"}
    system.send(
        json.dumps(data).encode(),
        topic="dossier.submitted",
        key=b"P-2",
        headers=[(f"ce_{k}", v.encode()) for k, v in future.items()],
    )
    system.flush()
    system.settle()

    system.verdict()
    standing = system.standings()["12688", "online-dossiers"]
    assert (standing["numerator"], standing["denominator"]) == (2, 2)
    assert [d["reason"] for d in system.dead_letters()] == ["the event's schema version is not known"]


class Latin(str):
    """The name of a header as a client in C or PHP sends it: bytes that are not UTF-8."""

    __slots__ = ()

    def encode(self, *args: object, **kwargs: object) -> bytes:
        return b"ng\xf4n ng\xfb"


def test_a_header_with_a_name_that_is_not_utf_8_stops_nothing(system: System) -> None:
    system.start("tally")
    system.start("watch")
    for name in ("P-4", "P-5"):
        value = variant(id=f"p:{name}", dossier=name)
        system.send(value, topic="dossier.submitted", key=name.encode(), headers=[(Latin("x"), b"vi")])
    system.flush()
    system.settle()

    standing = system.standings()["12688", "online-dossiers"]
    assert (standing["numerator"], standing["denominator"]) == (2, 2)
    assert system.dead_letters() == []
