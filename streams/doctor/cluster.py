"""What Kafka says of this deployment, read once for the doctor: topics, logs, groups, the positions of the states.

Reads only; joins no group, writes no record.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, OffsetSpec
from kafka.errors import KafkaError

from streams.broker import formats, topics
from streams.broker import replicas as copies
from streams.broker.reading import POSITION, Dossiers, consumer, log_offsets
from streams.settings import Settings

SAMPLE_RECORDS: Final = 20_000
TAIL_RECORDS: Final = 500

Where = tuple[str, int]
"""(topic, partition)"""


@dataclass
class Facts:
    """Everything the doctor judges of Kafka."""

    version: tuple[int, ...] = ()
    brokers: int = 0
    missing: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """Problems of topics, in the words of `lotrinh topics apply --check`."""
    configs: dict[str, dict[str, str]] = field(default_factory=dict)
    replicas: dict[Where, tuple[int, int]] = field(default_factory=dict)
    """replicas, and those in sync"""
    kept: dict[str, copies.Kept] = field(default_factory=dict)
    """copies and `min.insync.replicas` of every topic, Kafka's own too"""
    first: dict[Where, int] = field(default_factory=dict)
    last: dict[Where, int] = field(default_factory=dict)
    """last stable offset"""
    high: dict[Where, int] = field(default_factory=dict)
    """high watermark: what an open transaction holds back included"""
    bytes: dict[Where, int] = field(default_factory=dict)
    disks: dict[int, tuple[int, int]] = field(default_factory=dict)
    """broker → bytes free and in all, of its fullest log directory"""
    members: dict[str, int] = field(default_factory=dict)
    """app → members of its group"""
    committed: dict[tuple[str, str, int], int] = field(default_factory=dict)
    """(app, topic, partition) → position committed for the group"""
    states: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    """(app, partition) → the state's row of progress"""
    foreign: list[str] = field(default_factory=list)
    """states in a format that this release does not read, a sentence each"""
    newest_tick: tuple[str | None, int] | None = None
    """The instant of the newest tick, and when the broker stored it (Unix ms)."""
    halves: frozenset[str] = frozenset()
    """dossiers in two partitions; looked for where nothing else would find them: under the partitioner `any`"""
    sample: tuple[Where, int, int] | None = None
    """the largest changelog partition: where, records read from its beginning, distinct keys among them"""


def gather(settings: Settings, client: KafkaAdminClient) -> Facts:
    """Read all facts. Raises KafkaError or BadInput where the broker does not answer."""
    facts = Facts()
    nodes = copies.brokers_of(client)
    facts.brokers = len(nodes)
    facts.version = tuple(client.get_broker_version_data(nodes[0]).broker_version)
    missing, facts.problems = topics.wrong(client, settings)
    facts.missing = [spec.name for spec in missing]
    present = sorted({spec.name for spec in topics.specs(settings)} - set(facts.missing))
    if not present:
        return facts
    _read_topics(facts, client, present)
    facts.kept = copies.kept(client, present) | copies.kept_by_kafka(client, nodes)
    _read_sizes(facts, client, present)
    reader = consumer(settings)
    try:
        tps = [TopicPartition(topic, p) for topic, p in facts.replicas]
        facts.first = {(tp.topic, tp.partition): at for tp, at in reader.beginning_offsets(tps).items()}
        facts.last = {(tp.topic, tp.partition): at for tp, at in reader.end_offsets(tps).items()}
        _read_states(facts, reader, settings)
        # Once more: work goes on meanwhile, and a position read later than an end would lie beyond it.
        facts.last = {(tp.topic, tp.partition): at for tp, at in reader.end_offsets(tps).items()}
        ends = log_offsets(client, tps, OffsetSpec.LATEST)
        facts.high = {(tp.topic, tp.partition): at for tp, at in ends.items()}
        _read_newest_tick(facts, reader, settings.topic(topics.TICKS))
        _read_sample(facts, reader, settings)
    finally:
        reader.close()
    if settings.partitioner == "any":
        facts.halves = frozenset(Dossiers(settings, keys_alone=True).in_two_partitions())
    _read_groups(facts, client, settings)
    return facts


