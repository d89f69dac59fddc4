"""Every check of the doctor, well and not well, on facts made up."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models.decisions.reading import Reading
from streams.broker import topics
from streams.broker.replicas import INTERNAL, OFFSETS, TRANSACTIONS, Kept
from streams.doctor import checks as doctor
from streams.doctor.cluster import Facts
from streams.doctor.kafka_checks import kafka_findings
from streams.doctor.redis_probe import RedisFacts
from streams.files.decision_files import read_reading
from streams.settings import Settings

NOW = 1_700_000_000.0
SETTINGS = Settings(kafka="k:9092", prefix="x.", partitions=1)
SUBMITTED = ("x.dossier.submitted", 0)
CHANGELOG = ("x.tally-dossiers-changelog", 0)


@pytest.fixture(scope="module")
def reading() -> Reading:
    return read_reading(SETTINGS)


@pytest.fixture
def facts(reading: Reading) -> Facts:
    """A deployment in which all is well."""
    specs = topics.specs(SETTINGS)
    wheres = [(spec.name, 0) for spec in specs]
    state: dict[str, Any] = {"memo": {"counts": {"applied": 90, "unchanged": 10, "refused": 0}}}
    return Facts(
        version=(4, 3),
        brokers=3,
        configs={s.name: {"min.insync.replicas": "2", "segment.bytes": "1000", **s.configs} for s in specs},
        replicas=dict.fromkeys(wheres, (3, 3)),
        kept=dict.fromkeys((*(s.name for s in specs), *INTERNAL), Kept(3, 2)),
        first=dict.fromkeys(wheres, 10),
        last=dict.fromkeys(wheres, 100),
        high=dict.fromkeys(wheres, 100),
        bytes=dict.fromkeys(wheres, 500),
        disks={1: (60, 100)},
        members={"tally": 1, "watch": 1},
        committed={("tally", *SUBMITTED): 100},
        states={
            ("tally", 0): {**state, "next": dict.fromkeys(topics.named(SETTINGS, (*topics.INBOUND, topics.TICKS)), 100),
                           "fingerprint": reading.fold_fingerprint()},
            ("watch", 0): {"memo": {}, "next": {"x.unit.tallies": 100}, "fingerprint": reading.fingerprint()},
        },
        newest_tick=("2023-11-14T22:13:00.000Z", int(NOW * 1000) - 10_000),
        sample=(CHANGELOG, 100, 100),
    )  # fmt: skip


def test_a_row_that_may_soon_be_too_large_is_told(facts: Facts, reading: Reading) -> None:
    facts.states["tally", 0]["memo"] = {**facts.states["tally", 0]["memo"], "largest_row": 700_000}
    facts.configs["x.tally-dossiers-changelog"]["max.message.bytes"] = "1048588"

    found = not_well(facts, reading)
    assert found["largest row"] == (
        "warning", "700000 bytes of at most 1048588 (x.tally-dossiers-changelog, max.message.bytes)"
    )  # fmt: skip
    assert "max.message.bytes=1048588, 8388608 is expected" in found["topics"][1]


def not_well(facts: Facts, reading: Reading, settings: Settings = SETTINGS) -> dict[str, tuple[str, str]]:
    found = [f for f in kafka_findings(facts, settings, reading, NOW) if f.level in ("warning", "failed")]
    assert all(f.consequence and f.remedy for f in found)
    return {f.check: (f.level, f.text) for f in found}


def test_all_is_well(facts: Facts, reading: Reading) -> None:
    findings = list(kafka_findings(facts, SETTINGS, reading, NOW))

    assert {f.level for f in findings} == {"ok"}
    assert doctor.worst(findings) == 0


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"version": (2, 5)}, ("kafka", "failed", "Kafka 2.5")),
        ({"version": (3, 6)}, ("kafka", "warning", "Kafka 3.6")),
        ({"problems": ["topic x.ticks has 3 partitions"]}, ("topics", "failed", "3 partitions")),
        ({"replicas": {SUBMITTED: (3, 2)}}, ("replication", "warning", "out of sync: x.dossier.submitted")),
        ({"kept": {"x.alerts": Kept(1, 1)}}, ("replication", "warning", "x.alerts: 1 copy, 3 are expected")),
        ({"kept": {TRANSACTIONS: Kept(1, 2)}}, ("replication", "warning", f"{TRANSACTIONS}: 1 copy, 3 are expected")),
        ({"kept": {OFFSETS: Kept(2, 1)}}, ("replication", "warning", f"{OFFSETS}: 2 copies, 3 are expected")),
        ({"disks": {1: (10, 100)}}, ("broker disk", "warning", "broker 1")),
        ({"disks": {1: (4, 100)}}, ("broker disk", "failed", "broker 1")),
        ({"members": {"watch": 1}}, ("tally", "failed", "no worker is in the group x.tally")),
        ({"newest_tick": None}, ("ticks", "failed", "no tick has ever")),
        ({"newest_tick": (None, int(NOW * 1000) - 300_000)}, ("ticks", "failed", "300 s old")),
        ({"newest_tick": (None, int(NOW * 1000) + 9_000)}, ("clocks", "warning", "9.0 s ahead")),
        (
            {"newest_tick": ("2023-11-14T22:03:00.000Z", int(NOW * 1000) - 10_000)},
            ("clocks", "warning", "a worker's clock and the broker's differ by 610.0 s"),
        ),
        ({"sample": (CHANGELOG, 100, 4), "bytes": {CHANGELOG: 200 << 20}}, ("compaction", "warning", "only 4")),
    ],
)  # fmt: skip
def test_one_thing_is_wrong(
    facts: Facts, reading: Reading, change: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    check, level, words = expected
    found = not_well(replace(facts, **change), reading)

    assert set(found) == {check}
    assert found[check][0] == level
    assert words in found[check][1]


def test_a_missing_topic_ends_the_examination(facts: Facts, reading: Reading) -> None:
    found = not_well(replace(facts, missing=["x.alerts"]), reading)

    assert found == {"topics": ("failed", "topic x.alerts is missing")}


def test_one_copy_in_sync_is_enough_to_lose_it(facts: Facts, reading: Reading) -> None:
    facts.kept["x.alerts"] = Kept(3, 1)

    assert not_well(facts, reading)["replication"][1] == "topic x.alerts: min.insync.replicas=1, 2 is expected"


def test_more_copies_than_brokers_are_asked_for(facts: Facts, reading: Reading) -> None:
    asked = SETTINGS.model_copy(update={"replication": 5})

    assert not_well(facts, reading, asked)["replication"] == (
        "failed", "LOTRINH_REPLICATION=5, but the cluster has 3 brokers: start more, or ask for fewer copies",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("retention.ms", "1000", "warning"),
        ("retention.ms", "-1", "well"),
        ("retention.ms", str(4_000 * topics.DAY_MS), "well"),
        ("message.timestamp.type", "CreateTime", "warning"),
    ],
)
def test_what_a_topic_is_set_to(facts: Facts, reading: Reading, name: str, value: str, wrong: str) -> None:
    facts.configs["x.dossier.paid"][name] = value

    assert not_well(facts, reading).get("topics", ("well", ""))[0] == wrong


@pytest.mark.parametrize(("at", "words"), [(5, "begins at 10, tally has come to 5: trimmed"), (101, "another log")])
def test_a_position_outside_its_log(facts: Facts, reading: Reading, at: int, words: str) -> None:
    facts.states["tally", 0]["next"][SUBMITTED[0]] = at
    level, text = not_well(facts, reading)["positions"]

    assert level == "failed"
    assert words in text


def test_a_state_made_by_other_rules(facts: Facts, reading: Reading) -> None:
    facts.states["watch", 0]["fingerprint"] = "other"

    assert not_well(facts, reading)["rules"] == ("warning", "watch work by other rules than these settings name")


def test_far_behind(facts: Facts, reading: Reading) -> None:
    facts.high[SUBMITTED] = 90_100

    assert not_well(facts, reading)["lag"] == ("warning", "records behind: tally 90000, watch 0")


def test_dead_letters(facts: Facts, reading: Reading) -> None:
    facts.states["tally", 0]["memo"]["counts"]["refused"] = 3

    assert not_well(facts, reading)["dead letters"] == ("warning", "3 of 103 records were refused")


def test_a_replay_needs_no_ticks(facts: Facts, reading: Reading) -> None:
    replayed = Settings(kafka="k:9092", prefix="x.", partitions=1, clock="records")

    assert not_well(replace(facts, newest_tick=("2020-01-01T00:00:00Z", 5)), reading, replayed) == {}


@pytest.mark.parametrize(
    ("found", "level", "words"),
    [
        (RedisFacts("9.1.2", "noeviction", 10, 0, 0.0), "ok", "9.1.2"),
        ("ConnectionError", "failed", "ConnectionError"),
        (RedisFacts("5.0.1", "noeviction", 10, 0, 0.0), "failed", "5.0.1"),
        (RedisFacts("7.2.0", "allkeys-lru", 10, 0, 0.0), "warning", "allkeys-lru"),
        (RedisFacts("7.2.0", "noeviction", 90, 100, 0.0), "warning", "of 100"),
        (RedisFacts("7.2.0", "noeviction", 10, 0, -7.0), "warning", "-7.0 s"),
    ],
)
def test_redis(found: RedisFacts | str, level: str, words: str) -> None:
    (finding,) = doctor.redis(found)

    assert finding.level == level
    assert words in finding.text


def test_libraries_are_those_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.libraries().level == "ok"
    monkeypatch.setattr(doctor, "version", lambda name: "9.9" if name == "aiokafka" else "0.15.3")
    finding = doctor.libraries()

    assert (finding.level, finding.text) == ("failed", "aiokafka is 9.9, 0.14.0 is pinned")


def test_room_on_a_disk(tmp_path: Path) -> None:
    assert doctor.disk(None).level == doctor.disk(tmp_path / "none").level == "skipped"
    assert doctor.disk(tmp_path).level in ("ok", "warning", "failed")
    assert doctor.room("disk", "/x", 4, 100).level == "failed"


def test_a_process_that_is_not_ready() -> None:
    assert doctor.page("worker", "http://x/", (200, "ok")).level == "ok"
    assert doctor.page("worker", "http://x/", (503, "lag: 3 behind")).level == "failed"
    assert doctor.page("worker", "http://x/", "refused").level == "failed"


def test_exit_codes() -> None:
    ok, warning, failed = (doctor.Finding("x", level, "") for level in ("ok", "warning", "failed"))

    assert [doctor.worst(f) for f in ([], [ok], [ok, warning], [failed, warning])] == [0, 0, 1, 2]
