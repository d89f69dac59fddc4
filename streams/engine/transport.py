"""One Faust message per fetch.

Faust's plumbing (thread, queues, streams, acknowledgements) is paid per message; here a message is all that one fetch
brought from one partition, `[start, position)` by the consumer's own positions. Markers and aborted records move a
position without a record, and are said too: then positions are contiguous, and a hole is a hole.
"""

import asyncio
import logging
import time
from collections.abc import Iterator, Mapping
from typing import Any

import faust
from aiokafka.errors import IllegalStateError, KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from streams.engine.alignment import Alignment
from streams.engine.headers import tolerate_header_names
from streams.engine.log import WITNESS
from streams.engine.process_exit import die
from streams.engine.records import hand_over_bare_records
from streams.engine.work import Fetch

log = logging.getLogger("lotrinh.engine")


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread, reading committed records and handing over whole fetches."""

    app: Any
    """the Engine, of which Faust's own types know nothing"""
    consumer: "Consumer"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Begin where nothing has been handed over."""
        super().__init__(*args, **kwargs)
        self._alignment = Alignment()

    def _create_worker_consumer(self, transport: Any) -> Any:
        hand_over_bare_records()
        tolerate_header_names()
        consumer = super()._create_worker_consumer(transport)
        # Faust reads committed records under `exactly_once` only; aiokafka looks at both when it starts.
        consumer._isolation_level = "read_committed"  # noqa: SLF001
        # One request per node is in flight: an idle partition's long poll would delay the others by Faust's 1 500 ms.
        consumer._fetch_max_wait_ms = 50  # noqa: SLF001
        return consumer

    async def _fetch_records(
        self,
        consumer: Any,
        active_partitions: set[TP] | None,
        timeout: float | None = None,  # noqa: ASYNC109 - Faust's signature
        max_records: int | None = None,
    ) -> Mapping[TP, list[Any]]:
        subscription = consumer._subscription.subscription  # noqa: SLF001
        assignment = subscription and subscription.assignment
        if not assignment:
            await super()._fetch_records(consumer, active_partitions or set(), timeout, max_records)
            return {}
        states = dict(assignment._tp_state)  # noqa: SLF001
        due = self._due(states, active_partitions)
        starts = {tp: state._position for tp, state in states.items()}  # noqa: SLF001
        try:
            fetched = await super()._fetch_records(consumer, due, timeout, max_records)
        except OffsetOutOfRangeError as exc:
            # aiokafka would begin elsewhere (`consumer_auto_offset_reset`), and that would look like an empty stretch.
            asyncio.run_coroutine_threadsafe(self.app.out_of_range({TP(*tp) for tp in exc.args[0]}), self.app.loop)
            return {}
        except NoOffsetForPartitionError:
            return {}  # a fresh assignment; the takeover seeks
        except KafkaError as exc:  # a corrupt record, a topic that may not be read: Faust's own crash may hang
            self.app.loop.call_soon_threadsafe(die, exc)
            return {}
        finally:
            self._alignment.over(time.monotonic())
        current = consumer._subscription.subscription  # noqa: SLF001
        if current is None or current.assignment is not assignment:
            return {}  # a rebalance came between; the takeover seeks
        batches: dict[TP, list[Any]] = {}
        for tp, state in states.items():
            start, position = starts[tp], state._position  # noqa: SLF001
            if start is not None and position is not None and position > start:
                key = TP(tp.topic, tp.partition)
                records = fetched.get(tp, ())
                batches[key] = [Fetch(key, records, start, position)]
                if records:
                    self._alignment.handed_over(key, records[-1].timestamp)
        return batches

    def _due(self, states: Mapping[TP, Any], active: set[TP] | None) -> set[TP]:
        """Return what is to be read now of what Faust asks for: co-partitioned topics side by side."""
        asked = [*states] if active is None else [tp for tp in active if tp in states]
        if not asked:
            return active or set()
        behind = [
            tp for tp in asked
            if (at := states[tp]._position) is not None and at < (states[tp].lso or 0)  # noqa: SLF001
        ]  # fmt: skip
        return self._alignment.due(asked, behind, time.monotonic())

    def fetched_to(self) -> Mapping[TP, int]:
        """Return up to where each partition has been handed over."""
        subscription = self._consumer and self._consumer._subscription.subscription  # noqa: SLF001
        if not subscription or not subscription.assignment:
            return {}
        states = dict(subscription.assignment._tp_state)  # noqa: SLF001
        return {TP(*tp): state._position for tp, state in states.items() if state._position is not None}  # noqa: SLF001

    def stable_ends(self) -> Mapping[TP, int]:
        """Return up to where each partition may be read, by its last fetch: its last stable offset."""
        subscription = self._consumer and self._consumer._subscription.subscription  # noqa: SLF001
        if not subscription or not subscription.assignment:
            return {}
        states = dict(subscription.assignment._tp_state)  # noqa: SLF001
        return {TP(*tp): state.lso for tp, state in states.items() if state.lso is not None}

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """Tell the group how far the state has come. Where that fails it is told again: `Consumer._should_commit`."""
        mine = self.assignment()
        told = {tp: offset for tp, offset in offsets.items() if tp in mine}
        try:
            await self._ensure_consumer().commit(
                {TopicPartition(*tp): OffsetAndMetadata(offset, WITNESS) for tp, offset in told.items()}
            )
        except (KafkaError, IllegalStateError) as exc:
            log.info("the group could not be told of positions: %r", exc)
            return False
        self.consumer.told.update(told)
        return True


class Unfiltered(dict[TP, Any]):
    """Faust's "already read" filter, switched off: contiguity is checked against the state instead."""

    def __getitem__(self, key: TP) -> None:
        """Say that nothing has been read."""
        return

    def __setitem__(self, key: TP, value: Any) -> None:
        """Remember nothing."""


