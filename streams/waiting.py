"""Waits until all that is in the inbound topics has been counted and judged."""

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from streams import topics
from streams.broker import bootstrap, client_options
from streams.library import BadInput
from streams.reading_kafka import consumer
from streams.settings import Settings
from streams.ticks import Ticker, wall_instant

POLL_S = 0.1


def wait_until_counted(settings: Settings, timeout_s: float, say: Callable[[str], None] | None = None) -> None:
    """Return when everything published before the call shows in `standings` and `alerts`.

    Sends a tick, so that what has been counted is also judged, and follows the groups' positions.
    Raises BadInput when that takes longer than `timeout_s` seconds.
    """
    deadline = time.monotonic() + timeout_s
    asyncio.run(_flush(settings))
    client = topics.admin(bootstrap(settings), client_options(settings))
    reader = consumer(settings)
    try:
        stages = (
            (topics.TALLY, (*topics.INBOUND, topics.TICKS)),
            (topics.WATCH, (topics.TALLIES,)),
        )
        for app, names in stages:
            ends = _ends(reader, settings, names)
            _follow(client, settings.topic(app), ends, deadline, say)
    finally:
        reader.close()
        client.close()


async def _flush(settings: Settings) -> None:
    """Ask for an evaluation of everything published so far; by the wall's clock, or at a replay's own time."""
    at = wall_instant(time.time(), max(1.0, settings.tick_seconds)) if settings.clock == "wall" else None
    async with Ticker(settings) as ticker:
        await ticker.tick(at, flush=secrets.token_hex(8))


def _ends(reader: KafkaConsumer, settings: Settings, names: tuple[str, ...]) -> Mapping[TopicPartition, int]:
    tps = [TopicPartition(settings.topic(name), p) for name in names for p in range(settings.partitions)]
    ends: Mapping[TopicPartition, int] = reader.end_offsets(tps)
    return ends


def _follow(
    client: KafkaAdminClient,
    group: str,
    ends: Mapping[TopicPartition, int],
    deadline: float,
    say: Callable[[str], None] | None,
) -> None:
    while True:
        positions = _positions(client, group)
        behind = sum(max(0, end - _offset(positions.get(tp))) for tp, end in ends.items())
        if behind == 0:
            return
        if time.monotonic() > deadline:
            raise BadInput(f"{group} is still {behind} records behind; is it running?")
        if say is not None:
            say(f"{group}: {behind} records to go")
        time.sleep(POLL_S)


def _positions(client: KafkaAdminClient, group: str) -> Mapping[TopicPartition, object]:
    """Return a group's committed positions; none while the broker has no coordinator for it yet."""
    try:
        found: Mapping[TopicPartition, object] = client.list_group_offsets([group]).get(group, {})
    except KafkaError as exc:
        if not getattr(exc, "retriable", False):
            raise
        return {}
    return found


def _offset(position: object) -> int:
    offset = getattr(position, "offset", position)
    return offset if isinstance(offset, int) and offset > 0 else 0
