"""Waits until all that is in the inbound topics has been counted and judged; says what is missing where it is not."""

import asyncio
import math
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Final

from models.standings.completeness import Cause, sentence
from streams.broker import topics
from streams.broker.ticks import Ticker, wall_instant
from streams.errors import Incomplete
from streams.monitoring.completeness import Sight, Where
from streams.settings import Settings

POLL_S: Final = 0.1
SAY_S: Final = 1.0
"""between two words of progress"""
TELL_S: Final = 5.0
"""after which a wait says what it waits for"""
HOPELESS: Final = frozenset({"partition-unread", "partition-missing"})
"""causes that no waiting mends"""


def wait_until_counted(
    settings: Settings, timeout_s: float, say: Callable[[str], None] | None = None, *, allow_incomplete: bool = False
) -> list[Cause]:
    """Return when everything published before the call shows in `standings` and `alerts`: up to the high watermarks.

    Sends a tick, so that what has been counted is also judged, and follows the groups' positions. Raises Incomplete
    with the causes where that takes longer than `timeout_s` seconds, or can never be. With `allow_incomplete` it
    returns them, and waits neither for open transactions of others nor for workers that are not there.
    """
    with Sight(settings) as sight:
        return _Wait(settings, sight, timeout_s, say, allow_incomplete=allow_incomplete).run()


class _Wait:
    """One wait."""

    def __init__(
        self, settings: Settings, sight: Sight, timeout_s: float, say: Callable[[str], None] | None, *,
        allow_incomplete: bool,
    ) -> None:  # fmt: skip
        self._settings = settings
        self._sight = sight
        self._began = time.monotonic()
        self._deadline = self._began + timeout_s
        self._say = say
        self._allow = allow_incomplete
        self._said = -math.inf
        self._told = False
        self._asked: Mapping[Where, int] = {}
        """inbound partition → what had arrived there when the wait began"""

    def run(self) -> list[Cause]:
        sight = self._sight
        if not self._allow and any(gap.cause in HOPELESS for gap in sight.gaps()):
            raise Incomplete([cause for cause in sight.causes() if cause.cause in HOPELESS])
        self._asked = sight.high(topics.INBOUND)
        if self._allow:
            ends = sight.stable(topics.INBOUND)
        else:
            ends = self._asked
            self._until(lambda: _short(sight.stable(topics.INBOUND), ends), "the portal's transactions")
        # Only now: a tick speaks for what is committed when it is written.
        asyncio.run(_flush(self._settings))
        self._follow(topics.TALLY, {**ends, **sight.stable([topics.TICKS])})
        self._follow(topics.WATCH, sight.stable([topics.TALLIES]))
        return sight.causes(self._asked) if self._allow else []

    def _follow(self, app: str, ends: Mapping[Where, int]) -> None:
        """Wait until an application's group has come to the ends."""
        self._until(lambda: _short(self._sight.positions(app), ends), self._settings.topic(app))

    def _until(self, behind: Callable[[], int], who: str) -> None:
        """Follow until nothing is behind."""
        while count := behind():
            now = time.monotonic()
            if now > self._deadline:
                return self._give_up()
            if self._say is not None and now - self._said > SAY_S:
                self._said = now
                self._say(f"{who}: {count} records to go")
            if not self._told and now - self._began > TELL_S:
                self._told = True
                causes = [cause for cause in self._sight.causes(self._asked) if cause.cause != "behind"]
                if self._say is not None:
                    for cause in causes:
                        self._say(f"waiting: {sentence(cause)}")
                if self._allow and any(cause.cause == "no-owner" for cause in causes):
                    return None  # nobody is there to be waited for
            time.sleep(POLL_S)
        return None

    def _give_up(self) -> None:
        if not self._allow and (causes := self._sight.causes(self._asked)):
            raise Incomplete(causes)


def _short(positions: Mapping[Where, int], ends: Mapping[Where, int]) -> int:
    """Return how many offsets are missing to the ends."""
    return sum(max(0, end - positions.get(where, 0)) for where, end in ends.items())


async def _flush(settings: Settings) -> None:
    """Ask for an evaluation of everything published so far; by the wall's clock, or at a replay's own time."""
    at = wall_instant(time.time(), max(1.0, settings.tick_seconds)) if settings.clock == "wall" else None
    async with Ticker(settings) as ticker:
        await ticker.tick(at, flush=secrets.token_hex(8))
