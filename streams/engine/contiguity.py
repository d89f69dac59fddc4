"""Contiguity: what of a fetch continues the state, whatever was dropped, doubled or overtaken on the way here."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Literal, Protocol

from faust.types import TP

from streams.engine.partition import Owner
from streams.engine.partitions import Holdings
from streams.engine.process_exit import die
from streams.engine.stats import Stats
from streams.engine.work import Fetch

log = logging.getLogger("lotrinh.engine")

PART_MAX = 5_000
"""records that are merged before others have a turn: some 50 ms"""
REFETCHES_MAX = 3
"""times a stretch of the log is asked for again before the process gives up"""
REFETCH_S = 5.0
"""within which what was asked for again has to come; what was on its way before is passed over"""
STALL_S = 5.0
"""how often to look whether something was fetched and never arrived"""

Verdict = Literal["apply", "skip", "refetch"]


class Contiguity:
    """Judges fetches against the state's position, and remembers which stretches were asked for again."""

    def __init__(self) -> None:
        """Miss nothing."""
        self._missing: dict[TP, tuple[int, int, float]] = {}
        """(position asked for, times, when)"""
        self._seen: dict[TP, int] = {}

    def judge(self, fetch: Fetch, here: int, now: float) -> Verdict:
        """Say what to do with a fetch where the state has come to `here`; an overlap is trimmed off it.

        Fetches are true stretches of the log, so what continues the state may be applied whoever brought it, and when.
        """
        tp = TP(fetch.topic, fetch.partition)
        if fetch.position <= here:
            return "skip"  # all of it has been applied
        if fetch.start > here:
            return "refetch" if self.missing(tp, here, now) else "skip"
        if fetch.start < here:
            fetch.records = [r for r in fetch.records if r.offset >= here]
        self._missing.pop(tp, None)
        return "apply"

    def missing(self, tp: TP, here: int, now: float) -> bool:
        """Tell whether to fetch again from `here`; ends the process where that has been in vain."""
        at, times, when = self._missing.get(tp, (here, 0, -REFETCH_S))
        if at != here:
            times, when = 0, -REFETCH_S
        if times and now - when < REFETCH_S:
            return False  # asked for, and not yet due
        if times >= REFETCHES_MAX:
            die(f"{tp.topic}-{tp.partition}: what follows {here} cannot be fetched")
        self._missing[tp] = (here, times + 1, now)
        return True

    def stalled(self, tp: TP, here: int, fetched: int) -> bool:
        """Tell whether the consumer is further than the state and the state stands where it stood the last time.

        Then a fetch was dropped on the way, and no later one may come to show the hole.
        """
        before, self._seen[tp] = self._seen.get(tp), here
        return fetched > here and before == here


class Source(Protocol):
    """What the flow needs of the process it runs in: who owns what, and the consumer's positions."""

    sources: set[str]
    holdings: Holdings
    consumer_generation_id: int
    stats: Stats

    async def fetch_again(self, tp: TP, here: int) -> None:
        """Seek, unless a rebalance has begun: then the takeover seeks."""

    def fetched_to(self) -> Mapping[TP, int]:
        """Return up to where the consumer has handed over each partition."""


class Flow:
    """From fetches as they arrive to fetches as the state needs them."""

    def __init__(self, source: Source) -> None:
        """Miss nothing."""
        self._source = source
        self._contiguity = Contiguity()

    async def fetches(self, arrivals: AsyncIterator[tuple[Fetch, int]]) -> AsyncIterator[Fetch]:
        """Yield of what arrives, with the generation it arrived under, exactly the next stretches.

        A fetch is applied when the caller comes back for the next one; until then it may not await.
        """
        source, now = self._source, asyncio.get_running_loop().time
        async for fetch, generation in arrivals:
            owner = source.holdings.owners.get(fetch.partition)
            if owner is None or generation != source.consumer_generation_id:
                continue
            if not await self._has_room(owner):
                continue
            here = owner.next_of(fetch.topic)
            verdict = self._contiguity.judge(fetch, here, now())
            if verdict == "apply":
                async for part in self._parts(owner, fetch):
                    yield part
            elif verdict == "refetch":
                await self._again(TP(fetch.topic, fetch.partition), here)

    async def _parts(self, owner: Owner, fetch: Fetch) -> AsyncIterator[Fetch]:
        """Yield a fetch in parts as large as the owner has room for; what it is taken away from is left.

        It is one object all the while: windowed tables ask the one that Faust knows (`Fetch.at`). An owner that comes
        back begins at its state's position, and the rest is fetched again.
        """
        rest, position, generation = fetch.records, fetch.position, self._source.consumer_generation_id
        while True:
            fetch.records, fetch.position = rest, position
            fetch.leave(min(owner.allowance, PART_MAX))
            owner.begin(fetch)
            yield fetch
            owner.applied(fetch)  # of which the body may have left some records
            if fetch.position >= position:
                return
            rest, fetch.start = rest[len(fetch.records) :], fetch.position
            await asyncio.sleep(0)
            if not await self._has_room(owner) or self._source.consumer_generation_id != generation:
                return

    async def _has_room(self, owner: Owner) -> bool:
        """Wait until an owner has room for more; tell whether it still is one."""
        while owner.full and not owner.closed:
            await owner.room()
        return not owner.closed and self._source.holdings.owners.get(owner.partition) is owner

    async def mind_stalls(self) -> None:
        """Ask again, for ever, for what was fetched and dropped where no later fetch may come to show the hole.

        A state may stand still for other reasons (a slow broker, a busy machine), so this ends no process.
        """
        source = self._source
        while True:
            await asyncio.sleep(STALL_S)
            if any(owner.full for owner in source.holdings.owners.values()):
                continue  # it is the broker that is waited for
            for tp, fetched in source.fetched_to().items():
                owner = source.holdings.owners.get(tp.partition)
                if owner is None or tp.topic not in source.sources:
                    continue
                here = owner.next_of(tp.topic)
                if self._contiguity.stalled(tp, here, fetched):
                    await self._again(tp, here)

    async def _again(self, tp: TP, here: int) -> None:
        self._source.stats.holes += 1
        log.warning("%s-%d: fetching again from %d", tp.topic, tp.partition, here)
        await self._source.fetch_again(tp, here)
