"""The clock as records: who writes ticks, and what they carry.

A tick says up to where the inbound topics had come when it was written. tally lets it pass once all that has been
counted, so that no evaluation ever looks at half of what had arrived.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from models.calendar.civil_time import utc_ms
from streams.broker import formats, topics
from streams.broker.connection import bootstrap, client_options
from streams.broker.unreachable import started
from streams.records.messages import Tick, dumps
from streams.settings import Settings

log = logging.getLogger("lotrinh.ticks")


class Ticker:
    """Writes ticks; harmless when several do."""

    def __init__(self, settings: Settings) -> None:
        """Connect to nothing yet."""
        self._settings = settings
        options = {"bootstrap_servers": bootstrap(settings), **client_options(settings)}
        self._consumer = AIOKafkaConsumer(**options, isolation_level="read_committed")
        self._producer = AIOKafkaProducer(**options, acks="all", enable_idempotence=True)

    async def __aenter__(self) -> Self:
        """Connect."""
        await started(self._consumer, self._producer, settings=self._settings)
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Disconnect."""
        await self._producer.stop()
        await self._consumer.stop()

    async def cuts(self, partitions: Iterable[int]) -> Mapping[int, dict[str, int]]:
        """Return partition → inbound topic (without prefix) → where its log ends now."""
        names = {self._settings.topic(name): name for name in topics.INBOUND}
        tps = [TopicPartition(topic, p) for p in partitions for topic in names]
        ends = await self._consumer.end_offsets(tps)
        cuts: dict[int, dict[str, int]] = {}
        for tp, end in ends.items():
            cuts.setdefault(tp.partition, {})[names[tp.topic]] = end
        return cuts

    async def tick(self, at: str | None, flush: str | None = None, partitions: Iterable[int] | None = None) -> None:
        """Write one tick to each partition, and return when all are acknowledged."""
        chosen = list(range(self._settings.partitions) if partitions is None else partitions)
        cuts = await self.cuts(chosen)
        topic = self._settings.topic(topics.TICKS)
        stamped, sent = formats.stamped(topics.TICKS), list[Any]()
        for partition in chosen:
            tick: Tick = {"at": at, "flush": flush, "upto": cuts[partition]}
            sent.append(await self._producer.send(topic, dumps(tick), partition=partition, headers=stamped))
        await asyncio.gather(*sent)


def wall_instant(seconds: float, step: float) -> str:
    """Return a Unix time as an instant, brought down to a whole step: every ticker then says the same."""
    return utc_ms(int(seconds // step * step) * 1000)


def until_next(seconds: float, step: float) -> float:
    """Return how long to wait for the next whole step. Why not a step: pauses that add up would pass one over.

    >>> until_next(7_199.75, 3_600), until_next(7_200.0, 3_600)
    (0.25, 3600.0)
    """
    return step - seconds % step


async def tick_by_the_wall(settings: Settings) -> None:
    """Write a tick at once and then on each whole step of `tick_seconds`, until cancelled.

    A broker that is away is tried again.
    """
    while True:
        try:
            async with Ticker(settings) as ticker:
                while True:
                    await ticker.tick(wall_instant(time.time(), max(1.0, settings.tick_seconds)))
                    await asyncio.sleep(until_next(time.time(), settings.tick_seconds))
        except (KafkaError, OSError) as exc:
            log.warning("no tick: %r; trying again", exc)
            await asyncio.sleep(5)