def _read_topics(facts: Facts, client: KafkaAdminClient, present: Sequence[str]) -> None:
    for topic in client.describe_topics(list(present)):
        for p in topic["partitions"]:
            where = topic["name"], p["partition_index"]
            facts.replicas[where] = len(p["replica_nodes"]), len(p["isr_nodes"])
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in present]
    described = client.describe_configs(resources, config_filter="all")["topic"]
    facts.configs = {name: {k: str(v["value"]) for k, v in configs.items()} for name, configs in described.items()}


def _read_sizes(facts: Facts, client: KafkaAdminClient, present: Sequence[str]) -> None:
    partitions: dict[str, list[int]] = {}
    for topic, partition in facts.replicas:
        if topic in present:
            partitions.setdefault(topic, []).append(partition)
    for broker in client.describe_log_dirs(partitions):
        for folder in broker["log_dirs"]:
            if folder.get("total_bytes", -1) > 0:
                disk = folder["usable_bytes"], folder["total_bytes"]
                known = facts.disks.get(broker["broker"], disk)
                facts.disks[broker["broker"]] = min(disk, known, key=lambda d: d[0] / d[1])
            for topic in folder["topics"]:
                for p in topic["partitions"]:
                    where = topic["name"], p["partition_index"]
                    facts.bytes[where] = max(facts.bytes.get(where, 0), p["partition_size"])


def _read(reader: KafkaConsumer, tp: TopicPartition, start: int, end: int, limit: int) -> Iterable[Any]:
    """Yield up to `limit` records of `[start, end)`; by position, for a log may end in a marker."""
    reader.assign([tp])
    reader.seek(tp, start)
    count = 0
    while reader.position(tp) < end and count < limit:
        for record in reader.poll(timeout_ms=500).get(tp, []):
            count += 1
            yield record


def _read_states(facts: Facts, reader: KafkaConsumer, settings: Settings) -> None:
    """Find the newest row of progress in the changelog of every partition; it stands near the end."""
    for app, tables in topics.TABLES.items():
        changelog = topics.changelog(settings, app, tables[0])
        for partition in range(settings.partitions):
            where = changelog, partition
            if where not in facts.last:
                continue
            first, last, back = facts.first[where], facts.last[where], TAIL_RECORDS
            while first < last and (app, partition) not in facts.states:
                start = max(first, last - back)
                newest = None
                for record in _read(reader, TopicPartition(*where), start, last, last):
                    newest = record if record.key == POSITION else newest
                if newest is not None:
                    _take_state(facts, app, newest)
                if start == first:
                    break
                back *= 20


def _take_state(facts: Facts, app: str, row: Any) -> None:
    try:
        formats.check_state(app, row.headers, f"{row.topic}-{row.partition} @ {row.offset}")
    except formats.OtherFormat as exc:
        facts.foreign.append(str(exc))
    facts.states[app, row.partition] = orjson.loads(row.value)


def _read_newest_tick(facts: Facts, reader: KafkaConsumer, topic: str) -> None:
    for partition in range(sum(t == topic for t, _ in facts.last)):
        first, last = facts.first[topic, partition], facts.last[topic, partition]
        for record in _read(reader, TopicPartition(topic, partition), max(first, last - 2), last, 2):
            if facts.newest_tick is None or record.timestamp > facts.newest_tick[1]:
                facts.newest_tick = orjson.loads(record.value)["at"], record.timestamp


def _read_sample(facts: Facts, reader: KafkaConsumer, settings: Settings) -> None:
    names = {topics.changelog(settings, app, t) for app, tables in topics.TABLES.items() for t in tables}
    found = [(size, where) for where, size in facts.bytes.items() if where[0] in names]
    if not found:
        return
    _, where = max(found)
    keys = [r.key for r in _read(reader, TopicPartition(*where), facts.first[where], facts.last[where], SAMPLE_RECORDS)]
    facts.sample = where, len(keys), len(set(keys))


def _read_groups(facts: Facts, client: KafkaAdminClient, settings: Settings) -> None:
    for app in topics.TABLES:
        group = settings.topic(app)
        try:
            described = client.describe_groups([group])[group]
            offsets = client.list_group_offsets([group]).get(group, {})
        except KafkaError as exc:
            if not getattr(exc, "retriable", False):
                raise
            continue  # no coordinator: no group has ever been on this cluster
        facts.members[app] = len(described["members"])
        committed: Mapping[Any, Any] = offsets
        for tp, offset in committed.items():
            facts.committed[app, tp.topic, tp.partition] = int(getattr(offset, "offset", offset))
