"""The topics: what each is for, how it is kept, and whether the broker has it so.

Partition counts are for life: the key decides the partition, and state lives there.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewTopic
from kafka.errors import KafkaError

from models.dossiers.events import TOPICS
from streams.broker import replicas as copies
from streams.broker import unreachable
from streams.broker.connection import bootstrap, client_options
from streams.errors import BadInput, NoAnswer
from streams.settings import Settings

UNKNOWN: Final = 3
FORBIDDEN: Final = 29
FORBIDDEN_CLUSTER: Final = 31
EXISTS: Final = 36
"""of Kafka's error codes"""
DAY_MS: Final = 86_400_000
INBOUND: Final = tuple(TOPICS)
TICKS: Final = "ticks"
TALLIES: Final = "unit.tallies"
STANDINGS: Final = "standings"
ALERTS: Final = "alerts"
HEARTBEATS: Final = "heartbeats"
PERIODS: Final = "periods"
OPERATORS: Final = "operators"
DELIVERIES: Final = "deliveries"
DEAD_LETTERS: Final = "dossier.dead-letter"

TALLY: Final = "tally"
WATCH: Final = "watch"
TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    TALLY: ("dossiers",),
    WATCH: ("unit-days", "gaps", "alerts", "announced"),
}

SOURCES: Final[Mapping[str, tuple[str, ...]]] = {TALLY: (*INBOUND, TICKS), WATCH: (TALLIES,)}
"""application → topics it reads; in this order what arrives goes through them"""

_EXACT: Final = {
    "cleanup.policy": "it would lose records",
    "message.timestamp.type": "records would expire by the clocks of those who send them",
}
# What arrives is kept by the day it arrived: a portal may stamp its records with dates of last year.
_ARRIVED_AT: Final = {"message.timestamp.type": "LogAppendTime"}
_ARRIVED: Final = {"cleanup.policy": "delete", **_ARRIVED_AT}
_COMPACTED: Final = {
    "cleanup.policy": "compact",
    "retention.ms": "-1",
    "min.cleanable.dirty.ratio": "0.1",
    "segment.bytes": str(64 << 20),
    "delete.retention.ms": str(DAY_MS),  # longer than a worker keeps the state of a partition that went elsewhere
}
RECORD_BYTES_MAX: Final = 8 << 20
"""of what is written whole: a row of state (docs/operations.md, Limits), a closed period"""
_STATE: Final = {**_COMPACTED, "max.message.bytes": str(RECORD_BYTES_MAX)}
# Never compacted: under one key the newest record would replace the first, and a published figure has to stay.
_FOR_EVER: Final = {
    **_ARRIVED,
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "max.message.bytes": str(
        RECORD_BYTES_MAX
    ),  # a record is a whole table: some 300 KB of a province, before compression
}


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One topic as it has to be."""

    name: str
    purpose: str
    configs: Mapping[str, str]


def changelog(settings: Settings, app: str, table: str) -> str:
    """Return the name Faust gives a table's changelog."""
    return f"{settings.topic(app)}-{table}-changelog"


def specs(settings: Settings) -> list[TopicSpec]:
    """Return every topic of this deployment."""
    found = [
        TopicSpec(settings.topic(name), "events of the portal", {**_ARRIVED, "retention.ms": str(400 * DAY_MS)})
        for name in INBOUND
    ]
    found += [
        TopicSpec(settings.topic(TICKS), "the clock", {**_ARRIVED, "retention.ms": str(14 * DAY_MS)}),
        TopicSpec(settings.topic(TALLIES), "counters, tally to watch", {**_ARRIVED, "retention.ms": str(30 * DAY_MS)}),
        TopicSpec(settings.topic(STANDINGS), "the latest standing of every unit", _COMPACTED),
        TopicSpec(settings.topic(ALERTS), "alert transitions", {**_ARRIVED, "retention.ms": str(800 * DAY_MS)}),
        TopicSpec(
            settings.topic(OPERATORS), "what operators say of alerts", {**_ARRIVED, "retention.ms": str(800 * DAY_MS)}
        ),
        TopicSpec(settings.topic(DELIVERIES), "what receivers have been told", _COMPACTED),
        TopicSpec(settings.topic(HEARTBEATS), "how far watch has judged", _COMPACTED | _ARRIVED_AT),
        TopicSpec(settings.topic(PERIODS), "closed periods", _FOR_EVER),
        TopicSpec(settings.topic(DEAD_LETTERS), "refused records", {**_ARRIVED, "retention.ms": str(400 * DAY_MS)}),
    ]
    found += [
        TopicSpec(changelog(settings, app, table), f"state of {app}", _STATE)
        for app, tables in TABLES.items()
        for table in tables
    ]
    return found


def admin(servers: str, options: Mapping[str, Any], request_timeout_ms: int = 30_000) -> KafkaAdminClient:
    """Return an administration client. Raises NoAnswer where the broker does not answer."""
    try:
        return KafkaAdminClient(
            bootstrap_servers=servers.split(","),
            request_timeout_ms=request_timeout_ms,
            bootstrap_timeout_ms=10_000,
            **options,
        )
    except KafkaError as exc:
        raise NoAnswer(f"Kafka at {servers} does not answer: {type(exc).__name__}") from exc


