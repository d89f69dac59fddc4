"""Batches in every codec of Kafka, by portals' choice and by the topics', through workers and commands."""

import json
from collections.abc import Iterable

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from streams.broker import topics
from tests.builders import event, paid, received
from tests.integration.portals import command, portal
from tests.integration.system import System

pytestmark = pytest.mark.kafka

CODECS = ("gzip", "snappy", "lz4", "zstd")
UNIT = "12688"


def set_codec(system: System, names: Iterable[str], codec: str) -> None:
    """Let topics (full names) keep everything in a codec of their own."""
    entry = ConfigEntry("compression.type", codec, incremental_operation=AlterConfigOpType.SET)
    resources = [ConfigResource(ResourceType.TOPIC, name, incremental_configs=[entry]) for name in names]
    client = AdminClient({"bootstrap.servers": system.settings.kafka or ""})  # held until it is done
    for done in client.incremental_alter_configs(resources).values():
        done.result(30)


def test_every_codec_is_counted_and_redriven(system: System, without_libraries: dict[str, str]) -> None:
    own = {spec.name for spec in topics.specs(system.settings)} - {system.settings.topic(t) for t in topics.INBOUND}
    for codec, name in zip(("producer", "zstd", "lz4", "snappy"), topics.INBOUND, strict=True):
        set_codec(system, [system.settings.topic(name)], codec)
    for n, name in enumerate(sorted(own)):
        set_codec(system, [name], CODECS[n % len(CODECS)])
    set_codec(system, [system.settings.topic(topics.DEAD_LETTERS)], "gzip")  # which needs no library
    for codec in CODECS:
        portal(system, received(20, UNIT, "online", "2024-06-03", name=codec), compression_type=codec)
        portal(
            system, received(5, UNIT, "online", "2024-06-03", name=f"{codec}-late"), b"another", compression_type=codec
        )
    portal(system, paid(20, UNIT, "2024-06-04", "zstd"))
    portal(system, [event("resolved", f"lz4-{n}", "2024-06-05", version=3) for n in range(20)])
    portal(system, [event("deleted", f"snappy-{n}", "2024-06-06", version=4) for n in range(20)])

    bare = system.start("tally", **without_libraries)
    assert bare.process.wait(120) == 70, bare.text()[-2000:]
    assert "cannot read snappy (aiokafka needs cramjam)" in bare.text()
    assert "stop: a batch in Kafka is compressed with " in bare.text()
    assert "went away" not in bare.text()

    system.start("tally")
    system.start("watch")
    system.settle()
    assert figures(system) == (60, 60)
    said = command(system, "dead-letters", "redrive", code=2, **without_libraries)
    assert "10  published again" in said  # gzip is part of Python; zstandard packs tally's own rows as well
    for codec in ("snappy", "lz4"):
        assert f"5  not read: a batch in Kafka is compressed with {codec}, which this installation" in said
    said = command(system, "dead-letters", "redrive")
    assert "20  published again" in said

    system.settle()
    assert figures(system) == (80, 80)
    system.verdict()
    shown = json.loads(command(system, "standings", "--unit", UNIT, "--json"))["standings"]
    assert [s["denominator"] for s in shown if s["indicator"] == "online-dossiers"] == [80]
    assert "reads gzip, snappy, lz4, zstd" in command(system, "doctor", code=1)  # it warns of one broker


def figures(system: System) -> tuple[int, int]:
    standing = system.standings()[UNIT, "online-dossiers"]
    return standing["numerator"], standing["denominator"]
