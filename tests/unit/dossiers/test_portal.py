"""What an examination says of what portals send."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from models.dossiers.events import TOPICS
from models.dossiers.likely_causes import CAUSES, WRONG_KEY
from models.dossiers.portal_check import Batch, Examination, Finding, Sample, Where
from models.partitioning import Partitioner, partition_of
from tests.builders import event, received

NOW = 1_727_740_800.0  # 2024-10-01
UNIT = "12688"


def examined(
    events: Iterable[dict[str, Any] | Sample], partitioner: Partitioner = "murmur2", lies: Partitioner = "murmur2"
) -> Examination:
    """An examination of records where `lies` puts their keys."""
    found = Examination(4, partitioner, lambda unit: unit == UNIT)
    for n, each in enumerate(events):
        found.take(each if isinstance(each, Sample) else sample(each, n, lies=lies))
    return found


def sample(each: dict[str, Any], n: int = 0, key: bytes | None = b"", lies: Partitioner = "murmur2") -> Sample:
    own = each["dossier"].encode()
    where = Where("dossier.submitted", partition_of(own, 4, lies), n)
    return Sample(where, own if key == b"" else key, json.dumps(each).encode(), (), NOW)


def odd(found: Examination) -> list[tuple[str, str, int, int]]:
    return [(f.check, f.level, f.count, f.of) for f in found.findings() if f.level != "ok"]


def one(found: Examination, check: str) -> Finding:
    (finding,) = [f for f in found.findings() if f.check == check]
    return finding


def test_a_good_portal_has_nothing_to_mend() -> None:
    good = received(30, UNIT, "online", "2024-06-03")
    found = examined([*good, *[event("resolved", g["dossier"], "2024-06-05", version=2) for g in good]])
    found.take_batch(Batch(Where("dossier.submitted", 0, 0), 60, "zstd", idempotent=True, transactional=False))

    assert odd(found) == []
    assert one(found, "codecs").text == "batches by codec: zstd 1"
    assert one(found, "partitions").text == "every key lies where murmur2 (LOTRINH_PARTITIONER) puts it"


def test_what_is_refused_is_told_with_its_cause_and_a_place() -> None:
    good = received(3, UNIT, "online", "2024-06-03")
    quoted = sample(good[0], 7, key=f'"{good[0]["dossier"]}"'.encode())
    bom = sample(good[1], 8)._replace(value=b"\xef\xbb\xbf{}")
    local = sample({**good[2], "at": "2024-06-03T08:00:00"}, 9)
    found = examined([*good, quoted, bom, local, local])

    assert odd(found) == [("keys", "failed", 1, 7), ("forms", "failed", 1, 7), ("forms", "failed", 2, 7)]
    assert one(found, "keys").text == f"1 of 7 records are refused: {WRONG_KEY}: {CAUSES['key-quoted']}"
    assert one(found, "keys").first == quoted.where
    assert any(f.text.endswith("with an offset: it has no offset; that of Vietnam is +07:00") for f in found.findings())


@pytest.mark.parametrize(("partitioner", "lies"), [("murmur2", "consistent"), ("consistent", "murmur2")])
def test_the_partitioner_that_portals_go_by_is_named(partitioner: Partitioner, lies: Partitioner) -> None:
    events = received(40, UNIT, "online", "2024-06-03")
    finding = one(examined(events, partitioner, lies), "partitions")
    astray = [e for e in events if partition_of(e["dossier"].encode(), 4, "murmur2")
              != partition_of(e["dossier"].encode(), 4, "consistent")]  # fmt: skip

    assert (finding.level, finding.count, finding.of) == ("failed", len(astray), 40)
    assert f"{lies} fits 40 of 40 keys" in finding.text
    assert f"set LOTRINH_PARTITIONER={lies}" in finding.remedy


def test_portals_that_disagree_are_told_to_agree() -> None:
    events = [sample(e, n, lies="murmur2" if n % 2 else "consistent")
              for n, e in enumerate(received(40, UNIT, "online", "2024-06-03"))]  # fmt: skip

    assert "let every producer go by murmur2" in one(examined(events), "partitions").remedy


def test_a_dossier_in_two_partitions_is_found_under_any() -> None:
    (first,) = received(1, UNIT, "online", "2024-06-03")
    later = sample(event("resolved", first["dossier"], "2024-06-05", version=2), 1)
    elsewhere = later._replace(where=later.where._replace(partition=(later.where.partition + 1) % 4))

    assert odd(examined([first, elsewhere], "any")) == [("partitions", "failed", 1, 2)]
    assert odd(examined([first, later], "any")) == []


NULLS = dict.fromkeys(["procedure", "channel", "submitted_at", "received_at", "refused_at", "issued_at", "status"])


def test_nulls_of_jackson_are_told_and_what_they_take_back() -> None:
    (first,) = received(1, UNIT, "online", "2024-06-03")
    resolved = event("resolved", first["dossier"], "2024-06-05", version=2, **NULLS)

    assert odd(examined([first, resolved])) == [("nulls", "failed", 1, 2), ("nulls", "warning", 1, 2)]
    assert odd(examined([{**resolved, "dossier": "another"}])) == [("nulls", "warning", 1, 1)]
    assert odd(examined([resolved, first])) == [("nulls", "warning", 1, 2), ("versions", "warning", 1, 2)]
    taken_back = event("corrected", first["dossier"], "2024-06-05", version=2, channel=None)
    assert odd(examined([first, taken_back])) == []


def test_ids_and_versions() -> None:
    (first,) = received(1, UNIT, "online", "2024-06-03")
    name = first["dossier"]
    resolved = event("resolved", name, "2024-06-05", version=2)

    assert odd(examined([first, first])) == []
    assert one(examined([first, first]), "ids").text == (
        "1 of 2 records came before, byte for byte: a retry, which changes nothing"
    )
    assert odd(examined([first, {**resolved, "id": first["id"]}])) == [("ids", "warning", 1, 2)]
    assert odd(examined([first, {**resolved, "version": 1}])) == [("versions", "warning", 1, 2)]
    assert odd(examined([resolved, first])) == [("versions", "warning", 1, 2)]
    assert odd(examined([first, event("resolved", name, "2024-06-05")])) == [("versions", "failed", 1, 2)]
    unversioned = [event("received", name, "2024-06-03", unit=UNIT), event("resolved", name, "2024-06-05")]
    assert odd(examined(unversioned)) == []


def test_times_units_and_batches() -> None:
    ahead = event("received", "A", "2024-10-01T07:30:00Z", unit=UNIT, version=1)
    found = examined([ahead, event("received", "B", "2024-06-03", unit="99999", version=1)])
    found.take_batch(Batch(Where("dossier.paid", 1, 5), 1, "snappy", idempotent=False, transactional=True))

    assert odd(found) == [("times", "warning", 1, 2), ("units", "warning", 1, 2), ("batches", "warning", 1, 1)]
    assert one(found, "transactions").text == "1 of 1 batches are of transactions: counted once committed"


def test_a_finding_repeats_nothing_of_a_record() -> None:
    canary = "Nguyễn Thị CANARY"
    found = examined([sample({**event("received", "A", "2024-06-03"), "applicant": canary}), sample(
        event("received", "B", "2024-06-03", unit="CANARY-1"), 1, key=b"B CANARY")])  # fmt: skip

    assert found.findings()
    assert "CANARY" not in repr(found.findings())


def test_the_guide_names_every_check() -> None:
    root = Path(__file__).parents[3]
    guide = (root / "docs/portal.md").read_text(encoding="utf-8")
    code = "".join(
        (root / name).read_text(encoding="utf-8")
        for name in ("models/dossiers/portal_check.py", "streams/doctor/portal_check.py")
    )
    checks = set(re.findall(r"\b(?:About|Finding)\(\s*\"([a-z]+)\"", code))

    assert len(checks) >= 10
    assert not [check for check in checks if f"| `{check}` |" not in guide]
    assert all(f"`{topic}`" in guide and all(f"`{kind}`" in guide for kind in kinds) for topic, kinds in TOPICS.items())
