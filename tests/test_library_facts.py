"""What the engine relies on in faust-streaming 0.15.3 and aiokafka 0.14.0: an upgrade speaks up here first.

Every name that is overridden or read, and every behaviour without which a promise would not hold.
"""

import asyncio
import inspect
from importlib.metadata import version
from importlib.util import find_spec, module_from_spec
from typing import Any, cast

import aiokafka
import faust
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import Fetcher, OffsetResetStrategy
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.consumer.subscription_state import Assignment, TopicPartitionState
from aiokafka.errors import InvalidTxnState, KafkaError, ProducerFenced
from aiokafka.partitioner import murmur2
from aiokafka.producer import sender
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import OffsetAndMetadata
from faust.agents.agent import Agent
from faust.tables.base import Collection
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.transport import consumer
from faust.transport.consumer import Consumer as BaseConsumer
from faust.transport.drivers import aiokafka as driver
from faust.windows import TumblingWindow
from mode.loop import LOOPS
from mode.threads import ServiceThread

from streams.engine import aiokafka_log as kafka
from streams.engine import app, records, tables, takeover, transport
from streams.engine.log import partition_of


def test_versions_are_those_the_overrides_were_written_for() -> None:
    assert version("faust-streaming") == "0.15.3"
    assert version("aiokafka") == "0.14.0"


@pytest.mark.parametrize(
    ("ours", "theirs", "names"),
    [
        (
            transport.ConsumerThread,
            driver.AIOKafkaConsumerThread,
            ("_create_worker_consumer", "_fetch_records", "_commit"),
        ),
        (
            transport.Consumer,
            driver.Consumer,
            (
                "_new_consumer_thread",
                "_to_message",
                "_add_gap",
                "_filter_tps_with_pending_acks",
                "_new_offset",
                "_should_commit",
                "verify_all_partitions_active",
                "on_partitions_revoked",
                "seek_to_committed",
            ),
        ),
        (transport.Raw, faust.Schema, ("loads_key", "loads_value")),
        (
            tables.Table,
            faust.Table,
            ("__setitem__", "get", "on_start", "on_key_get", "on_key_set", "on_key_del", "on_clear"),
        ),
        (takeover.Tables, TableManager, ("recovery", "_update_channels", "on_stop")),
        (takeover.Takeover, Recovery, ("on_partitions_revoked", "on_rebalance")),
        (app.Engine, faust.App, ("_new_transport", "_on_agent_error", "_create_directories")),
    ],
)
def test_every_overridden_name_is_there_to_be_overridden(ours: type, theirs: type, names: tuple[str, ...]) -> None:
    for name in names:
        assert name in vars(ours), f"{ours.__name__} no longer overrides {name}"
        assert hasattr(theirs, name), f"{theirs.__name__}.{name} is gone"


def test_every_private_attribute_that_is_read_is_there() -> None:
    assert "self._position = " in inspect.getsource(TopicPartitionState)
    assert "self.lso = " in inspect.getsource(TopicPartitionState)
    assert "_tp_state" in inspect.getsource(Assignment)
    assert "_isolation_level" in inspect.getsource(aiokafka.AIOKafkaConsumer)
    assert "_fetch_max_wait_ms" in inspect.getsource(aiokafka.AIOKafkaConsumer)
    assert hasattr(GroupCoordinator, "_maybe_leave_group")
    assert "_acked_index" in inspect.getsource(BaseConsumer.__init__)
    assert "_read_offset" in inspect.getsource(BaseConsumer.__init__)
    assert "_fetcher" in inspect.getsource(Recovery._resume_streams)


def test_a_bare_record_says_what_the_one_in_its_place_would_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """Side by side with aiokafka's own code, taken afresh: an engine in this process may have put ours in its place."""
    assert "consumer_record = self._consumer_record(tp, record)" in inspect.getsource(
        fetcher.PartitionRecords._unpack_records
    )
    spec = find_spec("aiokafka.consumer.fetcher")
    assert spec is not None
    assert spec.loader is not None
    afresh = module_from_spec(spec)
    spec.loader.exec_module(afresh)
    batch = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 10_000)
    for offset, (key, value, headers) in enumerate(
        [(b"k", b"v", []), (None, b"v", [("h", b"x"), ("h", None)]), (b"", None, [])]
    ):
        assert batch.append(offset, 1_700_000_000_000 + offset, key, value, headers)
    packed, tp = bytes(batch.build()), aiokafka.TopicPartition("t", 3)

    def read(method: Any) -> list[Any]:
        monkeypatch.setattr(fetcher.PartitionRecords, "_consumer_record", method)
        of: tuple[Any, ...] = (tp, MemoryRecords(packed), [], 0, None, None, True, 1)
        return [(r.offset, r.timestamp, r.key, r.value, tuple(r.headers)) for r in fetcher.PartitionRecords(*of)]

    ours = read(records.bare)
    assert ours == read(afresh.PartitionRecords._consumer_record)
    assert [offset for offset, *_ in ours] == [0, 1, 2]


