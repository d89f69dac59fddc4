"""The desk on a real Kafka: what it reads, that its acts reach those who obey them, and what it says of a dead broker."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.access import Identity
from streams.acts.alert_acts import Acts
from streams.broker import topics
from streams.desk.facts import STALE_S, Reader
from tests.conftest import broker
from tests.integration.system import System, running
from tests.integration.test_refusals import lotrinh

pytestmark = pytest.mark.kafka

WHO = Identity("p-0123456789ab", frozenset({"office"}), frozenset())


def until(true: Callable[[], Any], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def fired(unit: str) -> dict[str, Any]:
    return {
        "id": f"a-{unit}", "fingerprint": f"f-{unit}", "status": "firing", "decision": "thai-binh-2024",
        "indicator": "online-dossiers", "unit": unit, "kind": "below-trajectory", "severity": "warning",
        "at": "2024-06-03T17:00:00+07:00", "reason": "Thấp hơn lộ trình.", "shortfall": 7,
        "rule": "literal/1", "numerator": 1, "denominator": 15,
    }  # fmt: skip


def publish_alert(system: System, alert: dict[str, Any]) -> None:
    system.send(json.dumps(alert).encode(), topic=topics.ALERTS, key=alert["fingerprint"].encode())
    system.flush()


def test_an_act_of_the_desk_is_what_the_command_line_shows(system: System) -> None:
    publish_alert(system, fired("340"))
    reader = Reader(system.settings)
    reader.start()
    try:
        until(lambda: reader.facts is not None and "f-340" in reader.facts.firing, "the alert was not read")
        assert reader.facts is not None
        assert not reader.is_old()
        acts = Acts(system.settings, WHO.acts_as("acknowledge"), reader.now(), by=WHO.pseudonym)
        made = acts.acknowledge(reader.facts.firing["f-340"], 9, "đang rà soát", None)
        until(lambda: reader.facts is not None and "f-340" in reader.facts.operators.acks, "the act was not read back")
        assert reader.facts.operators.acks["f-340"].by == WHO.pseudonym
    finally:
        reader.stop()

    [row] = json.loads(lotrinh(system, "alerts", "list", "--json").stdout)["alerts"]
    assert row["acknowledged"]["id"] == made["id"]
    assert row["acknowledged"]["role"] == "peoples-committee-office"


def test_a_broker_that_is_gone_is_told_and_what_it_missed_is_read(tmp_path: Path) -> None:
    clock = {"ahead": 0.0}
    (tmp_path / "kafka").mkdir()
    with broker(tmp_path / "kafka") as address:
        port = int(address.rpartition(":")[2])
        with running(address, tmp_path) as system:
            publish_alert(system, fired("340"))
            reader = Reader(system.settings, lambda: time.time() + clock["ahead"])
            reader.start()
            until(lambda: reader.facts is not None and "f-340" in reader.facts.firing, "the alert was not read")
    try:
        first = reader.facts
        clock["ahead"] = STALE_S + 1
        until(reader.is_old, "nobody says that Kafka is gone")
        assert reader.facts is first, "what was known is shown still"
        with broker(tmp_path / "kafka", port):
            until(lambda: not reader.is_old(), "Kafka is back, and nobody says so", 120)
            assert reader.facts is not first, "figures are new again only when all has been read again"
            assert reader.facts is not None
            assert "f-340" in reader.facts.firing
    finally:
        reader.stop()
