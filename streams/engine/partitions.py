"""Which partitions this process holds: being taken over, owned, or let go of and kept for their likely return.

Whatever is cancelled between two steps, a partition's rows in memory belong to exactly one owner, or are forgotten.
"""

import asyncio
from collections.abc import Iterable

from faust.types import TP

from streams.engine.partition import Host, Owner
from streams.engine.process_exit import watched


class Holdings:
    """The owners of one process."""

    def __init__(self, host: Host) -> None:
        """Hold nothing."""
        self._host = host
        self.owners: dict[int, Owner] = {}
        """partition → its owner, once it has been taken over"""
        self.taking: asyncio.Task[None] | None = None
        """the takeover under way; letting go ends it first"""
        self._opening: list[Owner] = []
        self._kept: dict[int, Owner] = {}
        self._lock = asyncio.Lock()

    def positions(self) -> dict[TP, int]:
        """Return where every owned source partition is to go on."""
        return {TP(t, p): owner.next_of(t) for p, owner in self.owners.items() for t in sorted(self._host.sources)}

    def at_work(self) -> str | None:
        """Say which stretch of which partition an agent's body was taking when it failed, and what to do; or None."""
        for owner in self.owners.values():
            if (fetch := owner.at_work) is not None:
                return (
                    f"while {fetch.topic}-{fetch.partition} was taken from {fetch.start} to {fetch.position}. Nothing "
                    "of that is committed or lost; where it stops there again, report it with these lines"
                )
        return None

    async def take(self, partitions: Iterable[int]) -> None:
        """Take partitions over, with what is kept of them."""
        owners = self._claim(set(partitions))
        await asyncio.gather(*(owner.open() for owner in owners))
        self.owners.update({owner.partition: owner for owner in owners})
        self._opening = []

    def _claim(self, partitions: set[int]) -> list[Owner]:
        """Return owners for partitions; forget what is kept of those that went elsewhere, or for too long.

        Deletions that a kept state missed are tombstones, which compaction removes after `delete.retention.ms`.
        """
        kept, self._kept = self._kept, {}
        owners = []
        for partition in sorted(partitions):
            owner = kept.pop(partition, None)
            if owner is not None and owner.idle_s() > self._host.config.kept_state_s:
                owner.forget()
                owner = None
            owners.append(owner or Owner(self._host, partition))
        for owner in kept.values():
            owner.forget()
        self._opening = owners
        return owners

    async def release(self) -> None:
        """Let go of every partition: commit what was applied, stop appenders, keep the state for its likely return.

        Runs to its end even where who asked for it is cancelled.
        """
        letting_go = watched(asyncio.create_task(self._release(), name="release"), cancellable=False)
        await asyncio.shield(letting_go)

    async def _release(self) -> None:
        async with self._lock:
            self._host.stats.working_since = None
            if self.taking is not None and not self.taking.done():
                self.taking.cancel()
                await asyncio.gather(self.taking, return_exceptions=True)
            owners = list(dict.fromkeys([*self.owners.values(), *self._opening]))
            self.owners, self._opening = {}, []
            await asyncio.gather(*(owner.close() for owner in owners if not owner.closed))
            for owner in owners:
                owner.forget_committed()
                if owner.ends:
                    self._kept[owner.partition] = owner
                else:
                    owner.forget()
