"""A paced replay: events in their order at a multiple of their own time, and the clock as tick records.

A tick is written at the end of each civil day, when everything before it has been acknowledged; the system then lives
through the year as it was, only faster.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from models.calendar.civil_time import end_of, moment_of
from models.dossiers.events import Event, decode
from streams.broker.ticks import Ticker
from streams.feeds.publisher import Publisher

ONE_DAY: Final = timedelta(days=1)


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


@dataclass
class Replay:
    """Publishes events in their order and writes the clock between them."""

    publisher: Publisher
    ticker: Ticker
    pace: Pace
    on_day: Callable[[str, int], None] = lambda day, published: None  # noqa: ARG005
    after_tick: Callable[[str], Awaitable[None]] | None = None
    """awaited after each tick, before the next event: in lockstep a replay gives the very alerts of `evaluate`"""

    async def run(self, events: Iterable[bytes], until: date) -> None:
        """Publish events (in order of arrival) with a tick at the end of each of their days, up to `until`."""
        clock, day = "", None
        for value in events:
            event = decode(value)
            if not isinstance(event, Event):
                continue
            at = event.stamp.split("\t", 2)[1]
            if at > clock:
                clock = at
                today = min(date.fromisoformat(at[:10]), until + ONE_DAY)
                day = today if day is None else day
                while day < today:
                    await self._end(day)
                    day += ONE_DAY
                await self._wait(at)
            await self.publisher.publish(event.type, event.dossier, value)
        day = until if day is None else day
        while day <= until:
            await self._end(day)
            day += ONE_DAY

    async def _wait(self, at: str) -> None:
        seconds = self.pace.delay(at)
        if seconds > 0.02:
            await self.publisher.flush()
            await asyncio.sleep(seconds)

    async def _end(self, day: date) -> None:
        """Write the day's last tick, once everything before it has been acknowledged."""
        at = end_of(day)
        await self._wait(at)
        await self.publisher.flush()
        await self.ticker.tick(at)
        if self.after_tick is not None:
            await self.after_tick(at)
        self.on_day(day.isoformat(), self.publisher.published)
