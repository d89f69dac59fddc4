"""Partitioners against other implementations of them, and what follows for records that lie elsewhere."""

from datetime import date
from typing import Any
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2 as murmur2_of_kafka_python

from models.alerting.alerts import EVERY, Alerts
from models.partitioning import LANES_LEAST, Partitioner, misplaced, murmur2, partition_of, wrong_partition
from models.standings.standings import Standings
from streams.notify.texts import Names
from streams.settings import Settings
from tests.builders import thai_binh

KEYS = [f"000.17.34-2409{n:02d}-{n:04d}".encode() for n in range(200)]


@pytest.mark.parametrize(
    ("key", "expected"),
    [  # org.apache.kafka.common.utils.UtilsTest.testMurmur2
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2_is_that_of_java(key: bytes, expected: int) -> None:
    assert murmur2(key) == expected & 0xFFFFFFFF


@given(st.binary(max_size=80))
def test_murmur2_is_that_of_kafka_python(key: bytes) -> None:
    assert murmur2(key) == murmur2_of_kafka_python(key) & 0xFFFFFFFF


@given(
    keys=st.sets(st.one_of(st.binary(min_size=1, max_size=9), st.sampled_from(KEYS)), max_size=3 * LANES_LEAST),
    partitions=st.integers(1, 13),
    partitioner=st.sampled_from(["murmur2", "consistent", "any"]),
    more=st.integers(0, 9),
)
def test_many_keys_at_once_are_judged_as_one_by_one(
    keys: set[bytes], partitions: int, partitioner: Partitioner, more: int
) -> None:
    keys |= {f"{more}{n:05d}".encode() for n in range(LANES_LEAST * more)}  # enough of one length
    home = {key: murmur2_of_kafka_python(key) & 0x7FFFFFFF if partitioner == "murmur2" else crc32(key) for key in keys}
    for partition in range(partitions):
        found = misplaced(keys, partition, partitions, partitioner)
        elsewhere = {key for key in keys if home[key] % partitions != partition}

        assert found == (set() if partitioner == "any" else elsewhere)


def test_what_we_publish_follows_the_setting() -> None:
    for partitioner in ("murmur2", "consistent", "any"):
        settings = Settings(partitions=7, partitioner=partitioner)
        homes = {key: settings.inbound_partition(key) for key in KEYS}

        assert all(not misplaced([key], home, 7, settings.partitioner) for key, home in homes.items())
        assert homes == {key: partition_of(key, 7, settings.partitioner) for key in KEYS}


def test_a_reason_says_which_partitioner_would_fit_and_no_key() -> None:
    key = next(k for k in KEYS if partition_of(k, 4, "murmur2") != partition_of(k, 4, "consistent"))
    here, there = partition_of(key, 4, "consistent"), partition_of(key, 4, "murmur2")
    neither = next(p for p in range(4) if p not in (here, there))

    assert wrong_partition(key, here, 4, "murmur2") == (
        "wrong partition: murmur2 puts the key elsewhere, consistent (the default of librdkafka) would put it here"
    )
    assert "murmur2 (the default of Java's client) would put it here" in wrong_partition(key, there, 4, "consistent")
    assert wrong_partition(key, neither, 4, "murmur2").endswith(
        "and so does the other one that clients take by default"
    )


# -- the alert ---------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["literal", "evidence"])
def alerts(request: pytest.FixtureRequest) -> Alerts:
    return Alerts(Standings(thai_binh(rule=request.param), date(2024, 9, 2)))


def at(day: int) -> str:
    return f"2024-09-{day:02d}T08:00:00+07:00"


def said(found: list[Any]) -> list[tuple[str, ...]]:
    return [(a["status"], a["kind"], a["unit"], a["indicator"], a["severity"], a["denominator"]) for a in found]


def test_a_source_topic_is_told_once_however_many_records_follow(alerts: Alerts) -> None:
    assert alerts.misplaced(at(2), {}) == []
    fired = alerts.misplaced(at(2), {"dossier.amended": 5})

    assert said(fired) == [("firing", "data-quality", "dossier.amended", "*", "warning", 5)]  # type: ignore[comparison-overlap]
    assert "5 bản ghi đã bị từ chối" in fired[0]["reason"]
    assert alerts.misplaced(at(3), {"dossier.amended": 9}) == []
    assert said(alerts.misplaced(at(3), {"dossier.amended": 9, "dossier.paid": 1})) == [  # type: ignore[comparison-overlap]
        ("firing", "data-quality", "dossier.paid", "*", "warning", 1)
    ]
    assert alerts.misplaced(at(9), {"dossier.amended": 9, "dossier.paid": 1}) == []
    assert [s[:3] for s in said(alerts.misplaced(at(10), {"dossier.amended": 9, "dossier.paid": 1}))] == [
        ("resolved", "data-quality", "dossier.paid"),
        ("resolved", "data-quality", "dossier.amended"),
    ]
    assert alerts.misplaced(at(11), {"dossier.amended": 9, "dossier.paid": 1}) == []
    again = alerts.misplaced(at(12), {"dossier.amended": 10, "dossier.paid": 1})

    assert [s[:3] for s in said(again)] == [("firing", "data-quality", "dossier.amended")]
    assert again[0]["fingerprint"] == fired[0]["fingerprint"]
    assert again[0]["id"] != fired[0]["id"]


def test_an_evening_does_not_take_a_topic_for_a_unit(alerts: Alerts) -> None:
    alerts.misplaced(at(2), {"dossier.amended": 5})
    evening = "2024-09-02T23:59:59+07:00"

    assert alerts.tick(evening, 100) == []
    memory = alerts.memory["dossier.amended", EVERY]
    assert memory["open"] is not None


def test_nothing_is_told_elsewhere_nor_before_the_decision_is_effective() -> None:
    standings = Standings(thai_binh(), date(2024, 9, 2))

    assert Alerts(standings, hears_feed=False).misplaced(at(2), {"dossier.paid": 1}) == []
    assert Alerts(standings).misplaced("2024-05-01T08:00:00+07:00", {"dossier.paid": 1}) == []


def test_the_one_told_learns_what_to_do(alerts: Alerts) -> None:
    (fired,) = alerts.misplaced(at(2), {"dossier.amended": 5})

    assert "LOTRINH_PARTITIONER" in Names(alerts.reading).next(fired)
