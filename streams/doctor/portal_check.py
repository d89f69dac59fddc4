"""Reads a sample of the inbound topics for `lotrinh portal check`: records, and the heads of their batches."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient, OffsetSpec
from kafka.consumer.fetcher import Fetcher
from kafka.errors import KafkaError
from kafka.record import MemoryRecords

from models.dossiers.portal_check import Batch, Examination, Finding, Sample, Where
from models.standings.completeness import Cause, sentence
from streams.broker import codecs, topics
from streams.broker.reading import consumer, log_offsets
from streams.errors import BadInput
from streams.files.decision_files import read_registry
from streams.settings import Settings

POLL_MS: Final = 500
SILENT_POLLS: Final = 60
"""polls without a record, of a partition that has more, after which the broker is taken to have gone away"""
_CODECS: Final = ("none", "gzip", "snappy", "lz4", "zstd")
"""Codecs by their number in the head of a batch."""
Parts = Fetcher.PartitionRecords


class Examined(NamedTuple):
    """What an examination has read and found."""

    read: Mapping[str, int]
    """topic (without prefix) → records"""
    findings: list[Finding]


def examine(settings: Settings, last: int) -> Examined:
    """Examine the last records of each inbound topic. Raises BadInput, KafkaError."""
    registry = read_registry(settings)
    found = Examination(settings.partitions, settings.partitioner, registry.knows, settings.codes)
    read: dict[str, int] = {}
    more: list[Finding] = [Finding("codecs", "failed", str(missing), codecs.REMEDY) for missing in codecs.unreadable()]
    client = topics.administrator(settings)
    reader = consumer(settings, fetch_max_wait_ms=100)
    try:
        heads = _note_heads(reader, settings.prefix)
        for name in topics.INBOUND:
            tps = _partitions(reader, settings, name)
            more += _behind_transactions(reader, client, name, tps)
            read[name] = 0
            for tp in tps:
                try:
                    for sample in _last(reader, tp, name, -(-last // len(tps))):
                        found.take(sample)
                        read[name] += 1
                except KafkaError as exc:
                    if exc.retriable:
                        raise
                    more.append(_unread(exc, name, tp))
                for batch in heads.pop(tp, {}).values():
                    found.take_batch(batch)
    finally:
        reader.close()
        client.close()
    more += [Finding("records", "warning", f"{name} holds no record yet") for name, count in read.items() if not count]
    ranks = {"failed": 0, "warning": 1, "ok": 2}
    return Examined(read, sorted([*more, *found.findings()], key=lambda f: ranks[f.level]))


def _partitions(reader: Any, settings: Settings, name: str) -> list[TopicPartition]:
    topic = settings.topic(name)
    partitions = reader.partitions_for_topic(topic)
    if not partitions:
        raise BadInput(f"topic {topic} is missing: run `lotrinh topics apply`")
    return [TopicPartition(topic, p) for p in sorted(partitions)]


def _last(reader: Any, tp: TopicPartition, name: str, count: int) -> Iterator[Sample]:
    """Yield the last records of a partition, by position: a log may end in a marker, which nobody is given."""
    reader.assign([tp])
    end = reader.end_offsets([tp])[tp]
    reader.seek(tp, max(reader.beginning_offsets([tp])[tp], end - count))
    silent = 0
    while reader.position(tp) < end:
        records = reader.poll(timeout_ms=POLL_MS).get(tp, [])
        silent = 0 if records else silent + 1
        if silent > SILENT_POLLS:
            raise BadInput(f"Kafka went away while {tp.topic} was being read")
        for r in records:
            where = Where(name, r.partition, r.offset)
            yield Sample(where, r.key, r.value, tuple(r.headers), r.timestamp / 1000)


def _behind_transactions(
    reader: Any, client: KafkaAdminClient, name: str, tps: list[TopicPartition]
) -> Iterator[Finding]:
    """Say what lies behind an open transaction: acknowledged, and read by nobody until it ends."""
    committed = reader.end_offsets(tps)
    written = log_offsets(client, tps, OffsetSpec.LATEST)
    for tp in tps:
        hidden = written[tp] - committed[tp]
        if hidden > 0:
            cause = Cause("open-transaction", name, tp.partition, None, hidden)
            yield Finding(
                "transactions", "warning", sentence(cause),
                "end transactions within seconds; one that hangs: kafka-transactions.sh find-hanging, abort",
                hidden, hidden, Where(name, tp.partition, committed[tp]),
            )  # fmt: skip


def _unread(error: KafkaError, name: str, tp: TopicPartition) -> Finding:
    why = codecs.sentence(error) or f"Kafka refused: {type(error).__name__}"
    return Finding("records", "failed", f"{name}-{tp.partition} was not read: {why}")


def _note_heads(reader: Any, prefix: str) -> dict[TopicPartition, dict[int, Batch]]:
    """Let a consumer note the heads of the batches that it takes apart, also of those that it cannot read.

    By a hook that is not public, and pinned by tests/test_library_facts.py: no client of Kafka shows batches.
    """
    heads: dict[TopicPartition, dict[int, Batch]] = {}

    class Noting(Parts):  # type: ignore[misc, valid-type]  # kafka-python is untyped
        def _unpack_records(self, tp: TopicPartition, records: Any, *args: Any) -> Any:
            for batch in MemoryRecords(records._buffer):  # noqa: SLF001 - see above
                if batch.magic == 2 and not batch.is_control_batch:
                    codec = batch.compression_type
                    where = Where(tp.topic.removeprefix(prefix), tp.partition, batch.base_offset)
                    heads.setdefault(tp, {})[batch.base_offset] = Batch(
                        where,
                        batch.records_count,
                        _CODECS[codec] if codec < len(_CODECS) else "unknown",
                        batch.has_producer_id(),
                        batch.is_transactional,
                    )
            return super()._unpack_records(tp, records, *args)

    reader._fetcher.PartitionRecords = Noting  # noqa: SLF001 - see above
    return heads
