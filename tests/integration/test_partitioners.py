"""Portals that disagree on the partition of a key: refused and told, never counted by halves."""

import json
from pathlib import Path

import pytest

from streams.broker.reading import Dossiers
from tests.builders import event, received
from tests.integration.portals import command, portal
from tests.integration.system import System, running

pytestmark = pytest.mark.kafka

UNIT = "12688"


def figures(system: System) -> tuple[int, int]:
    standing = system.standings()[UNIT, "online-dossiers"]
    return standing["numerator"], standing["denominator"]


def corrections(count: int) -> list[dict[str, object]]:
    """Every dossier corrected to online, as a portal tells the whole of it."""
    whole = {"unit": UNIT, "channel": "online", "received_at": "2024-06-03T08:00:00+07:00"}
    return [
        event("corrected", f"{UNIT}-in_person-2024-06-03-{n}", "2024-06-04", version=2, **whole) for n in range(count)
    ]


def test_a_record_where_its_key_does_not_belong_is_refused_told_once_and_redriven(system: System) -> None:
    system.start("tally")
    system.start("watch")
    portal(system, received(20, UNIT, "in_person", "2024-06-03"))
    portal(system, corrections(20), partitioner="consistent_random")
    system.settle()

    letters = system.dead_letters()
    done = 20 - len(letters)
    assert 0 < done < 20, "by chance some lie well"
    assert {d["reason"].partition(":")[0] for d in letters} == {"wrong partition"}
    assert any("consistent (the default of librdkafka) would put it here" in d["reason"] for d in letters)
    assert figures(system) == (done, 20)
    system.verdict()
    told = [a for a in system.alerts() if a["kind"] == "data-quality"]
    assert [(a["status"], a["unit"], a["denominator"]) for a in told] == [("firing", "dossier.amended", len(letters))]
    said = command(system, "doctor", code=1)
    assert f"by murmur2: {len(letters)} records of dossier.amended were refused for their partition" in said

    command(system, "dead-letters", "redrive")
    system.settle()

    assert figures(system) == (20, 20)
    system.verdict()
    assert len([a for a in system.alerts() if a["kind"] == "data-quality"]) == 1
    assert "Không phát hiện lỗi" in command(system, "quality", "--now", "2024-06-05", "--silent-after", "99")


def test_what_we_publish_follows_portals_that_all_go_by_crc32(kafka_address: str, tmp_path: Path) -> None:
    file = tmp_path / "corrections.jsonl"
    file.write_bytes(b"\n".join(json.dumps(e).encode() for e in corrections(20)))
    with running(kafka_address, tmp_path, partitioner="consistent") as system:
        system.start("tally")
        system.start("watch")
        portal(system, received(20, UNIT, "in_person", "2024-06-03"), partitioner="consistent_random")
        portal(system, received(5, UNIT, "online", "2024-06-03"), b"another", partitioner="consistent")
        command(system, "import", str(file))
        system.settle()
        assert figures(system) == (20, 20)

        command(system, "dead-letters", "redrive")
        system.settle()

        assert figures(system) == (25, 25)
        system.verdict()
        assert "these settings say murmur2" in command(system, "doctor", code=2, LOTRINH_PARTITIONER="murmur2")


def test_halves_are_found_under_any_and_refused_from_then_on_under_a_check(kafka_address: str, tmp_path: Path) -> None:
    with running(kafka_address, tmp_path, partitioner="any") as system:
        tally = system.start("tally")
        watch = system.start("watch")
        portal(system, received(20, UNIT, "in_person", "2024-06-03"))
        portal(system, corrections(20), partitioner="consistent_random")
        system.settle()
        halves = Dossiers(system.settings).in_two_partitions()
        assert figures(system) == (20, 20 + len(halves))
        assert halves
        assert system.dead_letters() == []

        found = json.loads(command(system, "quality", "--now", "2024-06-05", "--silent-after", "99", "--json"))
        assert [(f["kind"], f["count"]) for f in found["findings"]] == [("two-partitions", len(halves))]
        assert f"{len(halves)} dossiers lie in two partitions, {min(halves)} the first" in command(
            system, "doctor", code=2
        )

        assert tally.stop() == watch.stop() == 0
        system.settings = system.settings.model_copy(update={"partitioner": "murmur2"})
        system.env["LOTRINH_PARTITIONER"] = "murmur2"
        system.start("tally").until_ready()
        system.start("watch").until_ready()
        portal(system, corrections(20), partitioner="consistent_random")
        system.settle()

        assert len(system.dead_letters()) == len(halves)
        said = command(system, "doctor", code=2)
        assert f"{len(halves)} dossiers were counted where their key does not belong" in said
