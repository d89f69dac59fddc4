"""Plain reads of topics, for commands: everything that is there now, read committed."""

import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any, Final

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient, OffsetSpec
from kafka.errors import CorruptRecordError, KafkaError
from kafka.protocol.consumer.offsets import IsolationLevel
from kafka.record import memory_records
from kafka.record.default_records import DefaultRecordBatch

from models.dossiers.dossier import Dossier
from streams.broker import formats, topics
from streams.broker.connection import bootstrap, client_options
from streams.broker.topics import changelog
from streams.broker.unreachable import no_answer_of
from streams.engine.header_text import Lenient
from streams.errors import BadInput, NoAnswer
from streams.records.dossier_rows import unpack
from streams.settings import Settings

POSITION: Final = b"\x00position"
"""the engine's own row of every changelog (streams/engine/partition.py); named here, so that no command loads Faust"""

ASK_AGAIN_S: Final = 0.2
"""between two questions to a broker that cannot answer yet"""
SILENT_S: Final = 30.0
"""how long a read waits for its next record, which is there, before it says that the broker has gone away"""


def log_offsets(
    client: KafkaAdminClient,
    partitions: Iterable[TopicPartition],
    spec: OffsetSpec,
    *,
    isolation: IsolationLevel = IsolationLevel.READ_UNCOMMITTED,
    patience_s: float = SILENT_S,
) -> dict[TopicPartition, int]:
    """Return where the logs of partitions begin or end, by the offset that `spec` and `isolation` name.

    A leader that was elected a moment ago does not know its end yet, and says so: it is asked again for `patience_s`
    seconds. Raises KafkaError where the answer does not come, or is another.
    """
    deadline, asked = time.monotonic() + patience_s, dict.fromkeys(partitions, spec)
    while asked:
        try:
            found = client.list_partition_offsets(asked, isolation_level=isolation)
        except KafkaError as exc:
            if not getattr(exc, "retriable", False) or time.monotonic() > deadline:
                raise
            time.sleep(ASK_AGAIN_S)
        else:
            return {tp: at.offset for tp, at in found.items()}
    return {}


class TolerantBatch(DefaultRecordBatch):  # type: ignore[misc]  # kafka-python is untyped
    """A batch that goes on leniently where a header's name is not UTF-8.

    Without it a consumer never comes past such a record, nor tells of it: it polls for ever. The workers' client has
    the same fault (streams/engine/headers.py).
    """

    _buffer: Any

    def __next__(self) -> Any:
        """Return the next record."""
        try:
            return super().__next__()
        except CorruptRecordError as exc:
            if not isinstance(exc.__context__, UnicodeDecodeError) or isinstance(self._buffer, Lenient):
                raise
        self._buffer = Lenient(self._buffer)
        return super().__next__()


memory_records.DefaultRecordBatch = TolerantBatch  # kafka-python offers no other way in


def consumer(settings: Settings, **options: Any) -> KafkaConsumer:
    """Return a consumer without a group. Raises BadInput where the broker does not answer."""
    try:
        return KafkaConsumer(
            bootstrap_servers=bootstrap(settings).split(","),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            bootstrap_timeout_ms=10_000,
            **client_options(settings),
            **{"isolation_level": "read_committed", **options},
        )
    except KafkaError as exc:
        raise NoAnswer(no_answer_of(exc, settings)) from exc


def records_of(settings: Settings, name: str) -> Iterator[Any]:
    """Yield every record of a topic (name without prefix), partition by partition in their order.

    Raises BadInput where the topic is missing, where the broker goes away before all of it is read, or where a record
    is in a format that this release does not read.
    """
    reader = consumer(settings)
    try:
        topic = settings.topic(name)
        partitions = reader.partitions_for_topic(topic)
        if not partitions:
            raise BadInput(f"topic {topic} is missing: run `lotrinh topics apply`")
        tps = [TopicPartition(topic, p) for p in sorted(partitions)]
        reader.assign(tps)
        reader.seek_to_beginning(*tps)
        ends = reader.end_offsets(tps)
        states: dict[int, Any] = {}
        came = time.monotonic()
        while _behind(reader, ends):
            found = reader.poll(timeout_ms=500)
            if found:
                came = time.monotonic()
            elif time.monotonic() - came > SILENT_S:
                raise BadInput(f"Kafka at {settings.kafka} went away while {topic} was being read")
            for records in found.values():
                for record in records:
                    if record.key == POSITION:
                        states[record.partition] = record
                    else:
                        formats.check_record(name, record.headers, f"{topic}-{record.partition} @ {record.offset}")
                    yield record
        for state in states.values():
            check_state(settings, state)
    finally:
        reader.close()


def size_of(settings: Settings, names: Iterable[str]) -> int:
    """Return how many offsets topics (names without prefix) hold now: what a read of them will go through."""
    reader = consumer(settings)
    try:
        tps = [TopicPartition(settings.topic(name), p) for name in names for p in range(settings.partitions)]
        first, last = reader.beginning_offsets(tps), reader.end_offsets(tps)
        return sum(last[tp] - first[tp] for tp in tps)
    finally:
        reader.close()


def check_state(settings: Settings, record: Any) -> None:
    """Refuse a state by its position row, the newest of a changelog's partition, in another format. Raises BadInput."""
    for app in topics.TABLES:
        if record.topic.startswith(f"{settings.topic(app)}-"):
            formats.check_state(app, record.headers, f"{record.topic}-{record.partition} @ {record.offset}")


def _behind(reader: KafkaConsumer, ends: Mapping[TopicPartition, int]) -> bool:
    """Tell whether there is more to read, by position: a transactional log ends in a marker, which nobody is given.

    A position that the broker does not tell (None) is behind.
    """
    return any((position := reader.position(tp)) is None or position < end for tp, end in ends.items())


class Dossiers:
    """Every dossier that tally knows, by partition, from its changelog; one whole state is held.

    A row may be newer than another: the changelog is read while it grows, up to where it ended at
    the beginning.
    """

    def __init__(self, settings: Settings, *, keys_alone: bool = False) -> None:
        """Read the changelog. Raises BadInput where the system has no such topic."""
        self._rows: dict[int, dict[bytes, bytes]] = {}
        name = changelog(settings, topics.TALLY, "dossiers").removeprefix(settings.prefix)
        for record in records_of(settings, name):
            if record.key == POSITION:
                continue
            rows = self._rows.setdefault(record.partition, {})
            if record.value is None:
                rows.pop(record.key, None)
            else:
                rows[record.key] = b"" if keys_alone else record.value

    def __iter__(self) -> Iterator[tuple[str, Dossier]]:
        """Yield code and what is known; a dossier in two partitions comes twice: so it counts."""
        for rows in self._rows.values():
            for key, row in rows.items():
                yield key.decode(), unpack(row)

    def in_two_partitions(self) -> set[str]:
        """Return the dossiers with rows in more than one partition: each half counts by itself."""
        pairs = combinations(self._rows.values(), 2)
        return {key.decode() for one, other in pairs for key in one.keys() & other.keys()}


def record_at(reader: KafkaConsumer, topic: str, partition: int, offset: int) -> Any | None:
    """Return one record by its coordinates; None where it is gone."""
    tp = TopicPartition(topic, partition)
    reader.assign([tp])
    if not reader.beginning_offsets([tp])[tp] <= offset < reader.end_offsets([tp])[tp]:
        return None
    reader.seek(tp, offset)
    for _ in range(20):
        for record in reader.poll(timeout_ms=500, max_records=1).get(tp, []):
            return record if record.offset == offset else None
    return None
