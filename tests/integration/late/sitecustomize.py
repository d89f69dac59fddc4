"""A coordinator that answers late: on PYTHONPATH of a child, every question about a group waits a second first.

Meanwhile the group is told of positions several times (every 0.25 s): what must not be told yet, then is.
"""

import asyncio
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient

_start = AIOKafkaAdminClient.start


async def _late(self: AIOKafkaAdminClient) -> Any:
    await asyncio.sleep(1)
    return await _start(self)


AIOKafkaAdminClient.start = _late
