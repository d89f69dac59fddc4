"""After a rebalance: let go of what was ours, take over what is ours, seek to the state, let the flow go.

Stands in the place of `faust.tables.recovery`, which loses source records and hangs on transactional changelogs.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any

from faust.tables.manager import TableManager
from faust.types import TP
from mode import Service

from streams.engine.owner import Owner
from streams.engine.stop import die, watched

log = logging.getLogger("lotrinh.engine")


class Takeover(Service):
    """The service that Faust's table manager calls where it would recover tables."""

    def __init__(self, engine: Any, tables: "Tables", **kwargs: Any) -> None:
        """Hold the engine and its tables."""
        super().__init__(**kwargs)
        self.engine = engine
        self.tables = tables
        self.completed = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Do nothing yet: it comes too early, while agents may still be at work. See `Tables.release`."""

    async def on_rebalance(
        self,
        assigned: set[TP],
        revoked: set[TP],  # noqa: ARG002
        newly_assigned: set[TP],  # noqa: ARG002
        generation_id: int = 0,
    ) -> None:
        """Take over in the background: the group's heartbeats go on meanwhile."""
        await self.tables.release()
        self.task = watched(asyncio.create_task(self._take(assigned, generation_id)))

    async def _take(self, assigned: set[TP], generation: int) -> None:
        engine, consumer = self.engine, self.engine.consumer
        began = time.monotonic()
        engine.stats.rebalances += 1
        sources = {tp for tp in assigned if tp.topic in engine.sources}
        partitions = {tp.partition for tp in sources}
        if len(sources) != len(partitions) * len(engine.sources):
            die("the group gave one partition of the source topics to two workers; their partition counts differ")
        owners = self.tables.claim(partitions)
        await asyncio.gather(*(owner.open() for owner in owners))
        self.tables.owners.update({owner.partition: owner for owner in owners})
        await engine.on_rebalance_complete.send()
        if engine.consumer_generation_id != generation:
            return  # another rebalance has begun
        consumer.stop_flow()  # nothing may pass between the seek and the resumption
        engine.flow_control.suspend()
        await consumer.perform_seek()
        consumer.resume_partitions(sources)
        self.completed.set()
        engine.flow_control.resume()  # empties the queues
        consumer.resume_flow()
        await engine._fetcher.maybe_start()  # noqa: SLF001
        self.tables.on_actives_ready()
        self.tables.on_standbys_ready()
        engine.on_rebalance_end()
        engine.stats.working_since = time.monotonic()
        engine.stats.takeover.observe(engine.stats.working_since - began)
        log.info("%s works on %s after %.2f s", engine.config.id, sorted(partitions), time.monotonic() - began)


class Tables(TableManager):
    """Faust's table manager, for tables whose changelogs are read at takeover and never subscribed to."""

    def __init__(self, app: Any, **kwargs: Any) -> None:
        """Own nothing."""
        super().__init__(app, **kwargs)
        self.owners: dict[int, Owner] = {}
        self.committed: dict[TP, int] = {}
        self._takeover: Takeover | None = None
        self._kept: dict[int, Owner] = {}
        self._opening: list[Owner] = []
        self._lock = asyncio.Lock()

    @property
    def recovery(self) -> Takeover:
        """The takeover service, in the place of Faust's recovery."""
        if self._takeover is None:
            self._takeover = self._recovery = Takeover(self.app, self, beacon=self.beacon)
        return self._takeover

    async def _update_channels(self) -> None:
        """Start the tables without subscribing to their changelogs: assignment and lag then see sources only."""
        self._tables_finalized.set()
        for table in self.values():
            await table.maybe_start()
        self._tables_registered.set()

    def positions(self) -> Mapping[TP, int]:
        """Return where every owned source partition is to go on."""
        return {TP(t, p): owner.next_of(t) for p, owner in self.owners.items() for t in self.app.sources}

    def claim(self, partitions: set[int]) -> list[Owner]:
        """Return owners for partitions, with what is kept of them; forget kept ones that went elsewhere or are too old.

        Deletions that a kept state missed are tombstones, which compaction removes after `delete.retention.ms`.
        """
        kept, self._kept = self._kept, {}
        limit = time.monotonic() - self.app.config.kept_state_s
        owners = []
        for partition in sorted(partitions):
            owner = kept.pop(partition, None)
            if owner is not None and owner.let_go_at < limit:
                owner.forget()
                owner = None
            owners.append(owner or Owner(self.app, partition))
        for owner in kept.values():
            owner.forget()
        self._opening = owners
        return owners

    async def release(self) -> None:
        """Let go of every partition: commit what was applied, stop producers, keep the state for its likely return."""
        async with self._lock:
            self.app.stats.working_since = None
            task = self.recovery.task
            if task is not None and not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            owners = {*self.owners.values(), *(o for o in self._opening if not o.closed)}
            self.owners, self._opening = {}, []
            await asyncio.gather(*(owner.close() for owner in owners))
            for owner in owners:
                if owner.ends:
                    self._kept[owner.partition] = owner
                else:
                    owner.forget()

    async def on_stop(self) -> None:
        """On SIGTERM: finish, then stop as Faust does."""
        await self.release()
        await super().on_stop()
