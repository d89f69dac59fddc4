"""What Redis says of itself, for the doctor."""

import asyncio
import time
from typing import NamedTuple

from redis.exceptions import RedisError

from streams.board.store import BoardStore, connect, known_boards, why
from streams.doctor.redis_reason import why_refused
from streams.settings import Settings


class RedisFacts(NamedTuple):
    """What the wall relies on."""

    version: str
    policy: str
    """The policy of eviction (`maxmemory-policy`)."""
    used_bytes: int
    limit_bytes: int
    """0: none"""
    ahead_s: float
    """Seconds by which the clock of Redis is ahead of ours."""


async def probe(settings: Settings) -> RedisFacts | str:
    """Return the facts, or why there are none. Raises BadInput where the address is none.

    What the wall reads is read once, so that a right of its user that is missing is met here.
    """
    client = connect(settings)
    board = BoardStore(client, settings.prefix, settings.decision)
    try:
        await client.ping()
        await known_boards(client, settings.prefix)
        await board.look()
        info = await client.info()
        began = time.time()
        seconds, micros = await client.time()
        now = (began + time.time()) / 2
    except (RedisError, OSError, TimeoutError) as exc:
        told = await asyncio.to_thread(why_refused, settings)
        return why(exc) if told is None else f"it {told}"
    finally:
        await client.aclose()
    return RedisFacts(
        str(info.get("valkey_version") or info.get("redis_version")),
        str(info.get("maxmemory_policy")),
        int(info.get("used_memory", 0)),
        int(info.get("maxmemory", 0)),
        seconds + micros / 1e6 - now,
    )