def test_isolation_and_fetch_wait_are_read_when_the_consumer_starts() -> None:
    source = inspect.getsource(aiokafka.AIOKafkaConsumer.start)

    assert "isolation_level=self._isolation_level" in source
    assert "fetch_max_wait_ms=self._fetch_max_wait_ms" in source


def test_faust_reads_uncommitted_unless_exactly_once() -> None:
    source = inspect.getsource(driver.AIOKafkaConsumerThread._create_worker_consumer)

    assert 'isolation_level: str = "read_uncommitted"' in source
    assert "fetch_max_wait_ms=1500" in source


def test_faust_would_acknowledge_what_an_agent_failed_on() -> None:
    assert "await self.commit()" in inspect.getsource(BaseConsumer.on_task_error)


def test_faust_resumes_before_it_seeks() -> None:
    """The stock recovery's order, which loses records: the takeover stands in its place."""
    source = inspect.getsource(Recovery._resume_streams)

    assert source.index("consumer.resume_partitions(") < source.index("consumer.perform_seek()")
    ours = inspect.getsource(takeover.Takeover._take)
    assert ours.index("stop_flow()") < ours.index("perform_seek()") < ours.index("resume_partitions(")


def test_tumbling_windows_are_aligned_to_utc_and_end_a_tenth_early() -> None:
    """So days are numbered and given as day × 86 400, and no window end is ever used."""
    window = TumblingWindow(86_400)

    assert list(window.ranges(10 * 86_400 + 5.0)) == [(10 * 86_400.0, 11 * 86_400.0 - 0.1)]


def test_windowed_keys_come_back_from_json_as_tuples() -> None:
    assert Collection._to_key(cast("Any", None), ["340", [864000.0, 950399.9]]) == ("340", (864000.0, 950399.9))


def test_a_byte_typed_table_is_kept_raw() -> None:
    async def serializers() -> tuple[str, str]:
        table: Any = faust.App("facts", broker="kafka://127.0.0.1:1", store="memory://").Table(
            "t", key_type=bytes, value_type=bytes
        )
        return table.key_serializer, table.value_serializer

    assert asyncio.run(serializers()) == ("raw", "raw")


def test_the_partitioner_is_kafkas() -> None:
    """Vectors of Apache Kafka's own Utils.murmur2 test."""
    assert murmur2(b"21") & 0xFFFFFFFF == (-973932308) & 0xFFFFFFFF
    assert murmur2(b"foobar") & 0xFFFFFFFF == (-790332482) & 0xFFFFFFFF
    assert partition_of(b"foobar", 4) == ((-790332482) & 0x7FFFFFFF) % 4


def test_fetched_records_moves_positions_over_markers_without_a_record() -> None:
    source = inspect.getsource(Fetcher.fetched_records)

    assert "if not records:\n                        continue" in source


def test_fetched_records_leaves_what_is_not_asked_for_where_it_is() -> None:
    """And takes no partition at all for every partition: `Alignment.due` never returns none."""
    source = inspect.getsource(Fetcher.fetched_records)
    assert "if partitions and tp not in partitions:" in source
    assert source.index("if partitions and tp not in partitions:") < source.index("res_or_error.getall(max_records)")


def test_a_position_out_of_range_is_an_error_only_where_no_reset_is_asked_for() -> None:
    """With a reset, the position jumps without a word, and a stretch that is gone looks like an empty one."""
    source = inspect.getsource(Fetcher._proc_fetch_request)

    assert "if self._default_reset_strategy != OffsetResetStrategy.NONE:" in source
    assert "Errors.OffsetOutOfRangeError({tp: fetch_offset})" in source
    assert OffsetResetStrategy.from_str("none") == OffsetResetStrategy.NONE
    assert faust.App("facts", broker="kafka://127.0.0.1:1", consumer_auto_offset_reset="none")


def test_a_transactional_producer_asks_again_until_it_is_answered() -> None:
    """So no batch of an attempt is still on its way when its abort returns, and time-outs are ours to set."""
    assert "return error.retriable" in inspect.getsource(sender.SendProduceReqHandler._can_retry)
    assert "self._sender._txn_manager is None and batch.expired()" in inspect.getsource(
        sender.SendProduceReqHandler._can_retry
    )
    commit = inspect.getsource(sender.Sender._do_txn_commit)
    assert commit.index("flush_for_commit()") < commit.index("EndTxnHandler(")