def administrator(settings: Settings, request_timeout_ms: int = 30_000) -> KafkaAdminClient:
    """Return an administration client of the settings' Kafka. Raises BadInput saying why it cannot be had."""
    try:
        return admin(bootstrap(settings), client_options(settings), request_timeout_ms)
    except NoAnswer as exc:
        raise NoAnswer(unreachable.no_answer_of(exc.__cause__ or exc, settings)) from exc


def wrong(client: KafkaAdminClient, settings: Settings) -> tuple[list[TopicSpec], list[str]]:
    """Return the topics that are missing, and a sentence for each thing that is not as it has to be."""
    wanted = {spec.name: spec for spec in specs(settings)}
    described = {t["name"]: t for t in client.describe_topics(sorted(wanted))}
    errors = {name: described[name]["error_code"] if name in described else UNKNOWN for name in wanted}
    missing = [spec for name, spec in wanted.items() if errors[name] == UNKNOWN]
    problems = []
    if unseen := [name for name, code in errors.items() if code == FORBIDDEN]:
        problems.append(
            f"{copies.listed(unseen)} cannot be seen: this principal lacks the right Describe (deploy/acls.yml)"
        )
    problems += [
        f"topic {name}: Kafka says {copies.error_name(code)}"
        for name, code in errors.items()
        if code not in (0, UNKNOWN, FORBIDDEN)
    ]
    present = [name for name in sorted(wanted) if errors[name] == 0]
    configs: Mapping[str, Any] = {}
    if present:
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in present]
        configs = client.describe_configs(resources, config_filter="all").get("topic", {})
    if closed := [name for name in present if not configs.get(name)]:
        problems.append(
            f"the settings of {copies.listed(closed)} cannot be read: this principal lacks the right DescribeConfigs "
            "(deploy/acls.yml)"
        )
    for name in present:
        count = len(described[name]["partitions"])
        if count != settings.partitions:
            problems.append(
                f"topic {name} has {count} partitions, {settings.partitions} are expected "
                "(LOTRINH_PARTITIONS); `lotrinh topics grow` moves to another number"
            )
        if found := configs.get(name):
            problems += _lossy(wanted[name], {key: str(c["value"]) for key, c in found.items()}, settings)
    return missing, problems


def _lossy(spec: TopicSpec, found: Mapping[str, str], settings: Settings) -> list[str]:
    """Return a sentence for each setting under which a topic would lose what has to stay."""
    problems = []
    for key, why in _EXACT.items():
        if key in spec.configs and found[key] != spec.configs[key]:
            problems.append(f"topic {spec.name} has {key}={found[key]}, {spec.configs[key]} is expected: {why}")
    if spec.configs["cleanup.policy"] == "compact":
        least = int(2 * settings.kept_state_s * 1000)
        if int(found["delete.retention.ms"]) < least:
            problems.append(
                f"topic {spec.name} has delete.retention.ms={found['delete.retention.ms']}, at least {least} "
                "(twice LOTRINH_KEPT_STATE_S) is expected: a worker's kept state would miss deletions"
            )
    return problems


def apply(client: KafkaAdminClient, settings: Settings) -> list[str]:
    """Create what is missing and return its names. Raises BadInput where a topic is there and wrong, or is refused."""
    missing, problems = wrong(client, settings)
    if problems:
        raise BadInput("\n".join(problems))
    if not missing:
        return []
    want = copies.wanted(settings, len(copies.brokers_of(client)))
    more = {copies.IN_SYNC: str(want.in_sync)}
    answer = client.create_topics(
        [NewTopic(s.name, settings.partitions, want.copies, topic_configs={**s.configs, **more}) for s in missing],
        raise_errors=False,
    )
    refused = [t for t in answer["topics"] if t["error_code"] not in (0, EXISTS)]
    if refused:
        name, code, why = (refused[0][k] for k in ("name", "error_code", "error_message"))
        if code in (FORBIDDEN, FORBIDDEN_CLUSTER):
            why = "this principal lacks the right Create (deploy/acls.yml)"
        raise BadInput(
            f"{copies.listed([t['name'] for t in refused])} not created: {name}: {why or copies.error_name(code)}"
        )
    client.wait_for_topics([s.name for s in missing])
    return [s.name for s in missing]


def weak(client: KafkaAdminClient, settings: Settings) -> tuple[copies.Wanted, list[str]]:
    """Return what is asked of copies, and a sentence for each way in which topics, Kafka's own too, keep too little.

    Raises BadInput where the settings ask for what the cluster cannot give.
    """
    brokers = copies.brokers_of(client)
    want = copies.wanted(settings, len(brokers))
    names = [spec.name for spec in specs(settings)]
    return want, copies.weak(want, copies.kept(client, names) | copies.kept_by_kafka(client, brokers))


def mend(client: KafkaAdminClient, settings: Settings, say: Callable[[str], None]) -> None:
    """Make the copies that are missing, of our topics and of Kafka's own. Raises BadInput where that is refused."""
    want = copies.wanted(settings, len(copies.brokers_of(client)))
    copies.mend(client, want, [*(spec.name for spec in specs(settings)), *copies.INTERNAL], say)


def check(client: KafkaAdminClient, settings: Settings) -> None:
    """Refuse to work where a topic is missing or wrong. Raises BadInput, naming each."""
    missing, problems = wrong(client, settings)
    problems += [f"topic {s.name} is missing: run `lotrinh topics apply`" for s in missing]
    if problems:
        raise BadInput("\n".join(problems))


def named(settings: Settings, names: Iterable[str]) -> tuple[str, ...]:
    """Return full topic names."""
    return tuple(settings.topic(name) for name in names)
