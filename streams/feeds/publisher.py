"""Publishes events to the inbound topics: whole record batches, acknowledged, in the order given per dossier."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final, Self

from aiokafka import AIOKafkaProducer

from models.dossiers.events import TOPIC_OF
from streams.broker.connection import bootstrap, client_options
from streams.broker.unreachable import started
from streams.settings import Settings

BATCH_BYTES: Final = 256_000
IN_FLIGHT: Final = 4
"""record batches per partition that may be unacknowledged; the producer is idempotent, so order holds"""


class Publisher:
    """Packs events into record batches per topic and partition; `flush` returns when all are acknowledged."""

    def __init__(self, settings: Settings) -> None:
        """Connect to nothing yet."""
        self._settings = settings
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap(settings),
            **client_options(settings),
            acks="all",
            enable_idempotence=True,
            max_batch_size=BATCH_BYTES,
        )
        self._open: dict[tuple[str, int], Any] = {}
        self._sent: list[asyncio.Future[Any]] = []
        self.published = 0

    async def __aenter__(self) -> Self:
        """Connect."""
        await started(self._producer, settings=self._settings)
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Disconnect; what was not flushed is dropped."""
        await self._producer.stop()

    async def publish(self, kind: str, dossier: str, value: bytes, headers: Mapping[str, bytes] | None = None) -> None:
        """Take one event into its batch."""
        key = dossier.encode()
        tp = (self._settings.topic(TOPIC_OF[kind]), self._settings.inbound_partition(key))
        extra = [] if headers is None else list(headers.items())
        batch = self._open.get(tp)
        if batch is None:
            batch = self._open[tp] = self._producer.create_batch()
        if batch.append(key=key, value=value, timestamp=None, headers=extra) is None:
            await self._send(tp)
            batch = self._open[tp] = self._producer.create_batch()
            batch.append(key=key, value=value, timestamp=None, headers=extra)
        self.published += 1

    async def _send(self, tp: tuple[str, int]) -> None:
        batch = self._open.pop(tp)
        batch.close()
        self._sent.append(await self._producer.send_batch(batch, tp[0], partition=tp[1]))
        if len(self._sent) >= IN_FLIGHT * self._settings.partitions:
            await asyncio.gather(*self._sent)
            self._sent.clear()

    async def flush(self) -> None:
        """Send what is open and wait until every event published so far has been acknowledged."""
        for tp in list(self._open):
            await self._send(tp)
        await asyncio.gather(*self._sent)
        self._sent.clear()