def test_a_commit_fails_only_for_good() -> None:
    """Answers that may pass are asked for again inside; what comes out is fencing, or nobody knows what."""
    source = inspect.getsource(sender.EndTxnHandler.handle_response)

    for error in ("CoordinatorNotAvailableError", "NotCoordinatorError", "CoordinatorLoadInProgressError"):
        assert error in source
    assert "raise ProducerFenced()" in source
    for error in (ProducerFenced, InvalidTxnState, KafkaError):
        assert not error.retriable


def test_the_wait_for_the_markers_of_the_transaction_before_is_ours_to_set() -> None:
    """It is read when a transaction is turned away with nothing in it yet; `streams.engine.aiokafka_log` sets it."""
    source = inspect.getsource(sender.AddPartitionsToTxnHandler.handle_response)

    assert "if not txn_manager.txn_partitions:\n                        return BACKOFF_OVERRIDE" in source
    assert sender.BACKOFF_OVERRIDE == kafka.MARKERS_S


def test_the_loop_is_that_which_is_asked_for_and_the_consumer_threads_that_which_it_is_given() -> None:
    assert LOOPS["uvloop"] == "mode.loop.uvloop"
    assert "thread_loop or asyncio.new_event_loop()" in inspect.getsource(ServiceThread.__init__)


def test_init_transactions_waits_until_the_predecessors_transaction_has_ended() -> None:
    source = inspect.getsource(sender.InitPIDHandler.handle_response)

    assert "ConcurrentTransactions" in source
    assert "return self._default_backoff" in source


def test_faust_takes_a_group_commit_that_failed_for_done() -> None:
    """So what the group was told is remembered by ourselves."""
    source = inspect.getsource(BaseConsumer._commit_offsets)

    assert "self._committed_offset.update(committable_offsets)" in source
    assert "if did_commit:\n            self._committed_offset" not in source
    assert "for tp in self._acked" in inspect.getsource(BaseConsumer._filter_tps_with_pending_acks)


def test_faust_looks_for_what_stands_still_by_the_logs_end_and_by_commits_of_its_own() -> None:
    """Both err here: an open transaction holds a log's end, and `_commit` is ours. So its look is ours as well."""
    look = inspect.getsource(driver.AIOKafkaConsumerThread.verify_event_path)

    assert "if highwater > committed_offset:" in look
    assert "last_commit = self.tp_last_committed_at.get(tp)" in look
    assert "tp_last_committed_at" in inspect.getsource(driver.AIOKafkaConsumerThread._commit)
    detector = inspect.getsource(consumer)
    assert "if not self.app.rebalancing:\n                await self.verify_all_partitions_active()" in detector
    assert detector.count(".verify_event_path(") == 1


def test_an_agents_exception_is_told_before_anything_else_happens() -> None:
    source = inspect.getsource(Agent._execute_actor)

    assert source.index("await self._on_error(self, exc)") < source.index(
        "await aref.crash(exc)\n            self.supervisor"
    )


def test_a_rebalance_tells_its_generation_before_it_assigns() -> None:
    source = inspect.getsource(driver.ConsumerRebalanceListener.on_partitions_assigned)

    assert source.index("consumer_generation_id = generation") < source.index("_thread.on_partitions_assigned(")


def test_a_seek_forgets_what_was_fetched_ahead_and_errors_too() -> None:
    assert "del self._records[tp]" in inspect.getsource(Fetcher.seek_to)


def test_end_offsets_are_those_of_the_isolation_level() -> None:
    assert "OffsetRequest(-1, self._isolation_level" in inspect.getsource(Fetcher._proc_offset_request)


def test_group_offsets_come_with_their_metadata() -> None:
    assert OffsetAndMetadata._fields == ("offset", "metadata")
    assert "OffsetAndMetadata" in inspect.getsource(AIOKafkaAdminClient.list_consumer_group_offsets)


def test_kafka_python_takes_batches_apart_in_one_place() -> None:
    """`portal check` notes the heads of batches there (streams/doctor/portal_check.py)."""
    from kafka.consumer.fetcher import Fetcher
    from kafka.record import MemoryRecords
    from kafka.record.memory_records import MemoryRecordsBuilder

    assert "self.PartitionRecords(" in inspect.getsource(Fetcher._parse_fetched_data)
    assert list(inspect.signature(Fetcher.PartitionRecords._unpack_records).parameters)[:3] == ["self", "tp", "records"]
    builder = MemoryRecordsBuilder(magic=2, compression_type=1, batch_size=10_000)
    builder.append(1, b"k", b"v" * 1_000, [])  # what compression would make longer stays as it is
    builder.close()
    (batch,) = MemoryRecords(MemoryRecords(builder.buffer())._buffer)
    assert (batch.magic, batch.compression_type, batch.records_count, batch.base_offset) == (2, 1, 1, 0)
    assert (batch.has_producer_id(), batch.is_transactional, batch.is_control_batch) == (False, False, False)
