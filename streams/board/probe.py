"""What Redis says of itself, for the doctor."""

import time
from typing import NamedTuple

from redis.exceptions import RedisError

from streams.board.store import connect
from streams.settings import Settings


class RedisFacts(NamedTuple):
    """What the wall relies on."""

    version: str
    policy: str
    """of eviction"""
    used_bytes: int
    limit_bytes: int
    """0: none"""
    ahead_s: float
    """its clock against ours"""


async def probe(settings: Settings) -> RedisFacts | str:
    """Return the facts, or in one word why there are none. Raises BadInput where the address is none."""
    client = connect(settings)
    try:
        info = await client.info()
        began = time.time()
        seconds, micros = await client.time()
        now = (began + time.time()) / 2
    except (RedisError, OSError, TimeoutError) as exc:
        return type(exc).__name__
    finally:
        await client.aclose()
    return RedisFacts(
        str(info.get("valkey_version") or info.get("redis_version")),
        str(info.get("maxmemory_policy")),
        int(info.get("used_memory", 0)),
        int(info.get("maxmemory", 0)),
        seconds + micros / 1e6 - now,
    )
