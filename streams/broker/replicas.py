"""How many copies Kafka keeps of everything, and how many must be in sync before a write is acknowledged.

`lotrinh topics apply` and `lotrinh doctor` judge it here, in the same words.
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final, NamedTuple

from kafka import TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import KafkaError, for_code

from streams.errors import BadInput
from streams.settings import Settings

COPIES: Final = 3
"""where the cluster has as many brokers"""
IN_SYNC: Final = "min.insync.replicas"
TRANSACTIONS: Final = "__transaction_state"
OFFSETS: Final = "__consumer_offsets"
INTERNAL: Final[Mapping[str, tuple[str, str]]] = {
    TRANSACTIONS: ("transaction.state.log.replication.factor", "transaction.state.log.min.isr"),
    OFFSETS: ("offsets.topic.replication.factor", ""),
}
"""Kafka's own topics, and the broker's settings under which they are made. The group's offsets decide nothing here, so
how many of their copies must be in sync does not matter"""
MEND: Final = "lotrinh topics apply --mend"
SHOWN_MAX: Final = 3
MOVING_S: Final = 600.0
"""how long `--mend` waits for copies; Kafka goes on making them afterwards"""


class Wanted(NamedTuple):
    """What a deployment asks for."""

    copies: int
    in_sync: int
    brokers: int

    def __str__(self) -> str:
        """Return it in words."""
        brokers = counted(self.brokers, "broker")
        if self.copies == 1:
            return f"{brokers}: one copy of each topic; the disk that is lost takes it with it"
        return f"{brokers}: {self.copies} copies of each topic, {self.in_sync} of them needed to write"


class Kept(NamedTuple):
    """What a topic has: its scarcest partition's copies, and `min.insync.replicas` (0: not told)."""

    copies: int
    in_sync: int


def wanted(settings: Settings, brokers: int) -> Wanted:
    """Return what the settings ask for on so many brokers. Raises BadInput where they cannot have it."""
    copies = settings.replication or min(COPIES, brokers)
    if copies > brokers:
        raise BadInput(
            f"LOTRINH_REPLICATION={copies}, but the cluster has {counted(brokers, 'broker')}: "
            "start more, or ask for fewer copies"
        )
    in_sync = settings.min_insync_replicas or (copies + 1) // 2
    if in_sync > copies:
        raise BadInput(
            f"LOTRINH_MIN_INSYNC_REPLICAS={in_sync}, but each topic has {counted(copies, 'copy', 'copies')}: "
            "nothing could be written"
        )
    return Wanted(copies, in_sync, brokers)


def brokers_of(client: KafkaAdminClient) -> list[int]:
    """Return the ids of the brokers that are there."""
    found = client.describe_cluster()["brokers"]
    return sorted(int(b["broker_id"]) for b in found if not b.get("is_fenced"))


def kept(client: KafkaAdminClient, names: Collection[str]) -> dict[str, Kept]:
    """Return what topics have; those that are missing or cannot be seen are left out."""
    if not names:
        return {}
    described = {t["name"]: t["partitions"] for t in client.describe_topics(sorted(names)) if not t["error_code"]}
    configs = _configs(client, ConfigResourceType.TOPIC, described)
    return {
        name: Kept(min(len(p["replica_nodes"]) for p in partitions), int(configs.get(name, {}).get(IN_SYNC, 0)))
        for name, partitions in described.items()
        if partitions
    }


def kept_by_kafka(client: KafkaAdminClient, brokers: Collection[int]) -> dict[str, Kept]:
    """Return what Kafka's own topics have, or will have when they are made; left out where nobody tells us."""
    found = kept(client, INTERNAL)
    if missing := INTERNAL.keys() - found.keys():
        of_brokers = _configs(client, ConfigResourceType.BROKER, map(str, brokers))
        for name in missing:
            copies, in_sync = INTERNAL[name]
            told = [c for c in of_brokers.values() if copies in c]
            if told:
                found[name] = Kept(
                    min(int(c[copies]) for c in told), min(int(c.get(in_sync, 0)) for c in told) if in_sync else 0
                )
    return found


