"""`lotrinh portal check` on a real Kafka, and portals of every kind before it."""

import json
from typing import Any

import pytest
from confluent_kafka import Producer

from models.dossiers.events import TOPICS
from tests.builders import event, received
from tests.integration.portals import command, portal
from tests.integration.system import System

pytestmark = pytest.mark.kafka

UNIT = "12688"


def findings(system: System, code: int, *arguments: str, **env: str) -> dict[str, list[dict[str, Any]]]:
    said = command(system, "portal", "check", "--json", *arguments, code=code, **env).rpartition("}")
    found: dict[str, list[dict[str, Any]]] = {}
    for check in json.loads(said[0] + said[1])["checks"]:
        found.setdefault(check["check"], []).append(check)
    return found


def test_what_will_go_wrong_is_said_before_it_does(system: System, without_libraries: dict[str, str]) -> None:
    good = received(40, UNIT, "online", "2024-06-03")
    portal(system, good, compression_type="zstd", enable_idempotence=True)

    found = findings(system, 1)  # other topics hold nothing yet, which is a warning
    assert {f["check"] for fs in found.values() for f in fs if f["level"] != "ok"} == {"records"}
    assert found["codecs"][0]["text"].startswith("batches by codec: zstd ")

    portal(system, received(3, UNIT, "online", "2024-06-04"), b'"quoted"', compression_type="snappy")
    portal(system, [event("corrected", g["dossier"], "2024-06-04", version=2) for g in good], partitioner="consistent")
    nulls = dict.fromkeys(["procedure", "channel", "submitted_at", "received_at", "refused_at", "issued_at"])
    portal(system, [event("resolved", g["dossier"], "2024-06-05", version=3, **nulls) for g in good[:5]])
    open_ = Producer({
        "bootstrap.servers": system.settings.kafka, "transactional.id": "hanging", "partitioner": "murmur2_random",
        "transaction.timeout.ms": 60_000,
    })  # fmt: skip
    open_.init_transactions(30)
    open_.begin_transaction()
    open_.produce(system.settings.topic("dossier.paid"), b"{}", b"hanging")
    open_.flush(30)

    found = findings(system, 2)
    assert [(f["level"], f["count"]) for f in found["keys"]] == [("failed", 3)]
    assert found["partitions"][0]["level"] == "failed"
    assert found["partitions"][0]["first"]["topic"] == "dossier.amended"
    assert sorted((f["level"], f["count"]) for f in found["nulls"]) == [("failed", 5), ("warning", 5)]
    assert "snappy" in found["codecs"][0]["text"]
    assert {f["level"] for f in found["batches"]} == {"warning"}
    (held,) = found["transactions"]
    assert held["text"] == f"1 record of dossier.paid-{held['first']['partition']} lie behind an open transaction"
    open_.abort_transaction(30)

    said = command(system, "portal", "check", "--last", "4", code=2)
    assert said.startswith("records read: dossier.submitted 4, dossier.paid 0, ")
    assert "do: leave unset fields out: @JsonInclude(JsonInclude.Include.NON_NULL) in Jackson" in said
    assert set(TOPICS) == {part.split()[0] for part in said.splitlines()[0].removeprefix("records read: ").split(", ")}

    bare = findings(system, 2, **without_libraries)
    assert any("compressed with snappy" in f["text"] for f in bare["records"])
