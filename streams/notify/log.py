"""The topic `deliveries`: the rows of an `Outbox`, compacted, written by one process at a time.

Each change is one transaction, so that a position never runs ahead of what it stands for. The transactional id is the
same for every notifier of a deployment: one that starts fences the one before, whose next change fails.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Final, Self

import orjson
from aiokafka import AIOKafkaProducer

from models.notification.outbox import Outbox
from streams.broker import formats, topics
from streams.broker.connection import bootstrap, client_options
from streams.broker.reading import records_of
from streams.errors import BadInput
from streams.settings import Settings

log = logging.getLogger("lotrinh.notify")

NAME: Final = "notify"
LOCK: Final = "restore"
"""key of the row that says whether a restoration is complete; none: there never was one"""


def restore(settings: Settings, outbox: Outbox) -> int:
    """Restore an outbox from the topic's rows, whoever writes them; returns how many there are.

    Raises BadInput while a backup is being restored.
    """
    latest: dict[bytes, bytes | None] = {}
    for record in records_of(settings, topics.DELIVERIES):
        latest[record.key] = record.value
    lock = latest.pop(LOCK.encode(), None)
    if lock is not None and not orjson.loads(lock)["complete"]:
        raise BadInput(
            "a backup is being restored, and nobody is told of anything before it is in place; start again then"
        )
    for key, value in sorted(latest.items()):  # an alert's row comes before what mailboxes were told of it
        if value is not None:
            outbox.restore(key.decode(), orjson.loads(value))
    return len(latest)


class DeliveryLog:
    """Reads the rows at the start, and writes those that change."""

    def __init__(self, settings: Settings) -> None:
        """Connect to nothing yet."""
        self._settings = settings
        self._topic = settings.topic(topics.DELIVERIES)
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap(settings),
            transactional_id=settings.topic(NAME),
            transaction_timeout_ms=int(settings.transaction_timeout_s * 1000),
            acks="all",
            **client_options(settings),
        )

    async def __aenter__(self) -> Self:
        """Connect, ending any transaction of a predecessor and fencing it."""
        await self._producer.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Disconnect."""
        await self._producer.stop()

    async def load(self, outbox: Outbox) -> int:
        """Restore an outbox from all rows; returns how many there are."""
        return await asyncio.to_thread(restore, self._settings, outbox)

    async def keep(self, rows: Mapping[str, Mapping[str, Any]]) -> None:
        """Write changed rows, all or none. Raises ProducerFenced where another notifier has taken over."""
        if not rows:
            return
        stamped = formats.stamped(topics.DELIVERIES)
        async with self._producer.transaction():
            sent = [
                await self._producer.send(self._topic, orjson.dumps(row), key=key.encode(), headers=stamped)
                for key, row in rows.items()
            ]
            await asyncio.gather(*sent)