def _configs(client: KafkaAdminClient, kind: ConfigResourceType, names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return name → settings; without the right DescribeConfigs they are empty."""
    resources = [ConfigResource(kind, name) for name in names]
    if not resources:
        return {}
    try:
        found = client.describe_configs(resources, config_filter="all").get(kind.name.lower(), {})
    except KafkaError:
        return {}
    return {name: {key: str(c["value"]) for key, c in configs.items()} for name, configs in found.items()}


# -- judging -----------------------------------------------------------------------------------------------------------


def weak(want: Wanted, found: Mapping[str, Kept]) -> list[str]:
    """Return a sentence for each way in which topics keep too little, or ask for too much."""
    said = []
    few: dict[int, list[str]] = {}
    unsafe: dict[int, list[str]] = {}
    strict: dict[int, list[str]] = {}
    for name, topic in sorted(found.items()):
        if topic.copies < want.copies:
            few.setdefault(topic.copies, []).append(name)
        if name == OFFSETS or not topic.in_sync:
            continue
        if topic.in_sync < want.in_sync:
            unsafe.setdefault(topic.in_sync, []).append(name)
        elif topic.in_sync > want.in_sync and topic.in_sync >= topic.copies:
            strict.setdefault(topic.in_sync, []).append(name)
    for copies, names in sorted(few.items()):
        said.append(f"{listed(names)}: {counted(copies, 'copy', 'copies')}, {want.copies} are expected")
    for in_sync, names in sorted(unsafe.items()):
        said.append(f"{listed(names)}: {IN_SYNC}={in_sync}, {want.in_sync} is expected")
    for in_sync, names in sorted(strict.items()):
        said.append(
            f"{listed(names)}: {IN_SYNC}={in_sync} of as many copies, so that one broker away stops writing; "
            f"{want.in_sync} is expected"
        )
    return said


def counted(number: int, one: str, several: str | None = None) -> str:
    """Return a number with its noun.

    >>> counted(1, "broker"), counted(2, "copy", "copies")
    ('1 broker', '2 copies')
    """
    return f"{number} {one if number == 1 else several or one + 's'}"


def listed(names: Collection[str]) -> str:
    """Return names as a sentence shows them.

    >>> listed(["b", "a"]), listed(["a", "b", "c", "d"])
    ('topics a, b', '4 topics (a, b, c …)')
    """
    ordered = sorted(names)
    if len(ordered) > SHOWN_MAX:
        return f"{len(ordered)} topics ({', '.join(ordered[:SHOWN_MAX])} …)"
    return f"topic{'s'[: len(ordered) > 1]} {', '.join(ordered)}"


# -- mending -----------------------------------------------------------------------------------------------------------


def more_copies(
    partitions: Mapping[TopicPartition, list[int]], brokers: list[int], copies: int
) -> dict[TopicPartition, list[int]]:
    """Return where partitions with too few copies go: copies that there are stay, the others are spread.

    >>> more_copies({TopicPartition("t", 0): [1], TopicPartition("t", 1): [2, 3, 1]}, [1, 2, 3], 3)
    {TopicPartition(topic='t', partition=0): [1, 2, 3]}
    """
    moved = {}
    for tp, nodes in partitions.items():
        if len(nodes) < copies:
            start = tp.partition % len(brokers)
            others = [n for n in brokers[start:] + brokers[:start] if n not in nodes]
            moved[tp] = [*nodes, *others][:copies]
    return moved


def mend(client: KafkaAdminClient, want: Wanted, names: Collection[str], say: Callable[[str], None]) -> None:
    """Give topics as many copies as are wanted, wait for them, then set how many must be in sync.

    Raises BadInput where Kafka refuses, or where the copies take long; Kafka goes on making them then.
    """
    brokers = brokers_of(client)
    described = [t for t in client.describe_topics(sorted(names)) if not t["error_code"]]
    present = {
        TopicPartition(t["name"], p["partition_index"]): p["replica_nodes"] for t in described for p in t["partitions"]
    }
    moved = more_copies(present, brokers, want.copies)
    if moved:
        say(f"making copies of {len(moved)} partitions")
        _refuse(client.alter_partition_reassignments(moved))
        _wait(client, moved, say)
    weak_ones = [
        name
        for name, topic in kept(client, [t["name"] for t in described]).items()
        if name != OFFSETS and topic.in_sync != want.in_sync and weak(want, {name: topic})
    ]
    if weak_ones:
        setting = {IN_SYNC: str(want.in_sync)}
        resources = [ConfigResource(ConfigResourceType.TOPIC, name, setting) for name in weak_ones]
        said = client.alter_configs(resources).get("topic", {})
        if wrong := {name: text for name, text in said.items() if text != "OK"}:
            name, text = next(iter(wrong.items()))
            raise BadInput(f"{IN_SYNC} of {listed(wrong)} was not set: {name}: {text}")
        say(f"set {IN_SYNC}={want.in_sync} on {listed(weak_ones)}")


def _refuse(answers: Mapping[TopicPartition, Any]) -> None:
    wrong = {tp: error for tp, error in answers.items() if error is not None}
    if wrong:
        error = next(iter(wrong.values()))
        raise BadInput(f"Kafka makes no copies of {listed({tp.topic for tp in wrong})}: {error.__name__}")


def _wait(client: KafkaAdminClient, moved: Mapping[TopicPartition, list[int]], say: Callable[[str], None]) -> None:
    deadline, shown = time.monotonic() + MOVING_S, time.monotonic()
    while True:
        found = client.describe_topics(sorted({tp.topic for tp in moved}))
        in_sync = {
            TopicPartition(t["name"], p["partition_index"]): set(p["isr_nodes"]) for t in found for p in t["partitions"]
        }
        left = [tp for tp, nodes in moved.items() if not set(nodes) <= in_sync.get(tp, set())]
        if not left:
            return
        if time.monotonic() > deadline:
            raise BadInput(f"copies of {len(left)} partitions are not in sync yet; Kafka goes on, run this again later")
        if time.monotonic() - shown > 5:
            say(f"copies of {len(left)} of {len(moved)} partitions to go")
            shown = time.monotonic()
        time.sleep(0.3)


def error_name(code: int) -> str:
    """Return the name of one of Kafka's errors."""
    return str(for_code(code).__name__)
