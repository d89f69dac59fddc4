"""Brings tasks to their end, also those in which a library has swallowed the cancellation."""

import asyncio
import logging
from collections.abc import Collection
from typing import Any, Final

log = logging.getLogger("lotrinh.board.tasks")

PATIENCE_S: Final = 2.0
ATTEMPTS: Final = 3


async def end(tasks: Collection["asyncio.Future[Any]"]) -> None:
    """Cancel tasks until they have ended; give up with a warning, for a process must come to its end.

    Once is not enough: on Python 3.11 `asyncio.wait_for`, which the Kafka client uses, loses a cancellation that
    coincides with its result, and a loop that was to end goes on.
    """
    waiting = {task for task in tasks if not task.done()}
    for _ in range(ATTEMPTS):
        if not waiting:
            break
        for task in waiting:
            task.cancel()
        _, waiting = await asyncio.wait(waiting, timeout=PATIENCE_S)
    if waiting:
        log.warning("%s tasks did not end", len(waiting))
    for task in tasks:
        if task.done() and not task.cancelled():
            task.exception()  # it has been told elsewhere, or came of the end itself
