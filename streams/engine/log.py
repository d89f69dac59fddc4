"""What the protocol needs of Kafka: a fenced appender per partition, a reader up to a position, what the group knows.

The owner and the takeover speak to these interfaces alone. `aiokafka_log.py` implements them with aiokafka; the
simulator of `tests/engine` implements them in memory and lets everything go wrong between any two calls.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from aiokafka.partitioner import murmur2
from faust.types import TP

Row = tuple[bytes | None, bytes | None] | tuple[bytes | None, bytes | None, tuple[tuple[str, bytes], ...]]
"""key, value, and headers where there are any"""
Rows = Mapping[tuple[str, int], Sequence[Row]]
"""(topic, partition) → what is appended to it"""


class Passing(Exception):  # noqa: N818 - it is no failure yet
    """A transaction could not be begun or filled, its outcome is certain (not committed), and it may be tried again."""


class Broken(Exception):  # noqa: N818 - whether it is the end is for its owner to find out
    """An appender is of no use any more: it was shut out, or the outcome of what it did last is unknown."""


class Bounds(NamedTuple):
    """Where a partition's log begins and ends: the first offset, and that after the last committed one."""

    first: int
    last: int


class Appender(Protocol):
    """The only way a source partition's owner writes; at most one process at a time has one that works."""

    async def fence(self) -> None:
        """Shut out every earlier appender of the same name and end what it left open: aborted, or committed if asked.

        When it returns, no record of an earlier one can appear any more.
        """

    async def clear(self, tps: Collection[TP]) -> None:
        """Abort a transaction that touches every partition an earlier one may have touched.

        A broker may forget to mark the end of an aborted transaction in some logs (Kafka 4.3.0, where a partition is
        without a leader just then). What it left there would become visible with the appender's next commit.
        """

    async def partitions(self, topic: str) -> int:
        """Return how many partitions a topic has."""

    async def gone(self, topics: Collection[str]) -> list[str]:
        """Return those of some topics that the broker does not know; none where it does not answer."""

    async def begin(self) -> None:
        """Begin a transaction."""

    async def send(self, rows: Rows) -> Mapping[TP, int]:
        """Append within the transaction; returns, per partition, the offset after the last record acknowledged.

        Raises Passing where the transaction is to be aborted and may be tried again, Broken where it cannot be.
        """

    async def commit(self) -> None:
        """Make everything visible at once. Raises Broken; the outcome is then unknown: never to be tried again."""

    async def abort(self) -> None:
        """End the transaction without a trace; when it returns, nothing of it can become visible any more.

        Raises Broken.
        """

    async def stop(self) -> None:
        """Disconnect."""


class Reader(Protocol):
    """Reads committed records of given partitions."""

    async def bounds(self, tps: Collection[TP]) -> Mapping[TP, Bounds]:
        """Return where logs begin and end."""

    async def written(self, tps: Collection[TP]) -> Mapping[TP, int]:
        """Return where logs end, transactions that are open still included."""

    def read(self, since: Mapping[TP, int], upto: Mapping[TP, int]) -> AsyncIterator[tuple[TP, Sequence[Any]]]:
        """Yield every committed record from one position to another; by position, for markers are never delivered."""


class Log(Protocol):
    """Kafka, as far as the protocol knows it."""

    def appender(self, name: str) -> Appender:
        """Return an appender that has not fenced yet."""

    def reader(self) -> AbstractAsyncContextManager[Reader]:
        """Connect a reader."""

    async def witnessed(self, tps: Collection[TP]) -> Mapping[TP, int]:
        """Return how far the group has been told that the state has come (`WITNESS`).

        The group's positions decide nothing; but a state that is behind them has lost what it once had.
        """


WITNESS = "state"
"""metadata of the group's positions as this engine commits them; a position moved by hand has another or none"""


@lru_cache(maxsize=65_536)
def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition Kafka's default partitioner gives a key."""
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)