class Consumer(driver.Consumer):
    """Faust's consumer, whose messages are fetches and whose positions are those of the state."""

    app: Any
    """the Engine, of which Faust's own types know nothing"""
    _thread: ConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Switch the filter off."""
        super().__init__(*args, **kwargs)
        self._read_offset = Unfiltered()
        self.told: dict[TP, int] = {}
        """what the group was last told by this process"""

    def _new_consumer_thread(self) -> ConsumerThread:
        # A loop in Python: the thread may still be at work when the interpreter ends, and within libuv that may be
        # a crash: seen once, of a worker that was told to stop while it started.
        return ConsumerThread(self, loop=self.loop, thread_loop=asyncio.SelectorEventLoop(), beacon=self.beacon)

    def _to_message(self, tp: Any, record: Any) -> Any:
        return ConsumerMessage(
            tp.topic, tp.partition, record.start, time.time(), 0, [], None, record, None, 0, 0,
            TP(tp.topic, tp.partition), generation_id=self.app.consumer_generation_id,
        )  # fmt: skip

    async def _add_gap(self, tp: Any, offset_from: int, offset_to: int) -> None:
        """Positions are carried; there are no gaps to remember."""

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        """Look at every owned partition: acknowledgements of messages decide nothing."""
        self._acked.clear()
        self._acked_index.clear()
        mine = self.assignment()
        named = [tp for tp in self.app.committed if not topics or tp in topics or tp.topic in topics]
        return iter([tp for tp in named if tp in mine])

    def _new_offset(self, tp: Any) -> int | None:
        """Commit for the group what the state has committed: for lag tools, and as a witness of the state."""
        committed: int | None = self.app.committed.get(tp)
        return committed

    def _should_commit(self, tp: TP, offset: int) -> bool:
        """Tell the group until it has been told; Faust takes a commit that failed for done."""
        return self.told.get(tp) != offset

    async def verify_all_partitions_active(self) -> None:
        """Look whether a partition stands still; called by Faust's detector while no rebalance is under way."""
        self.app.standstill.look(self.app.committed, self._thread.stable_ends(), time.monotonic())

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Forget what the group was told and would be told: another worker may tell it now, and tell it more."""
        self._forget(revoked)
        await super().on_partitions_revoked(revoked)
        self._forget(revoked)  # also what was committed while letting go
        self.told.clear()

    def _forget(self, tps: set[TP]) -> None:
        for tp in tps:
            self.app.committed.pop(tp, None)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek to the positions of the state; the group's commit decides nothing."""
        positions: Mapping[TP, int] = self.app.holdings.positions()
        await self.seek_wait(positions)
        return positions


class Transport(driver.Transport):
    """Faust's Kafka transport with the consumer above."""

    Consumer = Consumer


class Raw(faust.Schema):  # type: ignore[type-arg]  # generic for mypy, and for Python not
    """Hands a fetch to the agent untouched."""

    def loads_key(self, app: Any, message: Any, *, loads: Any = None, serializer: Any = None) -> Any:  # noqa: ARG002
        """Return the key as it is."""
        return message.key

    def loads_value(self, app: Any, message: Any, *, loads: Any = None, serializer: Any = None) -> Any:  # noqa: ARG002
        """Return the value, which is a Fetch, as it is."""
        return message.value
