"""A paced replay: events in their order at a multiple of their own time, and the clock as tick records.

A tick is written at the end of each civil day, when everything before it has been acknowledged; the system then lives
through the year as it was, only faster.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta

from models.calendar import end_of, moment_of
from models.events import Event, decode
from streams.feeds.publisher import Publisher
from streams.ticks import Ticker


class Pace:
    """When an event of a given time is due: at once up to `slow_from`, then at `speed` seconds per second."""

    def __init__(self, speed: float | None, slow_from: date | None = None) -> None:
        """Without a speed, nothing waits."""
        self._speed = speed
        self._slow_from = None if slow_from is None else slow_from.isoformat()
        self._origin: tuple[float, datetime] | None = None

    def delay(self, at: str) -> float:
        """Return the seconds to wait now until the instant `at` is due."""
        if not self._speed or (self._slow_from is not None and at[:10] < self._slow_from):
            return 0.0
        moment = moment_of(at)
        if self._origin is None:
            self._origin = (time.monotonic(), moment)
        began, first = self._origin
        return began + (moment - first).total_seconds() / self._speed - time.monotonic()


async def replay(
    publisher: Publisher,
    ticker: Ticker,
    events: Iterable[bytes],
    pace: Pace,
    *,
    until: date,
    on_day: Callable[[str, int], None] | None = None,
) -> None:
    """Publish events (bytes, in order of arrival) with a tick at the end of each of their days, up to `until`."""
    clock, day = "", None
    for value in events:
        event = decode(value)
        if not isinstance(event, Event):
            continue
        at = event.stamp.split("\t", 2)[1]
        if at > clock:
            clock = at
            today = min(date.fromisoformat(at[:10]), until + timedelta(days=1))
            if day is None:
                day = today
            while day < today:
                await _end(publisher, ticker, day, pace, on_day)
                day += timedelta(days=1)
            wait = pace.delay(at)
            if wait > 0.02:
                await publisher.flush()
                await asyncio.sleep(wait)
        await publisher.publish(event.type, event.dossier, value)
    if day is None:
        day = until
    while day <= until:
        await _end(publisher, ticker, day, pace, on_day)
        day += timedelta(days=1)


async def _end(
    publisher: Publisher, ticker: Ticker, day: date, pace: Pace, on_day: Callable[[str, int], None] | None
) -> None:
    at = end_of(day)
    wait = pace.delay(at)
    await publisher.flush()
    if wait > 0:
        await asyncio.sleep(wait)
    await ticker.tick(at)
    if on_day is not None:
        on_day(day.isoformat(), publisher.published)
