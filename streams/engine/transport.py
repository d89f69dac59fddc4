"""One Faust message per fetch.

Faust's plumbing (thread, queues, streams, acknowledgements) is paid per message; here a message is all that one fetch
brought from one partition, `[start, position)` by the consumer's own positions. Markers and aborted records move a
position without a record, and are said too: then positions are contiguous, and a hole is a hole.
"""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import faust
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

if TYPE_CHECKING:
    from streams.engine.owner import Owner


class Fetch:
    """What one fetch brought from one partition: every record of `[start, position)`, read committed."""

    __slots__ = ("at", "owner", "partition", "position", "records", "start", "topic")

    def __init__(self, tp: TP, records: Sequence[Any], start: int, position: int) -> None:
        """Hold the records with the stretch of the log that they are."""
        self.topic: str = tp.topic
        self.partition: int = tp.partition
        self.records = records
        self.start = start
        self.position = position
        self.owner: Owner
        """set by `Engine.fetches`"""
        self.at = 0.0
        """the time that windowed tables give a write; the agent sets it"""


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread, reading committed records and handing over whole fetches."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # Faust reads committed records under `exactly_once` only; aiokafka looks at both when it starts.
        consumer._isolation_level = "read_committed"  # noqa: SLF001
        # One request per node is in flight: an idle partition's long poll would delay the others by Faust's 1 500 ms.
        consumer._fetch_max_wait_ms = 50  # noqa: SLF001
        return consumer

    async def _fetch_records(self, consumer: Any, *args: Any, **kwargs: Any) -> Mapping[TP, Sequence[Fetch]]:
        subscription = consumer._subscription.subscription  # noqa: SLF001
        assignment = subscription and subscription.assignment
        if not assignment:
            await super()._fetch_records(consumer, *args, **kwargs)
            return {}
        states = dict(assignment._tp_state)  # noqa: SLF001
        starts = {tp: state._position for tp, state in states.items()}  # noqa: SLF001
        fetched = await super()._fetch_records(consumer, *args, **kwargs)
        current = consumer._subscription.subscription  # noqa: SLF001
        if current is None or current.assignment is not assignment:
            return {}  # a rebalance came between; the takeover seeks
        batches = {}
        for tp, state in states.items():
            start, position = starts[tp], state._position  # noqa: SLF001
            if start is not None and position is not None and position > start:
                key = TP(tp.topic, tp.partition)
                batches[key] = [Fetch(key, fetched.get(tp, ()), start, position)]
        return batches


class Unfiltered(dict[TP, Any]):
    """Faust's "already read" filter, switched off: contiguity is checked against the state instead."""

    def __getitem__(self, key: TP) -> None:
        """Say that nothing has been read."""
        return

    def __setitem__(self, key: TP, value: Any) -> None:
        """Remember nothing."""


class Consumer(driver.Consumer):
    """Faust's consumer, whose messages are fetches and whose positions are those of the state."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Switch the filter off."""
        super().__init__(*args, **kwargs)
        self._read_offset = Unfiltered()

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def _to_message(self, tp: Any, record: Any) -> Any:
        return ConsumerMessage(
            tp.topic, tp.partition, record.start, time.time(), 0, (), None, record, None, 0, 0,
            TP(tp.topic, tp.partition), generation_id=self.app.consumer_generation_id,
        )  # fmt: skip

    async def _add_gap(self, tp: Any, offset_from: int, offset_to: int) -> None:
        """Positions are carried; there are no gaps to remember."""

    def _new_offset(self, tp: Any) -> int | None:
        """Commit for the group what the state has committed: for lag tools, never read back."""
        self._acked[tp].clear()
        self._acked_index[tp].clear()
        committed: int | None = self.app.tables.committed.get(tp)
        return committed

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek to the positions of the state; the group's commit decides nothing."""
        positions: Mapping[TP, int] = self.app.tables.positions()
        await self.seek_wait(positions)
        return positions


class Transport(driver.Transport):
    """Faust's Kafka transport with the consumer above."""

    Consumer = Consumer


class Raw(faust.Schema):
    """Hands a fetch to the agent untouched."""

    def loads_key(self, app: Any, message: Any, *, loads: Any = None, serializer: Any = None) -> Any:  # noqa: ARG002
        """Return the key as it is."""
        return message.key

    def loads_value(self, app: Any, message: Any, *, loads: Any = None, serializer: Any = None) -> Any:  # noqa: ARG002
        """Return the value, which is a Fetch, as it is."""
        return message.value
